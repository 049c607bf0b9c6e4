/// Prints events, or physical records, as a table for people.
internal import Bytes
internal import Hub
internal import LogStore
internal import ToolSupport

final class TableEventSink: EventSink {
  let wantsPreviousItem = false
  let wantsEveryRecord = false
  private let output: Output
  private var table: TablePrinter
  private var scratch = ByteBuffer(capacity: 256)

  /// Payload columns where no terminal says how much fits.
  private static let payloadColumns = 80
  /// Names are cut only on a terminal: in a pipe somebody may be looking for them.
  private static let nameColumns = 48

  init(_ output: Output) {
    self.output = output
    let width = output.terminalColumns
    let nameMax = width == nil ? Int.max : TableEventSink.nameColumns
    table = TablePrinter(
      [
        .init(title: "TIME"), .init(title: "REVISION", isRightAligned: true), .init(title: "TYPE"),
        .init(title: "KEY", columnsMax: nameMax), .init(title: "AGENT", columnsMax: nameMax),
        .init(title: "PAYLOAD", columnsMax: width ?? TableEventSink.payloadColumns),
      ], lineColumns: width)
  }

  func emit(_ record: InspectedRecord, _ bytes: RawSpan, previousItem: RawSpan) {
    let header = record.header
    add { Timestamp.append(header.fields.time, to: &$0) }
    add { $0.append(decimal: header.fields.revision.value) }
    add { $0.append(header.fields.operation.eventName) }
    table.add(bytes.extracting(header.keyRange))
    addName(bytes.extracting(header.agentRange))
    addPayload(header, bytes)
    table.endRow(&output.buffer)
    output.flushIfFull()
  }

  private func addName(_ name: RawSpan) {
    if name.byteCount == 0 { add { $0.append("-") } } else { table.add(name) }
  }

  private func addPayload(_ header: RecordHeader, _ bytes: RawSpan) {
    if !header.fields.operation.isPut {
      add { $0.append("-") }
    } else if header.codec == .plain {
      table.add(bytes.extracting(header.payloadRange))
    } else {
      add { $0.append(header.codec.name) }
    }
  }

  private func add(_ fill: (inout ByteBuffer) -> Void) {
    scratch.removeAll()
    fill(&scratch)
    TableCell.add(scratch, to: &table)
  }

  func finish() {
    table.finish(&output.buffer)
    output.flush()
  }
}

final class TableRecordSink: EventSink {
  let wantsPreviousItem = false
  let wantsEveryRecord = true
  private let output: Output
  private var table: TablePrinter
  private var scratch = ByteBuffer(capacity: 256)

  init(_ output: Output) {
    self.output = output
    let width = output.terminalColumns
    table = TablePrinter(
      [
        .init(title: "SEGMENT", isRightAligned: true), .init(title: "OFFSET", isRightAligned: true),
        .init(title: "FRAME", isRightAligned: true), .init(title: "BYTES", isRightAligned: true),
        .init(title: "PLAIN", isRightAligned: true), .init(title: "STORED", isRightAligned: true),
        .init(title: "CODEC"), .init(title: "CHECKSUM"), .init(title: "PAYLOAD-CHECKSUM"), .init(title: "OPERATION"),
        .init(title: "REVISION", isRightAligned: true), .init(title: "EPOCH", isRightAligned: true),
        .init(title: "KEY", columnsMax: width ?? .max),
      ], lineColumns: width)
  }

  func emit(_ record: InspectedRecord, _ bytes: RawSpan, previousItem: RawSpan) {
    let header = record.header
    let checksum = bytes.u64(Layout.RecordHeader.checksum)
    addNumber(UInt64(record.segment.number.value))
    addNumber(UInt64(record.offset))
    addNumber(record.frameOffset.map { UInt64($0) })
    addNumber(UInt64(header.recordBytes))
    addNumber(UInt64(header.plainBytes))
    addNumber(UInt64(header.storedBytes))
    add { $0.append(header.codec.name) }
    add { HexText.append(checksum, to: &$0) }
    add { HexText.append(header.payloadChecksum, to: &$0) }
    add { $0.append(header.fields.operation.eventName) }
    addNumber(header.fields.operation.takesRevision ? header.fields.revision.value : nil)
    addNumber(record.epoch)
    if let gap = TableRecordSink.gap(header, bytes) {
      add { $0.append(text: "revisions \(gap.first) to \(gap.last) are lost: \(gap.reason)") }
    } else {
      table.add(bytes.extracting(header.keyRange))
    }
    table.endRow(&output.buffer)
    output.flushIfFull()
  }

  private static func gap(_ header: RecordHeader, _ bytes: RawSpan) -> GapRecord? {
    guard header.fields.operation == .gap else { return nil }
    return try? GapRecord.decode(bytes.extracting(header.payloadRange))
  }

  private func addNumber(_ value: UInt64?) {
    add { if let value { $0.append(decimal: value) } else { $0.append("-") } }
  }

  private func add(_ fill: (inout ByteBuffer) -> Void) {
    scratch.removeAll()
    fill(&scratch)
    TableCell.add(scratch, to: &table)
  }

  func finish() {
    table.finish(&output.buffer)
    output.flush()
  }
}

private enum TableCell {
  static func add(_ value: borrowing ByteBuffer, to table: inout TablePrinter) { table.add(value.bytes) }
}
