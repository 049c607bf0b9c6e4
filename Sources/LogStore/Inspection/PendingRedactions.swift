/// Finds what counts as redacted although its bytes are still in the log: a redaction record names it, and the hub has
/// not written its segment anew yet. See FORMAT.md, "Redaction record".
internal import Bytes

package enum PendingRedactions {
  /// What readers of events have to leave out: see `LogInspector`. The heads of all frames are read for it, and all of
  /// the log once more when something was ever redacted.
  package static func find(in store: StoreInspection) -> RecordEdits {
    let named = FrameSurvey.named(in: store) ?? RecordSurvey.named(in: store)
    guard !named.isEmpty else { return RecordEdits() }
    let survey = BatchSurvey(named)
    var inspector = LogInspector(store, visitor: survey)
    inspector.run()
    return survey.edits
  }
}

extension RedactionRecord {
  /// The revisions that a record names, if it is of this kind and can be read.
  package static func revisions(of header: RecordHeader, _ record: RawSpan) -> [Revision] {
    guard header.fields.operation == .redaction else { return [] }
    return (try? decode(record.extracting(header.payloadRange)))?.revisions ?? []
  }
}

/// Looks for redaction records without reading others.
private enum FrameSurvey {
  /// The revisions that they name; nil when the log can not be read from frame to frame.
  static func named(in store: StoreInspection) -> Set<Revision>? {
    var named: Set<Revision> = []
    for segment in store.segments {
      guard let segment = segment.readable, !segment.hasLostHeader,
        collect(segment.file, into: &named)
      else { return nil }
    }
    return named
  }

  private static func collect(_ segment: SegmentFile, into named: inout Set<Revision>) -> Bool {
    var reader = FrameReader(segment, limit: Int(clamping: segment.header.capacity))
    var offset = Layout.SegmentHeader.blockBytes
    while let frame = reader.header(at: offset) {
      let revisions = frame.lastRevision.value &+ 1 &- frame.firstRevision.value
      // Records without a revision are few: they lie in frames whose numbers do not fit each other.
      if frame.kind == .commit, UInt64(frame.recordCount) != revisions {
        guard case .good = reader.read(at: offset) else { return false }
        for record in reader.records { named.formUnion(revisionsNamed(record, reader)) }
      }
      if frame.kind == .seal { return true }
      offset += frame.frameBytes
    }
    return reader.nextFrame(from: offset) == nil
  }

  private static func revisionsNamed(_ record: PlacedRecord, _ reader: borrowing FrameReader) -> [Revision] {
    let range = record.offset..<(record.offset + Int(record.header.recordBytes))
    return RedactionRecord.revisions(of: record.header, reader.span(range))
  }
}

/// The same of a log that is damaged: reads all of it.
private final class RecordSurvey: InspectionVisitor {
  private var named: Set<Revision> = []

  static func named(in store: StoreInspection) -> Set<Revision> {
    let survey = RecordSurvey()
    var inspector = LogInspector(store, visitor: survey)
    inspector.run()
    return survey.named
  }

  func begin(_ segment: InspectedSegment.Readable) {}
  func visit(_ frame: FrameHeader, at offset: Int) {}
  func report(_ issue: InspectionIssue) {}

  func visit(_ record: InspectedRecord, _ bytes: RawSpan) -> Bool {
    named.formUnion(RedactionRecord.revisions(of: record.header, bytes))
    return true
  }
}

/// Finds which of them are still there, and the records that bear the hash of the same request.
private final class BatchSurvey: InspectionVisitor {
  private(set) var edits = RecordEdits()
  private let named: Set<Revision>
  private var batch: [Revision] = []
  private var isConcerned = false

  init(_ named: Set<Revision>) { self.named = named }

  func begin(_ segment: InspectedSegment.Readable) {}
  func visit(_ frame: FrameHeader, at offset: Int) {}
  func report(_ issue: InspectionIssue) {}

  func visit(_ record: InspectedRecord, _ bytes: RawSpan) -> Bool {
    let fields = record.header.fields
    guard fields.operation.takesRevision else { return true }
    batch.append(fields.revision)
    if fields.operation.isPut, record.header.codec != .redacted, named.contains(fields.revision) {
      edits.redacted.insert(fields.revision)
      isConcerned = true
    }
    if !fields.continues {
      if isConcerned { edits.unhashed.formUnion(batch) }
      batch.removeAll(keepingCapacity: true)
      isConcerned = false
    }
    return true
  }
}
