/// Takes in what the inspection of a log finds, keeps where every revision lies, and hands on what passes the filter.
internal import Bytes
internal import LogStore
internal import StoreTools
internal import ToolSupport

final class EventSource: InspectionVisitor {
  private let filter: EventFilter
  private let sink: any EventSink
  private let report: Report
  private let output: Output
  private let progress: Progress
  private let statistics: LogStatistics
  private let limit: Int
  private let edits: RecordEdits
  private let redactor: RecordRedactor?
  private var revisions = RevisionTable()
  private var segments: [SegmentFile] = []
  private var previous = RecordFetcher(bytesBefore: 0, bytesBehind: 2_048)
  private var noItem = ByteBuffer(capacity: 16)
  private(set) var emitted = 0
  /// The highest revision that was met.
  private(set) var lastRevision = Revision.none
  private var seen: UInt64 = 0
  /// With `--reverse`: what passed the filter, to be given once all is known.
  private var matches: MatchList?

  init(
    _ options: DumpOptions, limit: Int, edits: RecordEdits, sink: any EventSink, report: Report, output: Output,
    progress: Progress, statistics: LogStatistics
  ) {
    self.edits = edits
    redactor = RecordRedactor(edits)
    filter = EventFilter(options)
    self.sink = sink
    self.report = report
    self.output = output
    self.progress = progress
    self.statistics = statistics
    self.limit = limit
    if options.reverse { matches = MatchList(limit: limit) }
  }

  func begin(_ segment: InspectedSegment.Readable) {
    segments.append(segment.file)
    statistics.begin(segment)
  }

  func visit(_ frame: FrameHeader, at offset: Int) { statistics.count(frame, at: offset) }

  func report(_ issue: InspectionIssue) { report.take(issue) }

  func visit(_ record: InspectedRecord, _ bytes: RawSpan) -> Bool {
    seen += 1
    progress.update(bytes: statistics.bytesPassed, events: seen)
    let fields = record.header.fields
    let place = RecordPlace(segmentIndex: segments.count - 1, offset: record.offset)
    if fields.operation.takesRevision {
      lastRevision = max(lastRevision, fields.revision)
      if sink.wantsPreviousItem { revisions.note(fields.revision, at: place) }
    } else if !sink.wantsEveryRecord {
      return true
    }
    // Of an event that the retention has let go there is nothing to tell.
    if fields.operation == .dropped, !sink.wantsEveryRecord { return true }
    guard filter.matches(record.header, bytes) else { return true }
    if matches != nil {
      matches?.append(Match(place: place, frameOffset: record.frameOffset, epoch: record.epoch))
    } else if emitted < limit {
      give(record, bytes)
      // Whoever asked for few events sees them before the rest of the log is checked.
      if emitted == limit { output.flush() }
    }
    return !output.isClosed
  }

  /// Gives what is still held back. Once, when the log has been read.
  func finish() {
    if let matches { giveInReverse(matches) }
    progress.clear()
    sink.finish()
  }

  private func giveInReverse(_ matches: MatchList) {
    var fetcher = RecordFetcher(bytesBefore: 256 * 1024, bytesBehind: 16 * 1024)
    for match in matches.newest.reversed() {
      if output.isClosed { return }
      guard let found = fetcher.fetch(match.place, in: segments) else {
        report.take(
          InspectionIssue(
            .unreadable, "a record that was read before can not be read again",
            segment: segments[match.place.segmentIndex].number, offset: UInt64(match.place.offset)))
        continue
      }
      let record = InspectedRecord(
        header: found.header, segment: segments[match.place.segmentIndex], offset: match.place.offset,
        frameOffset: match.frameOffset, epoch: match.epoch)
      giveAsItCounts(record, fetcher.block.bytes.extracting(found.range))
    }
  }

  private func giveAsItCounts(_ record: InspectedRecord, _ bytes: RawSpan) {
    do {
      if let redactor,
        let header = try redactor.redact(record.header, bytes, seed: record.segment.seed, offset: record.offset)
      {
        give(record.with(header), redactor.record)
      } else {
        give(record, bytes)
      }
    } catch {
      report.take(
        InspectionIssue(.damage, error.message, segment: record.segment.number, offset: UInt64(record.offset)))
    }
  }

  private func give(_ record: InspectedRecord, _ bytes: borrowing ByteBuffer) { give(record, bytes.bytes) }

  private func give(_ record: InspectedRecord, _ bytes: RawSpan) {
    emitted += 1
    let fields = record.header.fields
    guard sink.wantsPreviousItem, fields.operation != .create, fields.previousRevision != .none else {
      EventSource.emit(record, bytes, noItem, 0..<0, to: sink)
      return
    }
    let place = revisions.place(of: fields.previousRevision)
    guard place != .none, !edits.redacted.contains(fields.previousRevision),
      let found = previous.fetch(place, in: segments), found.header.codec == .plain, found.header.fields.operation.isPut
    else {
      EventSource.emit(record, bytes, noItem, 0..<0, to: sink)
      return
    }
    let start = found.range.lowerBound
    let item = (start + found.header.payloadRange.lowerBound)..<(start + found.header.payloadRange.upperBound)
    EventSource.emit(record, bytes, previous, item, to: sink)
  }

  private static func emit(
    _ record: InspectedRecord, _ bytes: RawSpan, _ previous: borrowing RecordFetcher, _ item: Range<Int>,
    to sink: any EventSink
  ) {
    sink.emit(record, bytes, previousItem: previous.block.bytes.extracting(item))
  }

  private static func emit(
    _ record: InspectedRecord, _ bytes: RawSpan, _ previous: borrowing ByteBuffer, _ item: Range<Int>,
    to sink: any EventSink
  ) {
    sink.emit(record, bytes, previousItem: previous.bytes.extracting(item))
  }
}
