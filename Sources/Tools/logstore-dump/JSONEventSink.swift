/// Prints events as MemoryEvents, one JSON object a line.
internal import Bytes
internal import Hub
internal import LogStore
internal import StoreTools
internal import ToolSupport

final class JSONEventSink: EventSink {
  let wantsPreviousItem = true
  let wantsEveryRecord = false
  private let output: Output
  private let report: Report
  private var encoder = MemoryEventEncoder()
  private let lineage: StoreIdentity

  /// - Parameter lineage: stands in where a segment's own header is lost.
  init(_ output: Output, _ report: Report, lineage: StoreIdentity) {
    self.output = output
    self.report = report
    self.lineage = lineage
  }

  func emit(_ record: InspectedRecord, _ bytes: RawSpan, previousItem: RawSpan) {
    let own = record.segment.header.lineage
    let isSound = append(
      record, bytes, lineage: own == .none ? lineage : own, previousItem: previousItem, to: &output.buffer)
    if !isSound {
      report.take(
        InspectionIssue(
          .damage, "the payload of revision \(record.header.fields.revision) is no JSON object that this version reads",
          segment: record.segment.number, offset: UInt64(record.offset)))
    }
    output.flushIfFull()
  }

  private func append(
    _ record: InspectedRecord, _ bytes: RawSpan, lineage: StoreIdentity, previousItem: RawSpan,
    to buffer: inout ByteBuffer
  ) -> Bool {
    buffer.append("{")
    let isSound = encoder.appendMembers(
      of: record.header, bytes, lineage: lineage, previousItem: previousItem, to: &buffer)
    buffer.append(",\"segment\":")
    buffer.append(decimal: UInt64(record.segment.number.value))
    buffer.append(",\"offset\":")
    buffer.append(decimal: UInt64(record.offset))
    buffer.append("}\n")
    return isSound
  }

  func finish() { output.flush() }
}
