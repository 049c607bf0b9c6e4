/// Decides what a salvaged store is made of: which segments stay as they are, which are written anew, and where the
/// gaps are. Reads only.

struct SalvagePlan {
  final class Segment {
    let number: SegmentNumber
    /// Nil when there is nothing left of it.
    let source: SalvageSurvey.Segment?
    fileprivate(set) var isRewritten: Bool
    /// What was lost before and behind what is left.
    fileprivate var head: [SalvagePiece] = []
    fileprivate var tail: [SalvagePiece] = []
    /// What is left; nil for a sound segment, of which it is read when it is needed.
    fileprivate var body: [SalvagePiece]?
    /// That of the new file.
    fileprivate(set) var generation: UInt32 = 0
    /// How many bytes of the previous segment count; 0: all up to its seal.
    fileprivate(set) var predecessorEnd: UInt64 = 0

    init(_ number: SegmentNumber, _ source: SalvageSurvey.Segment?) {
      self.number = number
      self.source = source
      isRewritten = source.map { $0.isDamaged || $0.hasLostHeader || $0.isEmpty } ?? true
    }

    var isLost: Bool { source?.isEmpty ?? true }

    /// What the new file is made of, in order.
    func pieces() throws(LogError) -> [SalvagePiece] {
      if let body { return head + body + tail }
      return head + (try source?.rescan() ?? []) + tail
    }
  }

  /// In order of their numbers, without holes; the log ends in the last one, which is always written anew.
  private(set) var segments: [Segment] = []
  private(set) var gaps: [GapRecord] = []
  private(set) var epoch: UInt64
  private(set) var lastRevision = Revision.none
  private let issues: [InspectionIssue]
  private let now: Int64

  init(
    _ survey: SalvageSurvey, _ inspector: LogInspector<SalvageSurvey>, generations: [SegmentNumber: UInt32], now: Int64
  ) throws(LogError) {
    self.now = now
    issues = survey.issues
    let store = inspector.store
    epoch = survey.segments.values.reduce(store.manifest?.epoch ?? 0) {
      max($0, $1.epoch, $1.file.header.epoch)
    }
    epoch += 1
    try line(up: store.segments, survey)
    var expected = store.revisionBeforeFirst?.next
    for index in segments.indices { fill(index, &expected) }
    let next = expected ?? Revision(1)
    let known = max(inspector.ledger.last ?? .none, inspector.ledger.claimed)
    lastRevision = Revision(next.value - 1)
    if known >= next {
      segments[segments.count - 1].tail.append(.gap(noteGap(next...known)))
      lastRevision = known
    }
    settleNeighbours()
    for segment in segments where segment.isRewritten { try number(segment, generations) }
  }

  /// The segments from the first to the one in which the log ends.
  private mutating func line(up found: [InspectedSegment], _ survey: SalvageSurvey) throws(LogError) {
    let all = found.map { Segment($0.number, survey.segments[$0.number]) }
    let used = all.lastIndex { !$0.isLost } ?? 0
    segments = all.isEmpty ? [] : Array(all[...used])
    for (segment, next) in zip(segments, segments.dropFirst()) where segment.number.next != next.number {
      throw LogError(
        .damaged, "too many segments are missing behind segment \(segment.number) to tell which: restore a backup")
    }
    if let last = segments.last, last.source?.isSealed ?? false {
      segments.append(Segment(last.number.next, nil))
    }
    if segments.isEmpty { segments = [Segment(SegmentNumber(1), nil)] }
    segments[segments.count - 1].isRewritten = true
  }

  // MARK: Gaps

  private mutating func fill(_ index: Int, _ expected: inout Revision?) {
    let segment = segments[index]
    guard let source = segment.source else { return }
    guard let pieces = source.pieces else {
      guard let first = source.firstRevision, let last = source.lastRevision else { return }
      bridge(to: first, at: index, isHead: true, &expected)
      expected = max(expected ?? first, last.next)
      return
    }
    var body: [SalvagePiece] = []
    for piece in pieces {
      if let first = piece.firstRevision, let gap = bridge(to: first, at: index, isHead: body.isEmpty, &expected) {
        body.append(gap)
      }
      body.append(piece)
      if let last = piece.lastRevision { expected = max(expected ?? last.next, last.next) }
    }
    segment.body = body
  }

  /// Notes a gap where the log goes on with `revision` and has not reached it. Returns it when it belongs right here.
  @discardableResult
  private mutating func bridge(
    to revision: Revision, at index: Int, isHead: Bool, _ expected: inout Revision?
  ) -> SalvagePiece? {
    guard let next = expected, next < revision else {
      expected = expected ?? revision
      return nil
    }
    let gap = SalvagePiece.gap(noteGap(next...Revision(revision.value - 1)))
    expected = revision
    guard isHead else { return gap }
    // What is lost between two segments belongs to a segment that is missing there, or else to a damaged one.
    var lost = index
    while lost > 0, segments[lost - 1].isLost { lost -= 1 }
    if lost == index, !segments[index].isRewritten, index > 0 { lost = index - 1 }
    segments[lost].isRewritten = true
    if lost == index { segments[lost].head.append(gap) } else { segments[lost].tail.append(gap) }
    return nil
  }

  private mutating func noteGap(_ range: ClosedRange<Revision>) -> GapRecord {
    let lost = range.lowerBound.value...range.upperBound.value
    let causes = issues.filter { $0.lost?.overlaps(lost) ?? false }
    var place = ""
    if let number = causes.first?.segment {
      place = "segment \(number)\(causes[0].offset.map { " offset \($0)" } ?? ""): "
    }
    let more = causes.count > 1 ? ", and \(causes.count - 1) more" : ""
    let gap = GapRecord(
      first: range.lowerBound, last: range.upperBound, isAtLeast: causes.contains(where: \.lostIsAtLeast),
      recordedAt: now, reason: "\(place)\(causes.first?.message ?? "what came before is missing")\(more)")
    gaps.append(gap)
    return gap
  }

  // MARK: Neighbours

  /// A segment's header says where the one before it ends: it is written anew when that changes.
  private mutating func settleNeighbours() {
    for (previous, segment) in zip(segments, segments.dropFirst()) {
      let end = previous.source.map { UInt64($0.end) } ?? 0
      let isSealed = previous.isRewritten || (previous.source?.isSealed ?? false)
      segment.predecessorEnd = isSealed ? 0 : end
      guard !segment.isRewritten, let header = segment.source?.file.header else { continue }
      let isRight = header.predecessorEnd == segment.predecessorEnd
      segment.isRewritten = !isRight && (previous.isRewritten || header.predecessorEnd != end)
    }
  }

  private func number(_ segment: Segment, _ generations: [SegmentNumber: UInt32]) throws(LogError) {
    guard let known = generations[segment.number] else { return }
    guard known < StoreNames.generationMax else {
      throw LogError(
        .unsupported, "it has been written anew too often to be so once more: restore a backup",
        segment: segment.number)
    }
    segment.generation = known + 1
  }
}
