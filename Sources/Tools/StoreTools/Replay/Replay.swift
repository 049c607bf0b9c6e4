/// Reads a log up to a point and writes what it read into a new one. The source is only read; a store in use is read as
/// far as it is written.
internal import Bytes
internal import Hub
package import LogStore

package final class Replay: InspectionVisitor {
  private let plan: ReplayPlan
  private let report: Report
  private let progress: Progress
  private let builder: LogBuilder?
  private let state = LogState()
  private var exclusion: AgentExclusion?
  @exclusivity(unchecked) private var outcome = ReplayOutcome()
  private var failure: ReplayFailure?
  private var knowsAll: Bool
  @exclusivity(unchecked) private var last: Revision
  @exclusivity(unchecked) private var bytesRead: UInt64 = 0
  @exclusivity(unchecked) private var recordsRead: UInt64 = 0
  private var reachedPoint = false

  private init(
    _ source: StoreInspection, _ plan: ReplayPlan, _ builder: LogBuilder?, _ report: Report, _ progress: Progress
  ) {
    self.plan = plan
    self.report = report
    self.progress = progress
    self.builder = builder
    knowsAll = source.beginsAtFirstRevision
    last = Revision(max(source.firstRevision.value, 1) - 1)
    if !plan.excludedAgents.isEmpty { exclusion = AgentExclusion(plan.excludedAgents) }
  }

  /// Replays `source` into `target`, which is empty and stays so when this fails; without one nothing is written.
  package static func run(
    _ source: StoreInspection, _ plan: ReplayPlan, into target: (any Storage)?, report: Report, progress: Progress
  ) throws(ReplayFailure) -> ReplayOutcome {
    guard let target else { return try read(source, plan, nil, report, progress) }
    let store: NewStore
    do { store = try NewStore.begin(target) } catch { throw .target(error) }
    do throws(ReplayFailure) {
      let origin = LogBuilder.Origin(
        store: plan.store, lineage: plan.lineage, parentLineage: source.lineage, epoch: source.epoch + 1,
        now: plan.now)
      let builder = LogBuilder(
        target, origin, first: source.firstRevision, firstNumber: source.firstNumber, segmentBytes: plan.segmentBytes,
        usesThread: plan.usesThreads)
      builder.floor = source.manifest?.floor ?? .none
      let outcome = try read(source, plan, builder, report, progress)
      do {
        try builder.finish()
        try store.complete()
      } catch {
        throw .target(error)
      }
      return outcome
    } catch {
      store.takeBack()
      throw error
    }
  }

  private static func read(
    _ source: StoreInspection, _ plan: ReplayPlan, _ builder: LogBuilder?, _ report: Report, _ progress: Progress
  ) throws(ReplayFailure) -> ReplayOutcome {
    let replay = Replay(source, plan, builder, report, progress)
    defer { progress.clear() }
    let floor = source.manifest?.floor ?? .none
    if case .revision(let revision) = plan.point, revision.next < source.firstRevision || revision < floor {
      throw .beforeStart(max(source.firstRevision, floor))
    }
    // A redaction reaches into the past: what it names is not written, wherever the replay ends.
    var inspector = LogInspector(source, visitor: replay, edits: PendingRedactions.find(in: source))
    inspector.run()
    return try replay.finish(source)
  }

  private func finish(_ source: StoreInspection) throws(ReplayFailure) -> ReplayOutcome {
    if let failure { throw failure }
    if case .revision(let revision) = plan.point, last < revision { throw .beyondEnd(last) }
    // What was there at a moment before the floor is not there any more.
    let floor = source.manifest?.floor ?? .none
    guard last >= floor else { throw .beforeStart(floor) }
    outcome.revision = state.revision
    outcome.keys = state.keyCount
    outcome.checksum = state.checksum.text
    let counts = state.eventCounts
    outcome.events = counts.create + counts.update + counts.delete + counts.expire
    outcome.epoch = source.epoch + 1
    return outcome
  }

  // MARK: What is read

  package func begin(_ segment: InspectedSegment.Readable) {
    // What is changed here is another history: only as it was it may bear the name of the old one.
    guard exclusion == nil else { return }
    write { (builder) throws(LogError) in try builder.begin(lineage: segment.file.header.lineage) }
  }

  package func visit(_ frame: FrameHeader, at offset: Int) {
    bytesRead += UInt64(frame.frameBytes)
    write { (builder) throws(LogError) in try builder.begin(frame) }
  }

  package func visit(_ record: InspectedRecord, _ bytes: RawSpan) -> Bool {
    let fields = record.header.fields
    if outcome.firstTime == nil, fields.operation.takesRevision { outcome.firstTime = fields.time }
    guard failure == nil, !plan.point.isPassed(by: fields, after: last) else {
      outcome.isCut = true
      reachedPoint = true
      return false
    }
    recordsRead += 1
    progress.update(bytes: bytesRead, events: recordsRead)
    if fields.operation.takesRevision {
      take(record, bytes)
    } else if fields.operation == .gap {
      takeGap(record.header, bytes)
    } else {
      write { (builder) throws(LogError) in try builder.append(record.header, bytes) }
    }
    return failure == nil
  }

  private func take(_ record: InspectedRecord, _ bytes: RawSpan) {
    let header = record.header
    let place = state.place(of: bytes.extracting(header.keyRange))
    let hash = state.stateHash(header, bytes)
    if let flaw = state.flaw(header.fields, stateHash: hash, at: place, knowsAll: knowsAll && exclusion == nil) {
      report(
        InspectionIssue(
          .damage, "revision \(header.fields.revision): \(flaw.text)", segment: record.segment.number,
          offset: UInt64(record.offset)))
    }
    if header.fields.revision > last.next { loseUpTo(header.fields.revision) }
    last = header.fields.revision
    outcome.lastTime = header.fields.time
    let cutsBatch = header.fields.continues && plan.point == .revision(last)
    outcome.cutsBatch = outcome.cutsBatch || cutsBatch
    let decided = decide(header, bytes, place, cutsBatch: cutsBatch)
    if (decided ?? header.fields).operation == .void { outcome.voided += 1 }
    if let decided, decided.operation == .void, state.isDropped(header.fields.previousRevision) {
      // Without this write the one before it would count, and the retention has let that go.
      failure = .beforeStart(header.fields.revision)
      return
    }
    state.apply(decided ?? header.fields, stateHash: hash, at: place)
    write { (builder) throws(LogError) in
      if let decided {
        try Replay.append(decided, header, bytes, to: builder)
      } else {
        try builder.append(header, bytes)
      }
    }
  }

  /// What the record says in the new log; nil when it is the same.
  private func decide(
    _ header: RecordHeader, _ bytes: RawSpan, _ place: LogState.Place, cutsBatch: Bool
  ) -> RecordFields? {
    var decided = exclusion?.decide(header, bytes, state[place])
    if cutsBatch {
      // What it belongs together with is not there.
      decided = decided ?? header.fields
      decided?.continues = false
    }
    return decided
  }

  private static func append(
    _ fields: RecordFields, _ header: RecordHeader, _ bytes: RawSpan, to builder: LogBuilder
  ) throws(LogError) {
    if header.isEmptied, fields.operation == header.fields.operation {
      return try builder.appendEmptied(fields, header, bytes)
    }
    let payload = fields.operation.isPut ? header.payloadRange : 0..<0
    try builder.append(
      fields,
      RecordNames(
        key: bytes.extracting(header.keyRange), agent: bytes.extracting(header.agentRange),
        correlation: bytes.extracting(header.correlationRange), request: bytes.extracting(header.requestRange)),
      payload: bytes.extracting(payload))
  }

  // MARK: What is not there

  private func takeGap(_ header: RecordHeader, _ bytes: RawSpan) {
    knowsAll = false
    guard let gap = try? GapRecord.decode(bytes.extracting(header.payloadRange)) else { return }
    lose(gap)
  }

  /// Where the log begins could not be told, and no issue has said what is missing.
  private func loseUpTo(_ next: Revision) {
    lose(
      GapRecord(
        first: last.next, last: Revision(next.value - 1), isAtLeast: false, recordedAt: plan.now,
        reason: "what came before is missing"))
  }

  private func lose(_ gap: GapRecord) {
    var gap = gap
    gap.first = max(gap.first, last.next)
    guard gap.first <= gap.last else { return }
    if case .revision(let revision) = plan.point {
      guard gap.first <= revision else { return }
      if gap.last > revision {
        gap.last = revision
        gap.isAtLeast = false
      }
    }
    last = gap.last
    outcome.lost += gap.last.value - gap.first.value + 1
    write { (builder) throws(LogError) in try builder.append(gap) }
  }

  package func report(_ issue: InspectionIssue) {
    // What lies behind the point does no harm.
    guard failure == nil, !reachedPoint, !isBehindPoint(issue) else { return }
    report.take(issue)
    guard issue.isDamage else { return }
    guard plan.salvages else {
      failure = .damaged
      return
    }
    knowsAll = false
    guard let lost = issue.lost else { return }
    lose(
      GapRecord(
        first: Revision(lost.lowerBound), last: Revision(lost.upperBound),
        isAtLeast: issue.lostIsAtLeast, recordedAt: plan.now, reason: issue.description))
  }

  private func isBehindPoint(_ issue: InspectionIssue) -> Bool {
    guard case .revision(let revision) = plan.point else { return false }
    if let lost = issue.lost { return lost.lowerBound > revision.value }
    return issue.segment != nil && last >= revision
  }

  // MARK: What is written

  private func write(_ body: (LogBuilder) throws(LogError) -> Void) {
    guard let builder, failure == nil else { return }
    do { try body(builder) } catch { failure = .target(error) }
  }
}
