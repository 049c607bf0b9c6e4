/// Takes stock of a damaged store: what of each segment can be kept, and what is wrong. Nothing is changed.
internal import Bytes

final class SalvageSurvey: InspectionVisitor {
  /// One segment that can be read in some way.
  final class Segment {
    let file: SegmentFile
    let hasLostHeader: Bool
    /// In order; nil when the segment is sealed and sound: then a scan gives them again.
    private(set) var pieces: [SalvagePiece]? = []
    fileprivate(set) var isDamaged = false
    private(set) var firstRevision: Revision?
    private(set) var lastRevision: Revision?
    private(set) var epoch: UInt64 = 0
    private(set) var time: Int64 = 0
    private(set) var isSealed = false
    /// The byte behind the last frame.
    private(set) var end = Layout.SegmentHeader.blockBytes

    init(_ segment: InspectedSegment.Readable) {
      file = segment.file
      hasLostHeader = segment.hasLostHeader
    }

    var isEmpty: Bool { pieces?.isEmpty ?? false }

    func append(_ piece: SalvagePiece) {
      pieces?.append(piece)
      note(piece)
    }

    func append(_ record: SalvagedRecord, _ durability: Durability) {
      if case .records(var run, let mode)? = pieces?.last, let last = run.last, mode == durability,
        last.offset + last.length == record.offset, continues(record)
      {
        run.append(record)
        pieces?.removeLast()
        pieces?.append(.records(run, mode))
        note(.records([record], mode))
      } else {
        append(.records([record], durability))
      }
    }

    private func continues(_ record: SalvagedRecord) -> Bool {
      guard let revisions = record.revisions, let lastRevision else { return true }
      return revisions.lowerBound == lastRevision.next.value
    }

    private func note(_ piece: SalvagePiece) {
      if firstRevision == nil { firstRevision = piece.firstRevision }
      if let last = piece.lastRevision { lastRevision = max(lastRevision ?? .none, last) }
      epoch = max(epoch, piece.epoch)
      time = max(time, piece.time)
      isSealed = piece.isSeal
      if case .frame(let header, let offset) = piece { end = offset + header.frameBytes }
    }

    /// A sound segment may have very many frames: they are not kept in mind.
    fileprivate func forgetIfSound() {
      if isSealed, !isDamaged, !hasLostHeader { pieces = nil }
    }

    /// The frames of a sound segment.
    func rescan() throws(LogError) -> [SalvagePiece] {
      guard let firstRevision else { return [] }
      var found: [SalvagePiece] = []
      var scanner = SegmentScanner(file)
      _ = try scanner.scan(after: Revision(firstRevision.value - 1)) { (header, offset, _) throws(LogError) in
        found.append(.frame(header, offset: offset))
      }
      return found
    }
  }

  private(set) var segments: [SegmentNumber: Segment] = [:]
  /// What is wrong, in the order of the log.
  private(set) var issues: [InspectionIssue] = []
  /// All revisions that records of the log stand for, and how many records there are.
  private(set) var records = 0
  private var current: Segment?
  private var frame: (header: FrameHeader, offset: Int, records: [SalvagedRecord])?
  private var durability = Durability.fsync

  func begin(_ segment: InspectedSegment.Readable) {
    endSegment()
    let surveyed = Segment(segment)
    surveyed.isDamaged = issues.contains { $0.segment == segment.file.number && $0.isDamage }
    segments[segment.file.number] = surveyed
    current = surveyed
  }

  func visit(_ header: FrameHeader, at offset: Int) {
    endFrame()
    durability = header.durability
    frame = (header, offset, [])
  }

  func visit(_ record: InspectedRecord, _ bytes: RawSpan) -> Bool {
    records += 1
    let kept = SalvagedRecord(record, revisions: SalvageSurvey.revisions(of: record.header, bytes))
    if let offset = record.frameOffset, offset == frame?.offset {
      frame?.records.append(kept)
    } else {
      endFrame()
      current?.append(kept, durability)
    }
    return true
  }

  private static func revisions(of header: RecordHeader, _ bytes: RawSpan) -> ClosedRange<UInt64>? {
    let fields = header.fields
    if fields.operation.takesRevision { return fields.revision.value...fields.revision.value }
    guard fields.operation == .gap, let gap = try? GapRecord.decode(bytes.extracting(header.payloadRange)) else {
      return nil
    }
    return gap.first.value...gap.last.value
  }

  func report(_ issue: InspectionIssue) {
    guard issue.isDamage else { return }
    issues.append(issue)
    if let number = issue.segment { segments[number]?.isDamaged = true }
  }

  /// Everything has been visited.
  func finish() { endSegment() }

  private func endSegment() {
    endFrame()
    current?.forgetIfSound()
    current = nil
  }

  private func endFrame() {
    guard let (header, offset, records) = frame else { return }
    frame = nil
    if records.count == Int(header.recordCount) {
      current?.append(.frame(header, offset: offset))
    } else {
      // Some of its records were met before: only the others count.
      current?.isDamaged = true
      for record in records { current?.append(record, header.durability) }
    }
  }
}
