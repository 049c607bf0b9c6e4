/// Prints READ events: as MemoryEvents, one JSON object a line, or as a table for people.
internal import Bytes
internal import Hub
internal import LogStore
internal import ToolSupport

protocol ReadSink: AnyObject {
  /// - Parameter bytes: the whole record.
  func emit(_ read: ReadRecord, _ bytes: RawSpan, _ place: ReadStream.Place)
  func finish()
}

final class JSONReadSink: ReadSink {
  private let output: Output
  private let store: StoreIdentity

  init(_ output: Output, store: StoreIdentity) {
    self.output = output
    self.store = store
  }

  func emit(_ read: ReadRecord, _ bytes: RawSpan, _ place: ReadStream.Place) {
    JSONReadSink.append(read, bytes, place, store, to: &output.buffer)
    output.flushIfFull()
  }

  private static func append(
    _ read: ReadRecord, _ bytes: RawSpan, _ place: ReadStream.Place, _ store: StoreIdentity,
    to buffer: inout ByteBuffer
  ) {
    let fields = read.fields
    buffer.append("{\"event_id\":\"")
    // The place stands for the revision that a read has not: no log has so many.
    let number = Revision(UInt64(place.file.value) << 32 | UInt64(place.offset))
    EventIdentity.append(lineage: store, revision: number, time: fields.time, to: &buffer)
    buffer.append("\",\"event_type\":\"READ\",\"target_key\":")
    EventText.appendString(bytes.extracting(read.keyRange), to: &buffer)
    buffer.append(",\"timestamp\":\"")
    Timestamp.append(fields.time, to: &buffer)
    buffer.append("\",\"agent_id\":")
    EventText.appendOptional(bytes.extracting(read.agentRange), to: &buffer)
    buffer.append(",\"payload\":null,\"previous_value\":null,\"sequence_number\":null,\"correlation_id\":")
    EventText.appendOptional(bytes.extracting(read.correlationRange), to: &buffer)
    buffer.append(",\"action\":\"")
    buffer.append(fields.action.name)
    buffer.append("\",\"revision\":")
    append(fields.revision, to: &buffer)
    buffer.append(",\"first_revision\":")
    append(fields.firstRevision, to: &buffer)
    buffer.append(",\"count\":")
    buffer.append(decimal: UInt64(fields.count))
    buffer.append(",\"segment\":null,\"reads_file\":")
    buffer.append(decimal: UInt64(place.file.value))
    buffer.append(",\"offset\":")
    buffer.append(decimal: UInt64(place.offset))
    buffer.append("}\n")
  }

  private static func append(_ revision: Revision, to buffer: inout ByteBuffer) {
    if revision == .none { buffer.append("null") } else { buffer.append(decimal: revision.value) }
  }

  func finish() { output.flush() }
}

final class TableReadSink: ReadSink {
  private let output: Output
  private var table: TablePrinter
  private var scratch = ByteBuffer(capacity: 64)

  /// Names are cut only on a terminal: in a pipe somebody may be looking for them.
  private static let nameColumns = 48

  init(_ output: Output) {
    self.output = output
    let width = output.terminalColumns
    let nameMax = width == nil ? Int.max : TableReadSink.nameColumns
    table = TablePrinter(
      [
        .init(title: "TIME"), .init(title: "TYPE"), .init(title: "ACTION"),
        .init(title: "REVISION", isRightAligned: true), .init(title: "COUNT", isRightAligned: true),
        .init(title: "KEY", columnsMax: nameMax), .init(title: "AGENT", columnsMax: nameMax),
        .init(title: "CORRELATION", columnsMax: nameMax),
      ], lineColumns: width)
  }

  func emit(_ read: ReadRecord, _ bytes: RawSpan, _ place: ReadStream.Place) {
    let fields = read.fields
    add { Timestamp.append(fields.time, to: &$0) }
    add { $0.append("READ") }
    add { $0.append(fields.action.name) }
    add { if fields.revision == .none { $0.append("-") } else { $0.append(decimal: fields.revision.value) } }
    add { $0.append(decimal: UInt64(fields.count)) }
    table.add(bytes.extracting(read.keyRange))
    for name in [read.agentRange, read.correlationRange] {
      if name.isEmpty { add { $0.append("-") } } else { table.add(bytes.extracting(name)) }
    }
    table.endRow(&output.buffer)
    output.flushIfFull()
  }

  private func add(_ fill: (inout ByteBuffer) -> Void) {
    scratch.removeAll()
    fill(&scratch)
    TableReadSink.add(scratch, to: &table)
  }

  private static func add(_ value: borrowing ByteBuffer, to table: inout TablePrinter) { table.add(value.bytes) }

  func finish() {
    table.finish(&output.buffer)
    output.flush()
  }
}
