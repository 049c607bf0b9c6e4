/// Erasure in an open log: the segments that hold a redacted payload are written anew without it, one after the other,
/// beside everything else. See docs/decisions/0023-erasure.md.
internal import Bytes

/// What is still to be erased, and where it still lies.
package struct ErasureStatus: Sendable {
  /// Revisions whose payload is still in a file.
  package fileprivate(set) var pending: Set<Revision> = []
  /// Files that hold, or may hold, what is to be erased.
  package fileprivate(set) var files: [String] = []
  /// Why the last attempt failed; nil when it did not.
  package fileprivate(set) var failure: LogError?
}

/// Erasures that are not finished.
struct PendingErasure {
  var edits = RecordEdits()
  /// The pending revisions, by the segment that holds them.
  var bySegment: [SegmentNumber: Set<Revision>] = [:]
  /// Files that were replaced and could not be removed, by whatever rewrite.
  var leftovers: [String] = []
  /// Something else has to be done first.
  var isHeld = false
  /// An erasure was asked for, and not all of it is done.
  var isWanted = false
  var setback = Setback()

  var hasWork: Bool { !bySegment.isEmpty || !leftovers.isEmpty }
}

extension RecordLog {
  /// Whether nothing is left of what was to be erased.
  package var isErasureDone: Bool { !erasure.isWanted }

  package var erasureStatus: ErasureStatus {
    var status = ErasureStatus()
    status.pending = erasure.bySegment.values.reduce(into: []) { $0.formUnion($1) }
    status.files = (indicesToErase.map { name(of: segments[$0]) } + erasure.leftovers).sorted()
    status.failure = erasure.setback.failure
    return status
  }

  /// Directories into which a salvage has moved files: what was redacted may be in them, and nothing here touches them.
  package var quarantined: [String] {
    ((try? storage.list(StoreNames.quarantine)) ?? []).map { "\(StoreNames.quarantine)/\($0)" }.sorted()
  }

  private func name(of segment: SegmentFile) -> String {
    StoreNames.segment(segment.number, generation: segment.header.generation)
  }

  /// Has payloads erased. Their records lie in segments that are finished, or will be: `reserve` with `isBehindAll` sees
  /// to that. To be called when it is durable that they are redacted. Nothing happens before `releaseErasure`.
  ///
  /// - Parameters:
  ///   - revision: of a put.
  ///   - position: where its record lies.
  ///   - unhashed: the revisions of its batch, which bear the hash of the same request.
  package func erase(_ revision: Revision, at position: RecordPosition, unhashed: ClosedRange<Revision>) {
    erasure.edits.redacted.insert(revision)
    for value in unhashed.lowerBound.value...unhashed.upperBound.value {
      erasure.edits.unhashed.insert(Revision(value))
    }
    erasure.bySegment[position.segment, default: []].insert(revision)
    erasure.isWanted = true
    erasure.isHeld = true
    erasure.setback.endPause()
  }

  /// All that had to be done before is done.
  package func releaseErasure() { erasure.isHeld = false }

  /// Segments that have to be written anew. What a recovery has cut off from one and copied may be in the old file too:
  /// those come first, so that nothing is left once the payloads' own segments are done.
  private var indicesToErase: [Int] {
    guard !erasure.bySegment.isEmpty else { return [] }
    let cut = finishedIndices.filter {
      segments[$0].header.packedFrom == nil && segments[$0 + 1].header.predecessorEnd != 0
        && erasure.bySegment[segments[$0].number] == nil
    }
    let first = segments[0].number
    return cut
      + erasure.bySegment.keys.sorted().compactMap { number in
        let index = Int(number.value) - Int(first.value)
        return finishedIndices.contains(index) ? index : nil
      }
  }

  /// Begins the next step of an erasure, if there is one to do; false when there is none. What goes wrong is tried
  /// again: nobody may be told that it is done before it is.
  func beginErasing() -> Bool {
    guard compaction == nil, erasure.hasWork, !erasure.isHeld, failure == nil,
      erasure.setback.isOver
    else {
      return compaction != nil
    }
    removeLeftovers()
    if !erasure.hasWork {
      erasure.isWanted = false
      erasure.setback.clear()
    }
    guard let index = indicesToErase.first else { return false }
    rewrite(index, erasure.edits)
    return true
  }

  private func removeLeftovers() {
    do {
      for name in erasure.leftovers { try storage.removeIfThere(name) }
      if !erasure.leftovers.isEmpty { try storage.syncDirectory(StoreNames.segments) }
      erasure.leftovers = []
    } catch {
      pauseErasure(LogError(error))
    }
  }

  private func pauseErasure(_ error: LogError) {
    erasure.setback.take(error, pause: .seconds(10))
  }

  /// Takes note of a segment that was written anew.
  func noteErased(_ rewrite: SegmentCompaction, _ outcome: SegmentCompaction.Outcome) {
    let hasErased = !rewrite.edits.redacted.isEmpty
    switch outcome {
    case .working: break
    case .done(let segment):
      if let leftover = segment.leftover { erasure.leftovers.append(leftover) }
      guard hasErased else { return }
      erasure.bySegment[rewrite.source.number]?.subtract(rewrite.edits.redacted)
      if erasure.bySegment[rewrite.source.number]?.isEmpty == true { erasure.bySegment[rewrite.source.number] = nil }
      erasure.setback.clear()
      if erasure.bySegment.isEmpty { erasure.edits = RecordEdits() }
      if !erasure.hasWork { erasure.isWanted = false }
    case .failed(let error): if hasErased { pauseErasure(error) }
    }
  }
}
