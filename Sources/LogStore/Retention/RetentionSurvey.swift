/// Finds out what a retention lets go: reads the finished segments, the newest first, beside everything else.
///
/// It looks at links only. An event that a later event of its key has superseded is gone from the state of every moment
/// after that; so what is dropped needs neither the index nor the keys.
internal import Bytes
internal import Synchronization
internal import Threads

/// What a survey found.
struct RetentionFindings: Sendable {
  var edits = RecordEdits()
  /// Segments that are worth being written anew, oldest first.
  var segments: [SegmentNumber] = []
  /// From this revision on the past is whole once that is done; 0: nothing is let go.
  var floor = Revision.none
  /// How many events go from those segments, and how many bytes their records have.
  var events = 0
  var bytes = 0
}

final class RetentionSurvey: Sendable {
  enum Outcome: Sendable {
    case working
    case done(RetentionFindings)
    case failed(LogError)
  }

  /// A segment, and the byte behind which it does not count; nil: its seal ends it.
  struct Part: Sendable {
    let file: SegmentFile
    /// A recovery may have cut the segment and copied what lies behind into the next one; nil: all of it counts.
    let limit: UInt64?

    init(_ file: SegmentFile, before next: SegmentFile) {
      self.file = file
      let cut = next.header.predecessorEnd
      limit = cut == 0 ? nil : cut
    }
  }

  private let parts: [Part]
  private let first: Revision
  private let through: Revision
  private let kept: UInt8
  private let bytesPerSecond: Int
  private let onOutcome: @Sendable () -> Void
  private let outcomeBox = Monitor(Outcome.working)
  private let isCancelled = Atomic<Bool>(false)

  /// A segment is written anew for a tenth of what is in it.
  private static let worth = 10

  /// - Parameters:
  ///   - parts: the finished segments, in order.
  ///   - first: the first revision in them.
  ///   - through: only events up to this one count, also as what supersedes others.
  init(
    _ parts: [Part], first: Revision, through: Revision, kept: UInt8, bytesPerSecond: Int,
    onOutcome: @escaping @Sendable () -> Void
  ) {
    self.parts = parts
    self.first = first
    self.through = through
    self.kept = kept
    self.bytesPerSecond = bytesPerSecond
    self.onOutcome = onOutcome
  }

  var outcome: Outcome { outcomeBox.with { $0 } }

  func cancel() { isCancelled.store(true, ordering: .relaxed) }

  /// - Parameter finish: called with what was found, before anybody else knows of it.
  func run(then finish: @Sendable (RetentionFindings) throws(LogError) -> Void) {
    let result: Outcome
    do throws(LogError) {
      let findings = try survey()
      if findings.floor != .none { try finish(findings) }
      result = .done(findings)
    } catch {
      result = .failed(error)
    }
    outcomeBox.with(waking: true) { $0 = result }
    onOutcome()
  }

  private struct Event {
    let revision: Revision
    let previous: Revision
    let bytes: Int
  }

  private func survey() throws(LogError) -> RetentionFindings {
    var findings = RetentionFindings()
    guard first <= through else { return findings }
    var superseded = SupersededRevisions(first...through, kept: kept)
    // The newest event that makes another one go, for each segment that others go from.
    for part in parts.reversed() {
      let events = try read(part)
      var dropped = (events: 0, bytes: 0)
      var total = 0
      for event in events.reversed() {
        if superseded.note(event.revision, supersedes: event.previous) {
          findings.floor = max(findings.floor, event.revision)
        }
        total += event.bytes
        if superseded.contains(event.revision) { dropped = (dropped.events + 1, dropped.bytes + event.bytes) }
      }
      guard dropped.events > 0, dropped.bytes * RetentionSurvey.worth >= total else { continue }
      findings.segments.insert(part.file.number, at: 0)
      findings.events += dropped.events
      findings.bytes += dropped.bytes
    }
    if findings.segments.isEmpty { findings.floor = .none }
    findings.edits.dropped = superseded
    return findings
  }

  /// The events of a segment that are still there.
  private func read(_ part: Part) throws(LogError) -> [Event] {
    var events: [Event] = []
    var pacer = Pacer(bytesPerSecond: bytesPerSecond)
    var scanner = SegmentScanner(part.file, limit: part.limit)
    let file = part.file
    let scan = try scanner.scan(after: try file.revisionBeforeFirst()) { (frame, offset, body) throws(LogError) in
      guard !isCancelled.load(ordering: .relaxed) else { throw LogError(.busy, "the survey was given up") }
      pacer.pass(frame.frameBytes)
      guard frame.kind == .commit, frame.firstRevision <= through else { return }
      CommitFrame.forEach(in: body, seed: file.seed, bodyOffset: offset + Layout.FrameHeader.size) {
        (header, _, _) in
        let fields = header.fields
        guard fields.operation.takesRevision, fields.operation != .dropped, fields.revision <= through else { return }
        events.append(
          Event(revision: fields.revision, previous: fields.previousRevision, bytes: Int(header.recordBytes)))
      }
    }
    try file.check(scan, limit: part.limit)
    return events
  }
}
