/// Has the next segment ready before it is needed, in the background, and keeps the manifest's list of segments.
///
/// When a segment can not be made (the disk is full, say) it is tried again and again, at growing intervals, until it
/// can: the log goes on in the segment that it has, and refuses writes only when that one is used up.
internal import Synchronization
internal import Threads

package final class SegmentSupply: Sendable {
  /// Whether the next segment is there.
  package enum Availability: Equatable, Sendable {
    /// It is being made, or was not asked for yet.
    case preparing
    case ready
    /// It could not be made, for this reason, and will be tried again.
    case failing(LogError)
  }

  /// A segment that was asked for.
  private struct Order {
    let header: SegmentHeader
    /// It is made, and the manifest does not list it yet.
    var segment: SegmentFile?
    /// Why the last attempt failed; nil before the first one.
    var error: LogError?
    var failures = 0
    /// Without threads: when the owner's call tries again; nil until the owner has told the time.
    var nextAttempt: Int64?
    /// A failed fsync has poisoned the log: nothing more is tried.
    var isGivenUp = false
  }

  private enum Spare {
    case none
    case ordered(Order)
    case ready(SegmentFile)
  }

  private struct State {
    var spare: Spare
    var manifest: Manifest
    var isStopping = false

    var availability: Availability {
      switch spare {
      case .none: .preparing
      case .ordered(let order): order.error.map { .failing($0) } ?? .preparing
      case .ready: .ready
      }
    }
  }

  private let storage: any Storage
  private let usesThreads: Bool
  /// The least that a segment may hold.
  private let smallestBytes: UInt64
  private let state: Monitor<State>
  /// Held while a manifest is written: one is made ready, and one is packed, by two threads.
  private let manifestWriting = Mutex(())
  /// How far the log is durable, for the manifest.
  private let durableThrough: @Sendable () -> Revision
  /// Told of a failed fsync, which is final whatever file it was for.
  private let poison: @Sendable (LogError) -> Void
  /// Told when an attempt has ended, well or not.
  private let notify: @Sendable () -> Void

  /// The pause after the first failed attempt; it doubles up to the last one. A full disk is not written to all the
  /// time, and a person who has made room does not wait long.
  package static let firstPause = Duration.milliseconds(500)
  package static let longestPause = Duration.seconds(4)

  package init(
    storage: any Storage, manifest: Manifest, spare: SegmentFile?, smallestBytes: Int, usesThreads: Bool,
    durableThrough: @escaping @Sendable () -> Revision, poison: @escaping @Sendable (LogError) -> Void,
    notify: @escaping @Sendable () -> Void
  ) {
    self.storage = storage
    self.smallestBytes = UInt64(smallestBytes)
    self.usesThreads = usesThreads
    self.durableThrough = durableThrough
    self.poison = poison
    self.notify = notify
    state = Monitor(State(spare: spare.map { .ready($0) } ?? .none, manifest: manifest))
  }

  package var manifest: Manifest { state.with { $0.manifest } }

  package var availability: Availability { state.with { $0.availability } }

  /// Why the next segment could not be made; nil when it is there or nothing has gone wrong yet.
  package var problem: LogError? {
    if case .failing(let error) = availability { error } else { nil }
  }

  /// Asks for the segment with this header unless one is there or under way.
  package func want(_ header: @autoclosure () -> SegmentHeader) {
    let isNew = state.with(waking: true) { state -> Bool in
      guard case .none = state.spare else { return false }
      state.spare = .ordered(Order(header: header()))
      return true
    }
    if isNew, !usesThreads { attempt() }
  }

  /// Hands out the segment that was asked for; waits while it is being made.
  package func take() throws(LogError) -> SegmentFile {
    let outcome = state.wait { state -> Result<SegmentFile, LogError>? in
      switch state.spare {
      case .none: preconditionFailure("a segment is wanted before it is taken")
      case .ordered(let order): return order.error.map { .failure($0) }
      case .ready(let segment):
        state.spare = .none
        return .success(segment)
      }
    }
    return try outcome.get()
  }

  /// Waits while the segment that was asked for is being made for the first time.
  package func waitForAttempt() {
    state.wait { $0.availability == .preparing ? nil : () }
  }

  /// Without threads: tries again what has failed, if its time has come. `now` is in microseconds.
  package func retry(now: Int64) {
    guard !usesThreads else { return }
    let isDue = state.with { state -> Bool in
      guard case .ordered(var order) = state.spare, order.error != nil, !order.isGivenUp else { return false }
      guard let next = order.nextAttempt else {
        order.nextAttempt = now + Int64(SegmentSupply.pause(afterFailures: order.failures) / .microseconds(1))
        state.spare = .ordered(order)
        return false
      }
      return now >= next
    }
    if isDue { attempt() }
  }

  package static func pause(afterFailures failures: Int) -> Duration {
    // Far beyond the longest pause, and the product stays small.
    min(firstPause * (1 << min(max(failures - 1, 0), 16)), longestPause)
  }

  package func stop() { state.with(waking: true) { $0.isStopping = true } }

  /// The thread's body: makes what is asked for until `stop`.
  package func run() {
    while waitForWork() { attempt() }
  }

  /// Waits for an order, or for the time to try one again. Returns false when it is time to stop.
  private func waitForWork() -> Bool {
    let look = { (state: inout State) -> Bool? in
      if state.isStopping { return false }
      guard case .ordered(let order) = state.spare, order.error == nil else { return nil }
      return true
    }
    let failures = state.with { state -> Int in
      guard case .ordered(let order) = state.spare, !order.isGivenUp else { return 0 }
      return order.failures
    }
    guard failures > 0 else { return state.wait(look) }
    let pause = SegmentSupply.pause(afterFailures: failures) / .milliseconds(1)
    return state.wait(milliseconds: Int(pause), look) ?? true
  }

  private func attempt() {
    guard case .ordered(var order) = state.with({ $0.spare }) else { return }
    let result: Spare
    do throws(StorageError) {
      let segment = if let made = order.segment { made } else { try make(order.header) }
      // Kept if what follows fails: a second one beside it might be what fills the disk.
      order.segment = segment
      // Listed before it is used: a segment with commits that is missing will be noticed.
      try writeManifest(at: order.header.createdAt) { $0.segments.append(segment.listing) }
      result = .ready(segment)
    } catch {
      let problem = LogError(error)
      order.isGivenUp = error.call == .sync || error.call == .syncDirectory
      if order.isGivenUp { poison(problem) }
      order.error = problem
      order.failures += 1
      order.nextAttempt = nil
      result = .ordered(order)
    }
    state.with(waking: true) { $0.spare = result }
    notify()
  }

  /// Makes the segment, or a smaller one when there is room for that only.
  private func make(_ header: SegmentHeader) throws(StorageError) -> SegmentFile {
    var header = header
    while true {
      do throws(StorageError) {
        return try SegmentPreparer(storage: storage).prepare(header)
      } catch {
        guard error.isForWantOfSpace, header.capacity / 2 >= smallestBytes else { throw error }
        header.capacity /= 2
      }
    }
  }

  /// Lists a segment's new file in place of the old one.
  func relist(_ segment: SegmentFile, at time: Int64) throws(StorageError) {
    try writeFinally(at: time) { manifest in
      guard let index = manifest.segments.firstIndex(where: { $0.number == segment.number }) else { return }
      manifest.segments[index] = segment.listing
    }
  }

  /// Writes down from which revision on the past is whole.
  func raiseFloor(to floor: Revision, at time: Int64) throws(StorageError) {
    try writeFinally(at: time) { $0.floor = max($0.floor, floor) }
  }

  /// Changes what the manifest says the store is made of: a sync that fails is final here too.
  private func writeFinally(at time: Int64, _ change: (inout Manifest) -> Void) throws(StorageError) {
    do {
      try writeManifest(at: time, change)
    } catch {
      if error.call == .sync || error.call == .syncDirectory { poison(LogError(error)) }
      throw error
    }
  }

  /// Replaces the manifest with a changed one.
  package func writeManifest(at time: Int64, _ change: (inout Manifest) -> Void) throws(StorageError) {
    try manifestWriting.withLock { (_) throws(StorageError) in try replaceManifest(at: time, change) }
  }

  private func replaceManifest(at time: Int64, _ change: (inout Manifest) -> Void) throws(StorageError) {
    var manifest = state.with { $0.manifest }
    manifest.sequence += 1
    manifest.durableThrough = durableThrough()
    manifest.writtenAt = max(manifest.writtenAt, time)
    change(&manifest)
    try ManifestStore.write(manifest, to: storage)
    state.with { $0.manifest = manifest }
  }
}
