/// The thread that keeps the history tree beside everything else: the owner of the log tells it how far the log is
/// durable, it hashes what is new and writes heads. Nothing waits for it but a proof that was asked for, and the stop.
internal import Glibc
package import HistoryTree
package import LogStore
package import Threads

/// What `stats` and `health` tell of the tree.
package struct TreeStatus: Sendable {
  package var newestHead: SignedHead?
  /// Leaves that were hashed.
  package var size: UInt64 = 0
  package var problem: TreeProblem?
  package var notices: [String] = []
  /// Since when something durable is not covered by a head; microseconds since 1970.
  package var uncoveredSince: Int64?
}

package final class TreeKeeper: Sendable {
  package enum ProofOutcome: Sendable {
    case pending
    case proof(LeafProof)
    case absent
    case failed(String)
  }

  private struct Job: Hashable {
    var revision: Revision
    var withPayload: Bool
  }

  private struct State: Sendable {
    var log: DurableEnd
    /// What the log had when the keeper was made, until the thread takes it: only those records were there before.
    var logAtStart: DurableEnd?
    var hasNews = true
    var isStopping = false
    var jobs: [Job] = []
    var outcomes: [Job: ProofOutcome] = [:]
    var status = TreeStatus()
  }

  private let state: Monitor<State>
  private let storage: any Storage
  private let options: TreeOptions
  private let now: @Sendable () -> Int64
  private let onOutcome: @Sendable () -> Void

  /// How long leaves are gathered before a head: half of what a head may lag.
  private static let gatherMilliseconds = 500
  /// The pause after the disk had no room for a head.
  private static let pauseMilliseconds = 4_000
  private static let niceness: Int32 = 5
  private static let outcomesMax = 1_024

  /// - Parameters:
  ///   - now: the time, in microseconds since 1970.
  ///   - onOutcome: called from the thread when a proof is ready.
  package init(
    _ storage: any Storage, options: TreeOptions, log: DurableEnd, now: @escaping @Sendable () -> Int64,
    onOutcome: @escaping @Sendable () -> Void = {}
  ) {
    self.storage = storage
    self.options = options
    self.now = now
    self.onOutcome = onOutcome
    state = Monitor(State(log: log, logAtStart: log))
  }

  // MARK: For the owner of the log

  package func start() -> NamedThread { NamedThread("mfh-tree") { self.run() } }

  /// Tells how far the log is durable. Cheap.
  package func follow(_ log: DurableEnd) {
    let time = now()
    state.with(waking: true) { state in
      let isNews = state.log.place != log.place
      // Segments that were written anew since: whoever holds on to the old files keeps their bytes on the disk.
      if isNews || !state.log.hasSameFiles(as: log) { state.log = log }
      guard isNews else { return }
      state.hasNews = true
      if state.status.uncoveredSince == nil { state.status.uncoveredSince = time }
    }
  }

  /// Makes a head of all that is durable and ends the thread.
  package func stop() { state.with(waking: true) { $0.isStopping = true } }

  package var status: TreeStatus { state.with { $0.status } }

  /// Asks for the proof of a revision, or takes it when it is ready.
  package func proof(of revision: Revision, withPayload: Bool) -> ProofOutcome {
    let job = Job(revision: revision, withPayload: withPayload)
    return state.with(waking: true) { state in
      if let outcome = state.outcomes[job] {
        if case .pending = outcome { return .pending }
        state.outcomes[job] = nil
        return outcome
      }
      if state.outcomes.count >= TreeKeeper.outcomesMax {
        // Whoever asked for these has gone.
        state.outcomes = state.outcomes.filter { if case .pending = $0.value { true } else { false } }
      }
      state.outcomes[job] = .pending
      state.jobs.append(job)
      return .pending
    }
  }

  // MARK: The thread

  private enum Task {
    case follow(DurableEnd)
    case prove(Job)
    case stop(DurableEnd)
  }

  private func run() {
    // Where there is too little time for all, writes come first.
    setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, TreeKeeper.niceness)
    let follower: TreeFollower
    do {
      let log = state.with { state in state.logAtStart.take() ?? state.log }
      follower = try TreeFollower(
        storage, store: log.segments[0].header.store, options: options, log: log, now: now())
      state.with { $0.status.notices = follower.notices }
      try follower.writeHeadIfNeeded(now: now())
      publish(follower, nil)
    } catch {
      state.with { $0.status.problem = error }
      refuseAll(error)
      return
    }
    work(follower)
  }

  private func work(_ follower: TreeFollower) {
    while true {
      switch nextTask() {
      case .follow(let log):
        let problem = attempt(follower, log)
        publish(follower, problem)
        if let problem, !problem.mayPass { return refuseAll(problem) }
        pause(problem == nil ? TreeKeeper.gatherMilliseconds : TreeKeeper.pauseMilliseconds)
        if problem != nil { state.with { $0.hasNews = true } }
      case .prove(let job): prove(job, follower)
      case .stop(let log):
        publish(follower, attempt(follower, log))
        return
      }
    }
  }

  private func attempt(_ follower: TreeFollower, _ log: DurableEnd) -> TreeProblem? {
    do throws(TreeProblem) {
      do throws(LogError) { try follower.advance(to: log) } catch { throw TreeProblem(error) }
      try follower.writeHeadIfNeeded(now: now())
      return nil
    } catch {
      return error
    }
  }

  private func nextTask() -> Task {
    state.wait { state -> Task? in
      if !state.jobs.isEmpty { return .prove(state.jobs.removeFirst()) }
      if state.isStopping { return .stop(state.log) }
      guard state.hasNews else { return nil }
      state.hasNews = false
      return .follow(state.log)
    }
  }

  /// Waits, unless there is something that should not wait.
  private func pause(_ milliseconds: Int) {
    _ = state.wait(milliseconds: milliseconds) { state -> Bool? in
      state.isStopping || !state.jobs.isEmpty ? true : nil
    }
  }

  private func publish(_ follower: TreeFollower, _ problem: TreeProblem?) {
    let time = now()
    state.with { state in
      state.status.newestHead = follower.newestHead
      state.status.size = follower.size
      state.status.problem = problem
      if problem == nil { state.status.uncoveredSince = state.hasNews ? time : nil }
    }
  }

  private func prove(_ job: Job, _ follower: TreeFollower) {
    let log = state.with { $0.log }
    var outcome = ProofOutcome.absent
    do throws(LogError) {
      if let problem = attempt(follower, log) { outcome = .failed(problem.message) }
      if let proof = try follower.prove(job.revision, in: log, withPayload: job.withPayload) { outcome = .proof(proof) }
    } catch {
      outcome = .failed(error.description)
    }
    publish(follower, nil)
    finish(job, outcome)
  }

  private func finish(_ job: Job, _ outcome: ProofOutcome) {
    state.with { $0.outcomes[job] = outcome }
    onOutcome()
  }

  /// Until the stop: the tree does not go on, and whoever asks for a proof is told why.
  private func refuseAll(_ problem: TreeProblem) {
    while true {
      let job = state.wait { state -> Job?? in
        if !state.jobs.isEmpty { return .some(state.jobs.removeFirst()) }
        return state.isStopping ? .some(nil) : nil
      }
      guard let job else { return }
      finish(job, .failed(problem.message))
    }
  }
}

extension TreeFollower {
  fileprivate func writeHeadIfNeeded(now: Int64) throws(TreeProblem) {
    if needsHead { try writeHead(now: now) }
  }
}
