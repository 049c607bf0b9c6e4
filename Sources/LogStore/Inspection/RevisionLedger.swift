/// Keeps count of the revisions that an inspection has met, and so of those that are lost: a damage is reported when
/// the next good revision tells what it cost.

struct RevisionLedger {
  /// The last revision that was met; nil while it is not known where the log should begin.
  private(set) var last: Revision?
  /// The highest revision that is known to have been durable.
  private(set) var claimed: Revision
  /// Damage whose cost is not known yet.
  var pending: [InspectionIssue] = []
  /// Revisions up to this one may be met a second time where the inspection is now.
  var repeated = Revision.none

  init(before first: Revision?, claimed: Revision) {
    last = first
    self.claimed = claimed
  }

  /// The next revision in the log is `revision`: what is missing before it is lost.
  mutating func meet(
    _ revision: Revision, _ segment: SegmentNumber, _ offset: Int, _ visitor: some InspectionVisitor
  ) {
    let expected = last?.next ?? revision
    defer { if last == nil, revision != .none { last = Revision(revision.value - 1) } }
    if expected < revision {
      if pending.isEmpty {
        pending.append(
          InspectionIssue(
            .damage, "what came before is missing", segment: segment, offset: UInt64(offset)))
      }
      pending[0].lost = expected.value...(revision.value - 1)
      last = Revision(revision.value - 1)
    }
    flush(visitor)
  }

  /// Takes note of a good record. False when its revision has been met before.
  mutating func accept(
    _ revision: Revision, _ segment: SegmentNumber, _ offset: Int, _ visitor: some InspectionVisitor
  ) -> Bool {
    meet(revision, segment, offset, visitor)
    guard last.map({ revision > $0 }) ?? true else {
      guard revision > repeated else { return false }
      visitor.report(
        InspectionIssue(
          .damage, "revision \(revision) is here once more", segment: segment, offset: UInt64(offset)))
      return false
    }
    last = revision
    return true
  }

  /// Takes note of a good gap record. False when it has been met before.
  mutating func accept(
    _ gap: GapRecord, _ segment: SegmentNumber, _ offset: Int, _ visitor: some InspectionVisitor
  ) -> Bool {
    guard accept(gap.first, segment, offset, visitor) else { return false }
    last = gap.last
    return true
  }

  /// Takes note of a record whose header is good and whose payload is not.
  mutating func lose(
    _ fields: RecordFields, _ problem: FormatError, _ segment: SegmentNumber, _ offset: Int,
    _ visitor: some InspectionVisitor
  ) {
    var issue = InspectionIssue(.damage, problem.text, segment: segment, offset: UInt64(offset))
    if fields.operation.takesRevision {
      meet(fields.revision, segment, offset, visitor)
      issue.lost = fields.revision.value...fields.revision.value
      last = max(last ?? .none, fields.revision)
    }
    visitor.report(issue)
  }

  /// Takes note of what a frame's header says of the log.
  mutating func note(_ frame: FrameHeader) {
    claimed = max(claimed, frame.durableThrough)
    last = max(last ?? .none, frame.lastRevision)
  }

  /// The log ends: what was known to exist and was not met is lost.
  mutating func finish(_ visitor: some InspectionVisitor) {
    let met = last ?? .none
    if claimed > met {
      if pending.isEmpty { pending.append(InspectionIssue(.damage, "the log ends too early")) }
      pending[0].lost = met.next.value...claimed.value
      pending[0].lostIsAtLeast = true
    }
    flush(visitor)
  }

  private mutating func flush(_ visitor: some InspectionVisitor) {
    guard !pending.isEmpty else { return }
    for issue in pending { visitor.report(issue) }
    pending.removeAll()
  }
}
