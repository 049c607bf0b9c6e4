/// When snapshots are taken, and which one a hub starts from.
internal import Bytes
internal import KeyIndex
package import LogStore

/// What `stats` and the log of the operator tell of snapshots.
package struct SnapshotStatus: Sendable {
  /// The revision of the newest one; nil when there is none.
  package internal(set) var revision: Revision?
  package internal(set) var bytes = 0
  package internal(set) var taken: UInt64 = 0
  /// Why the last attempt failed; nil when it did not.
  package internal(set) var failure: LogError?
  /// Snapshots that could not be used when the hub was opened.
  package internal(set) var unusable: [LogError] = []
  /// Bytes of log that had to be read when the hub was opened.
  package internal(set) var replayedBytes = 0
  /// `RecordLog.bytesAppended` when the newest one was begun, less what lay behind it when the hub was opened.
  var begunAt: Int64 = 0

  mutating func noteOpened(_ loaded: LoadedSnapshot?, logBytesBehind: Int) {
    revision = loaded?.summary.revision
    replayedBytes = logBytesBehind
    begunAt = -Int64(logBytesBehind)
  }
}

extension MemoryHub {
  package enum SnapshotStep: Sendable {
    case idle
    /// There is more to do at once.
    case busy
    /// The disk has to do something first.
    case waiting
    case done
  }

  /// Whether so much log lies behind the newest snapshot that the next start would take long.
  package var isSnapshotDue: Bool {
    guard snapshotTaker == nil, failure == nil, redactions.isEmpty else { return false }
    if redactions.wantsSnapshot { return true }
    let behind = Int64(log.bytesAppended) - snapshots.begunAt
    return behind >= Int64(max(limits.snapshotLogBytes, snapshots.bytes))
  }

  package var isTakingSnapshot: Bool { snapshotTaker != nil }

  /// Begins a snapshot unless one is under way, the newest one has it all, or an erasure is not finished: a start has to
  /// read of that in the log.
  package func beginSnapshot() {
    guard snapshotTaker == nil, redactions.isEmpty, snapshots.revision != state.revision else { return }
    snapshots.begunAt = Int64(log.bytesAppended)
    let writer = log.beginSnapshot(replayFrom: acknowledgedPlace, after: state.revision, now: now())
    snapshotTaker = SnapshotTaker(writer: writer, through: state.revision)
  }

  /// Goes on with the snapshot under way: a few keys, so that nothing waits for it.
  package func stepSnapshot() -> SnapshotStep {
    guard let taker = snapshotTaker else { return .idle }
    switch taker.step(self) {
    case .busy: return .busy
    case .waiting: return .waiting
    case .done(let revision, let bytes):
      redactions.wantsSnapshot = false
      snapshots.revision = revision
      snapshots.bytes = bytes
      snapshots.taken += 1
      snapshots.failure = nil
      endSnapshot()
    case .failed(let error):
      snapshots.failure = error
      endSnapshot()
    }
    return .done
  }

  /// Gives up the snapshot under way, if there is one.
  func abandonSnapshot() {
    guard snapshotTaker != nil else { return }
    log.cancelSnapshot()
    endSnapshot()
  }

  private func endSnapshot() {
    snapshotTaker = nil
    log.endSnapshot()
  }

  /// Makes everything durable, takes a last snapshot, and closes the log: for a stop in good order.
  ///
  /// A snapshot that can not be written (a full disk, say) only makes the next start slower: see `snapshots.failure`.
  package func close() throws(LogError) {
    try log.finish()
    try settle()
    while snapshotTaker != nil { waitForSnapshot() }
    beginSnapshot()
    while snapshotTaker != nil { waitForSnapshot() }
    try log.close()
  }

  private func waitForSnapshot() {
    if case .waiting = stepSnapshot() { log.waitForSnapshot() }
  }

  // MARK: Loading

  /// The newest snapshot that is sound and fits the log; nil when there is none. Damaged ones are moved aside.
  func loadSnapshot() throws(LogError) -> LoadedSnapshot? {
    let found = try log.snapshots.open(store: log.status.store)
    for problem in found.problems { snapshots.unusable.append(problem) }
    for reader in found.readers {
      do throws(LogError) {
        let loaded = try SnapshotLoader(reader, limits: limits).load()
        try check(loaded)
        return loaded
      } catch {
        snapshots.unusable.append(error)
        if error.code == .damaged { try log.snapshots.quarantine(reader.name) }
      }
    }
    return nil
  }

  private func check(_ loaded: LoadedSnapshot) throws(LogError) {
    guard loaded.summary.generations.allSatisfy({ log.keepsPlaces(of: $0) }), log.contains(loaded.head.replay) else {
      throw LogError(.notFound, "\(loaded.name) speaks of segments that are not there any more; it is passed over")
    }
  }

  func snapshotSummary() -> SnapshotSummary {
    var counts: [UInt8: UInt64] = [:]
    for (kind, count) in state.countByKind.enumerated() where count > 0 { counts[UInt8(kind)] = UInt64(count) }
    return SnapshotSummary(
      revision: state.revision, checksum: state.checksum.sum, events: state.eventCounts, requestSeed: requests.seed,
      countByKind: counts, generations: log.generations)
  }
}
