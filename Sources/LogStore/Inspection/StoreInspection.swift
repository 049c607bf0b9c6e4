/// Opens a store's directory to look at it, whatever state it is in: no lock, no write, and every problem is a line in
/// a report. A server may have the same store open and be writing to it.
internal import Bytes

package struct StoreInspection {
  let storage: any Storage
  /// The newest valid copy of the manifest; nil when both are gone or wrong.
  package let manifest: Manifest?
  package let store: StoreIdentity
  /// In order of their numbers, without holes: what is missing is there as lost.
  package internal(set) var segments: [InspectedSegment]
  /// What is wrong with the directory as a whole.
  package let issues: [InspectionIssue]
  /// The highest revision that manifest or snapshots say was durable.
  let claimed: Revision

  /// - Throws: `LogError`: `notFound` when there is no store, `notAStore` when it is not whole yet, `unsupported`, `io` when a directory can not be listed.
  package static func open(_ storage: any Storage) throws(LogError) -> StoreInspection {
    if try NewStore.isUnfinished(storage) { throw NewStore.refusal }
    // A recovery may remove unused segments, or compaction replace some, between the reading of the manifest and of
    // the directory: a second look tells that from a loss.
    let first = try StoreCensus.take(storage)
    let census = first.hasMissing ? try StoreCensus.take(storage) : first
    return StoreInspection(storage, census)
  }

  private init(_ storage: any Storage, _ census: StoreCensus) {
    self.storage = storage
    manifest = census.manifest
    store = census.store
    segments = census.segments()
    let snapshots = try? SnapshotStore(storage: storage).open(store: census.store)
    claimed = max(
      census.manifest?.durableThrough ?? .none, snapshots?.readers.map(\.tail.revision).max() ?? .none)
    issues = census.issues + SnapshotInspection.issues(snapshots?.problems ?? [])
  }

  /// Opens the segment behind the last one if there is one by now.
  mutating func extend() -> Bool {
    guard let last = segments.last else { return false }
    let number = last.number.next
    guard
      let file = try? SegmentFile.open(number, generation: 0, store: store, storage: storage, writable: false),
      let fileBytes = try? file.file.size()
    else { return false }
    segments.append(.readable(.init(file: file, fileBytes: fileBytes, hasLostHeader: false, issues: [])))
    return true
  }

  /// The snapshots whose two ends are sound, newest first, and what is wrong with the others.
  package func snapshots() throws(LogError) -> (readers: [SnapshotReader], problems: [LogError]) {
    try SnapshotStore(storage: storage).open(store: store)
  }

  /// The lineage of the history: that of the last readable segment.
  package var lineage: StoreIdentity {
    manifest?.lineage ?? segments.reversed().lazy.compactMap { $0.readable }.first { !$0.hasLostHeader }?
      .file.header.lineage ?? .none
  }

  /// Whether the log is there from its first revision on.
  package var beginsAtFirstRevision: Bool { revisionBeforeFirst == Revision.none }

  /// The first revision that the log should hold.
  package var firstRevision: Revision { (revisionBeforeFirst ?? .none).next }

  /// The number of its first segment.
  package var firstNumber: SegmentNumber { segments.first?.number ?? SegmentNumber(1) }

  /// The highest epoch that manifest and segments name.
  package var epoch: UInt64 {
    max(manifest?.epoch ?? 0, segments.compactMap { $0.readable?.file.header.epoch }.max() ?? 0)
  }

  /// The revision before the first one that this store should hold; nil when that can not be told.
  var revisionBeforeFirst: Revision? {
    guard let first = segments.first else { return nil }
    if first.number == SegmentNumber(1) { return Revision.none }
    guard let segment = first.readable, segment.file.header.baseRevision != .none else { return nil }
    return Revision(segment.file.header.baseRevision.value - 1)
  }
}
