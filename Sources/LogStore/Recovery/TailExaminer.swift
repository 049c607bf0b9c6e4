/// Finds the segment in which the log ends and decides what its end means. Reads only. See FORMAT.md, "Recovery".
internal import Bytes

package struct TailExamination {
  /// The index, among the directory's segments, of the one in which the log ends.
  package var activeIndex: Int
  package var scan: SegmentScan
  /// The last valid frame of the log; it is in an earlier segment when nothing of this one can be read.
  package var lastFrame: FrameHeader?
  package var verdict: TailVerdict
  /// The store was closed in good order.
  package var isClean: Bool
  /// For a verdict of rot: what proves that more had been durable.
  package var proof: String
}

package struct TailExaminer {
  package let directory: StoreDirectory

  package init(_ directory: StoreDirectory) { self.directory = directory }

  package func examine() throws(LogError) -> TailExamination {
    let index = try activeIndex()
    let active = directory.segments[index]
    var scanner = SegmentScanner(active, limit: directory.limit(at: index))
    let scan = try scanner.scan(after: try lastRevision(before: index)) { (_, _, _) throws(LogError) in }
    let isClean = scan.stop == .zeros && scan.lastFrame?.isCleanClose == true
    // After a clean close too: the stamp may be that of an earlier close, and what followed it a lost block.
    let evidence = try TailEvidence.collect(behind: scan.end, in: active, limit: Int(active.header.capacity))
    let spare = try spareEvidence(behind: index)

    let follows: TailVerdict.Follows =
      switch scan.stop {
      case .bad: .badFrame
      case .zeros where evidence.hasContent: .zerosThenContent
      case .zeros, .limit, .sealed: spare.hasContent ? .zerosThenContent : .nothing
      }
    var lastFrame = scan.lastFrame
    if lastFrame == nil { lastFrame = try self.lastFrame(before: index) }
    let proof = describeProof(scan, evidence, spare)
    let verdict = TailVerdict.decide(follows, proof == nil ? .none : .durableBeyondEnd)
    return TailExamination(
      activeIndex: index, scan: scan, lastFrame: lastFrame, verdict: verdict,
      isClean: isClean && verdict == .complete, proof: proof ?? "")
  }

  /// The last segment with anything at the place of its first frame; the first one when there is none.
  private func activeIndex() throws(LogError) -> Int {
    for index in directory.segments.indices.reversed() where try !isUnused(directory.segments[index]) {
      return index
    }
    return 0
  }

  private func isUnused(_ segment: SegmentFile) throws(LogError) -> Bool {
    let place = try firstFramePlace(segment)
    return place.bytes.isZero
  }

  private func firstFramePlace(_ segment: SegmentFile) throws(LogError) -> ByteBuffer {
    var place = ByteBuffer(capacity: Layout.FrameHeader.size)
    do {
      try segment.file.read(
        at: UInt64(Layout.SegmentHeader.blockBytes), length: Layout.FrameHeader.size, into: &place)
    } catch {
      throw LogError(error, segment: segment.number, offset: UInt64(Layout.SegmentHeader.blockBytes))
    }
    return place
  }

  /// The last revision before a segment: its header says so, or else its first frame; if that can not be read, the
  /// segment before does.
  package func lastRevision(before index: Int) throws(LogError) -> Revision {
    let segment = directory.segments[index]
    if segment.header.baseRevision != .none { return Revision(segment.header.baseRevision.value - 1) }
    let place = try firstFramePlace(segment)
    if let header = try? FrameHeader.decode(
      place.bytes, seed: segment.seed, offset: Layout.SegmentHeader.blockBytes)
    {
      return Revision(header.firstRevision.value - 1)
    }
    guard index > 0 else { return .none }
    var scanner = SegmentScanner(directory.segments[index - 1], limit: directory.limit(at: index - 1))
    return try scanner.scan(after: try lastRevision(before: index - 1)) { (_, _, _) throws(LogError) in }.lastRevision
  }

  private func lastFrame(before index: Int) throws(LogError) -> FrameHeader? {
    for earlier in (0..<index).reversed() {
      var scanner = SegmentScanner(directory.segments[earlier], limit: directory.limit(at: earlier))
      let scan = try scanner.scan(after: try lastRevision(before: earlier)) { (_, _, _) throws(LogError) in }
      if let frame = scan.lastFrame { return frame }
    }
    return nil
  }

  private func spareEvidence(behind index: Int) throws(LogError) -> TailEvidence {
    var evidence = TailEvidence()
    for spare in directory.segments[(index + 1)...] {
      let found = try TailEvidence.collect(
        behind: Layout.SegmentHeader.blockBytes, in: spare, limit: Int(spare.header.capacity))
      evidence.hasContent = evidence.hasContent || found.hasContent
      evidence.durableThrough = max(evidence.durableThrough, found.durableThrough)
      evidence.durableOffset = max(evidence.durableOffset, found.durableOffset)
    }
    return evidence
  }

  private func describeProof(_ scan: SegmentScan, _ evidence: TailEvidence, _ spare: TailEvidence) -> String? {
    let claims: [(Revision, String)] = [
      (directory.manifest.durableThrough, "the manifest"), (directory.snapshotRevision, "a snapshot"),
      (scan.durableThrough, "an earlier frame"),
      (evidence.durableThrough, "a later frame"), (spare.durableThrough, "the next segment"),
    ]
    for (revision, witness) in claims where revision > scan.lastRevision {
      return "\(witness) says that revision \(revision) was durable, the readable log ends at \(scan.lastRevision)"
    }
    if evidence.durableOffset > UInt64(scan.end) {
      return "a later frame says that this segment was durable up to byte \(evidence.durableOffset)"
    }
    // A frame goes into the next segment only after this one was sealed and synced.
    if spare.durableOffset > 0, scan.stop != .sealed, scan.stop != .limit {
      return "the next segment was already in use"
    }
    if spare.durableOffset > UInt64(Layout.SegmentHeader.blockBytes) {
      return "the next segment was durable up to byte \(spare.durableOffset)"
    }
    return nil
  }
}
