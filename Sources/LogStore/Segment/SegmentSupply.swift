/// Has the next segment ready before it is needed, in the background, and keeps the manifest's list of segments.
internal import Threads

package final class SegmentSupply: Sendable {
  private enum Spare {
    case none
    case wanted(SegmentHeader)
    case ready(SegmentFile)
    case failed(LogError)
  }

  private struct State {
    var spare: Spare
    var manifest: Manifest
    var isStopping = false
  }

  private let storage: any Storage
  private let usesThreads: Bool
  private let state: Monitor<State>
  /// How far the log is durable, for the manifest.
  private let durableThrough: @Sendable () -> Revision
  /// Told of a failed fsync, which is final whatever file it was for.
  private let poison: @Sendable (LogError) -> Void

  package init(
    storage: any Storage, manifest: Manifest, spare: SegmentFile?, usesThreads: Bool,
    durableThrough: @escaping @Sendable () -> Revision, poison: @escaping @Sendable (LogError) -> Void
  ) {
    self.storage = storage
    self.usesThreads = usesThreads
    self.durableThrough = durableThrough
    self.poison = poison
    state = Monitor(State(spare: spare.map { .ready($0) } ?? .none, manifest: manifest))
  }

  package var manifest: Manifest { state.with { $0.manifest } }

  /// Asks for the segment with this header unless one is there or under way.
  package func want(_ header: @autoclosure () -> SegmentHeader) {
    state.with(waking: true) { state in
      if case .none = state.spare { state.spare = .wanted(header()) }
    }
    if !usesThreads { prepareWanted() }
  }

  /// Hands out the segment that was asked for; waits for it if it must.
  package func take() throws(LogError) -> SegmentFile {
    let outcome = state.wait { state -> Result<SegmentFile, LogError>? in
      switch state.spare {
      case .none: preconditionFailure("a segment is wanted before it is taken")
      case .wanted: return nil
      case .ready(let segment):
        state.spare = .none
        return .success(segment)
      case .failed(let error):
        state.spare = .none  // the next caller has it tried again
        return .failure(error)
      }
    }
    return try outcome.get()
  }

  package func stop() { state.with(waking: true) { $0.isStopping = true } }

  /// The thread's body: prepares what is wanted until `stop`.
  package func run() {
    while true {
      let goOn = state.wait { state -> Bool? in
        if state.isStopping { return false }
        if case .wanted = state.spare { return true }
        return nil
      }
      guard goOn else { return }
      prepareWanted()
    }
  }

  private func prepareWanted() {
    guard case .wanted(let header) = state.with({ $0.spare }) else { return }
    let result: Spare
    do {
      let segment = try SegmentPreparer(storage: storage).prepare(header)
      // Listed before it is used: a segment with commits that is missing will be noticed.
      try writeManifest(at: header.createdAt) {
        $0.segments.append(
          .init(number: header.number, generation: header.generation, capacity: header.capacity))
      }
      result = .ready(segment)
    } catch {
      let problem = LogError(error)
      if error.call == .sync || error.call == .syncDirectory { poison(problem) }
      result = .failed(problem)
    }
    state.with(waking: true) { $0.spare = result }
  }

  /// Replaces the manifest with a changed one. Not from two threads at a time.
  package func writeManifest(at time: Int64, _ change: (inout Manifest) -> Void) throws(StorageError) {
    var manifest = state.with { $0.manifest }
    manifest.sequence += 1
    manifest.durableThrough = durableThrough()
    manifest.writtenAt = max(manifest.writtenAt, time)
    change(&manifest)
    try ManifestStore.write(manifest, to: storage)
    state.with { $0.manifest = manifest }
  }
}
