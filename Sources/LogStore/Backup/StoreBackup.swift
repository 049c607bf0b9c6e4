/// Copies a store that may be in use into a directory that then holds a store of the same history, which ends with a
/// given revision. What an earlier backup has already is not copied again. See docs/decisions/0026-backup.md.
///
/// A file of a backup that has its name is whole. New files come first and the manifest last: until then the earlier
/// backup is in force, and its manifest says that nothing counts but what it lists.
internal import Bytes

package struct StoreBackup {
  package struct Outcome: Equatable, Sendable {
    package var copiedSegments = 0
    package var copiedBytes: UInt64 = 0
    package var keptSegments = 0
    package var keptBytes: UInt64 = 0
  }

  package enum Failure: Error, Equatable, Sendable {
    /// The source has changed while it was read, so that it can not be cut at the revision: take a newer one.
    case moved(String)
    case source(LogError)
    case target(LogError)
  }

  private let source: StoreInspection
  private let target: any Storage
  private let revision: Revision
  private let now: Int64
  private let onProgress: (UInt64) -> Void
  private var outcome = Outcome()
  private var listing: [Manifest.Segment] = []

  /// - Parameters:
  ///   - revision: acknowledged by the hub, and the last one of its commit.
  ///   - now: microseconds since 1970.
  ///   - onProgress: called now and then with the bytes that are done.
  package init(
    _ source: StoreInspection, to target: any Storage, at revision: Revision, now: Int64,
    onProgress: @escaping (UInt64) -> Void = { _ in }
  ) {
    self.source = source
    self.target = target
    self.revision = revision
    self.now = now
    self.onProgress = onProgress
  }

  package static func run(_ backup: StoreBackup) throws(Failure) -> Outcome {
    var backup = backup
    let place: BackupPlace
    do { place = try BackupPlace.open(backup.target, store: backup.source.store) } catch { throw .target(error) }
    do throws(Failure) {
      try backup.copy(into: place)
    } catch {
      place.takeBack()
      throw error
    }
    return backup.outcome
  }

  private mutating func copy(into place: BackupPlace) throws(Failure) {
    var after = Revision(source.firstRevision.value - 1)
    var end: SegmentCut?
    for index in source.segments.indices {
      guard let segment = source.segments[index].readable, !segment.hasLostHeader else {
        if end != nil { break }
        throw .moved("segment \(source.segments[index].number) can not be read")
      }
      let copier = SegmentCopier(
        segment.file, cut: predecessorEnd(behind: index), after: after, revision: revision, target)
      // A redaction takes no revision, and begins a segment: what the hub counts as redacted the backup does too.
      if end != nil, try !copier.hasRecords() { break }
      let cut: SegmentCut
      if let kept = try kept(copier, place) { cut = kept } else { cut = try copied(copier) }
      listing.append(segment.file.listing)
      after = cut.lastRevision
      if cut.lastRevision >= revision { end = cut }
      onProgress(outcome.copiedBytes + outcome.keptBytes)
    }
    guard let end else { throw .moved("revision \(revision) can not be found") }
    do throws(LogError) {
      let tail = try writeEnd(behind: end, place)
      listing.append(tail)
      try finish(place)
    } catch {
      throw .target(error)
    }
  }

  /// Where the segment at `index` ends, when a recovery has cut it; 0 when it has not.
  private func predecessorEnd(behind index: Int) -> Int {
    guard index + 1 < source.segments.count, let next = source.segments[index + 1].readable else { return 0 }
    return Int(clamping: next.file.header.predecessorEnd)
  }

  private mutating func kept(_ copier: SegmentCopier, _ place: BackupPlace) throws(Failure) -> SegmentCut? {
    guard place.isUpdate, let cut = copier.existing() else { return nil }
    guard cut.lastRevision <= revision else {
      throw .target(
        LogError(
          .notAStore, "it has revision \(cut.lastRevision) already, the hub is at \(revision): name another directory"))
    }
    outcome.keptSegments += 1
    outcome.keptBytes += copier.segment.header.capacity
    return cut
  }

  private mutating func copied(_ copier: SegmentCopier) throws(Failure) -> SegmentCut {
    let cut = try copier.copy()
    outcome.copiedSegments += 1
    outcome.copiedBytes += copier.segment.header.capacity
    return cut
  }

  // MARK: The end

  /// The segment with which the backup ends. Its generation is one that neither the source nor the backup in force has
  /// under this number: its file is new.
  private func writeEnd(behind cut: SegmentCut, _ place: BackupPlace) throws(LogError) -> Manifest.Segment {
    guard let last = listing.last, let segment = source.segments.first(where: { $0.number == last.number })?.readable
    else { preconditionFailure("a backup has a segment") }
    let number = last.number.next
    let first = StoreNames.backupEndGeneration
    let header = SegmentHeader(
      store: source.store, lineage: segment.file.header.lineage, number: number,
      generation: place.lists(number, generation: first) ? first + 1 : first,
      capacity: UInt64(LogEnd.standardBytes), predecessorEnd: cut.isSealed ? 0 : UInt64(cut.end),
      baseRevision: cut.lastRevision.next, epoch: source.epoch + 1, createdAt: max(now, cut.time))
    do {
      try target.removeIfThere(StoreNames.segment(number, generation: header.generation))
    } catch {
      throw LogError(error)
    }
    let end = LogEnd(epoch: header.epoch, time: header.createdAt, lastRevision: cut.lastRevision)
    return try end.write(header, capacity: min(LogEnd.standardBytes, endBytes), to: target)
  }

  /// As large as a new store's first segment, or as the source's first one when that is smaller.
  private var endBytes: Int {
    Int(clamping: source.segments.first?.readable?.file.header.capacity ?? UInt64(LogEnd.standardBytes))
  }

  private func finish(_ place: BackupPlace) throws(LogError) {
    var manifest = Manifest(
      store: source.store, lineage: source.lineage,
      sequence: max(place.manifest?.sequence ?? 0, source.manifest?.sequence ?? 0) + 1, epoch: source.epoch + 1,
      durableThrough: revision, writtenAt: now, segments: listing)
    manifest.parentLineage = source.manifest?.parentLineage ?? .none
    manifest.parentRevision = source.manifest?.parentRevision ?? .none
    manifest.floor = source.manifest?.floor ?? .none
    manifest.listsAll = true
    do {
      try target.syncDirectory(StoreNames.segments)
      try ManifestStore.write(manifest, to: target)
    } catch {
      throw LogError(error)
    }
    try place.complete(manifest)
  }
}
