/// Prints the physical records, one JSON object a line.
internal import Bytes
internal import Hub
internal import JSONText
internal import LogStore
internal import ToolSupport

final class JSONRecordSink: EventSink {
  let wantsPreviousItem = false
  let wantsEveryRecord = true
  private let output: Output

  init(_ output: Output) { self.output = output }

  func emit(_ record: InspectedRecord, _ bytes: RawSpan, previousItem: RawSpan) {
    append(record, bytes, to: &output.buffer)
    output.flushIfFull()
  }

  private func append(_ record: InspectedRecord, _ bytes: RawSpan, to buffer: inout ByteBuffer) {
    let header = record.header
    let fields = header.fields
    buffer.append("{\"segment\":")
    buffer.append(decimal: UInt64(record.segment.number.value))
    buffer.append(",\"generation\":")
    buffer.append(decimal: UInt64(record.segment.header.generation))
    buffer.append(",\"offset\":")
    buffer.append(decimal: UInt64(record.offset))
    buffer.append(",\"frame_offset\":")
    JSONRecordSink.appendOptional(record.frameOffset.map { UInt64($0) }, to: &buffer)
    buffer.append(",\"record_bytes\":")
    buffer.append(decimal: UInt64(header.recordBytes))
    buffer.append(",\"operation\":\"")
    buffer.append(fields.operation.eventName)
    buffer.append("\",\"revision\":")
    JSONRecordSink.appendOptional(fields.operation.takesRevision ? fields.revision.value : nil, to: &buffer)
    buffer.append(",\"previous_revision\":")
    let hasPrevious = fields.previousRevision != .none
    JSONRecordSink.appendOptional(hasPrevious ? fields.previousRevision.value : nil, to: &buffer)
    buffer.append(",\"epoch\":")
    buffer.append(decimal: record.epoch)
    JSONRecordSink.appendTime(fields.time, ",\"time\":", to: &buffer)
    JSONRecordSink.appendTime(fields.expiry, ",\"expiry\":", to: &buffer)
    buffer.append(",\"item_kind\":")
    buffer.append(decimal: UInt64(fields.itemKind))
    buffer.append(",\"continues\":")
    if fields.continues { buffer.append("true") } else { buffer.append("false") }
    appendSizes(header, bytes, to: &buffer)
    buffer.append(",\"key\":")
    EventText.appendOptional(bytes.extracting(header.keyRange), to: &buffer)
    buffer.append(",\"agent_id\":")
    EventText.appendOptional(bytes.extracting(header.agentRange), to: &buffer)
    if fields.operation == .gap { appendGap(bytes.extracting(header.payloadRange), to: &buffer) }
    if fields.operation == .redaction { appendRedaction(bytes.extracting(header.payloadRange), to: &buffer) }
    buffer.append("}\n")
  }

  private func appendGap(_ payload: RawSpan, to buffer: inout ByteBuffer) {
    guard let gap = try? GapRecord.decode(payload) else { return }
    buffer.append(",\"gap\":{\"first_revision\":")
    buffer.append(decimal: gap.first.value)
    buffer.append(",\"last_revision\":")
    buffer.append(decimal: gap.last.value)
    buffer.append(text: ",\"at_least\":\(gap.isAtLeast)")
    JSONRecordSink.appendTime(gap.recordedAt, ",\"recorded_at\":", to: &buffer)
    buffer.append(",\"reason\":")
    JSONWriter.appendString(text: gap.reason, to: &buffer)
    buffer.append("}")
  }

  /// What was erased, and why; by whom and when, the record's other members say.
  private func appendRedaction(_ payload: RawSpan, to buffer: inout ByteBuffer) {
    guard let redaction = try? RedactionRecord.decode(payload) else { return }
    buffer.append(",\"redaction\":{\"revisions\":[")
    for (index, revision) in redaction.revisions.enumerated() {
      if index > 0 { buffer.append(",") }
      buffer.append(decimal: revision.value)
    }
    buffer.append("],\"reason\":")
    JSONWriter.appendString(text: redaction.reason, to: &buffer)
    buffer.append("}")
  }

  private func appendSizes(_ header: RecordHeader, _ bytes: RawSpan, to buffer: inout ByteBuffer) {
    buffer.append(",\"codec\":\"")
    buffer.append(header.codec.name)
    buffer.append("\",\"plain_bytes\":")
    buffer.append(decimal: UInt64(header.plainBytes))
    buffer.append(",\"stored_bytes\":")
    buffer.append(decimal: UInt64(header.storedBytes))
    buffer.append(",\"key_bytes\":")
    buffer.append(decimal: UInt64(header.keyBytes))
    buffer.append(",\"agent_bytes\":")
    buffer.append(decimal: UInt64(header.agentBytes))
    buffer.append(",\"correlation_bytes\":")
    buffer.append(decimal: UInt64(header.correlationBytes))
    buffer.append(",\"request_bytes\":")
    buffer.append(decimal: UInt64(header.requestBytes))
    buffer.append(",\"header_checksum\":\"")
    HexText.append(bytes.u64(Layout.RecordHeader.checksum), to: &buffer)
    buffer.append("\",\"payload_checksum\":\"")
    HexText.append(header.payloadChecksum, to: &buffer)
    buffer.append("\"")
  }

  private static func appendOptional(_ value: UInt64?, to buffer: inout ByteBuffer) {
    if let value { buffer.append(decimal: value) } else { buffer.append("null") }
  }

  /// 0 stands for no time.
  private static func appendTime(_ time: Int64, _ name: StaticString, to buffer: inout ByteBuffer) {
    buffer.append(name)
    guard time != 0 else {
      buffer.append("null")
      return
    }
    buffer.append("\"")
    Timestamp.append(time, to: &buffer)
    buffer.append("\"")
  }

  func finish() { output.flush() }
}

enum HexText {
  /// Appends 16 lower-case hex digits.
  static func append(_ value: UInt64, to buffer: inout ByteBuffer) {
    for shift in stride(from: 60, through: 0, by: -4) {
      let digit = UInt8(value >> UInt64(shift) & 15)
      buffer.append(digit < 10 ? 0x30 + digit : 0x57 + digit)
    }
  }
}

extension Codec {
  var name: StaticString {
    switch self {
    case .plain: "plain"
    case .zstd: "zstd"
    case .zstdDictionary: "zstd-dictionary"
    case .redacted: "redacted"
    }
  }
}
