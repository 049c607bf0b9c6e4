/// Prints events: as the hub sent them, or as a table for people.
internal import Bytes
internal import HubClient
internal import JSONText
internal import ToolSupport

struct EventPrinter: ~Copyable {
  private let session: Session
  private var table: TablePrinter
  private var scratch = ByteBuffer(capacity: 1 << 10)

  /// Payload columns where no terminal says how much fits.
  private static let payloadColumns = 80
  /// Names are cut only on a terminal: in a pipe somebody may be looking for them.
  private static let nameColumns = 48

  init(_ session: Session) {
    self.session = session
    let width = session.output.terminalColumns
    let nameMax = width == nil ? Int.max : EventPrinter.nameColumns
    table = TablePrinter(
      [
        .init(title: "TIME"), .init(title: "REVISION", isRightAligned: true), .init(title: "TYPE"),
        .init(title: "KEY", columnsMax: nameMax), .init(title: "AGENT", columnsMax: nameMax),
        .init(title: "PAYLOAD", columnsMax: width ?? EventPrinter.payloadColumns),
      ], lineColumns: width)
  }

  mutating func print(_ event: Int, of reply: borrowing HubReply) {
    guard session.format == .table else {
      session.printJSON(event, of: reply)
      session.output.flushIfFull()
      return
    }
    for name: StaticString in ["timestamp", "sequence_number", "event_type", "target_key", "agent_id"] {
      addCell(reply.member(name, of: event), reply)
    }
    let isRedacted = reply.flag("redacted", of: event) == true
    addCell(reply.member("payload", of: event), reply, missing: isRedacted ? "(redacted)" : "-")
    table.endRow(&session.output.buffer)
    session.output.flushIfFull()
  }

  private mutating func addCell(_ node: Int?, _ reply: borrowing HubReply, missing: StaticString = "-") {
    guard let node, reply.tape.kind(node) != .null else {
      scratch.removeAll()
      scratch.append(missing)
      EventPrinter.add(scratch, to: &table)
      return
    }
    guard reply.tape.kind(node) == .string else {
      table.add(reply.json(node))
      return
    }
    scratch.removeAll()
    reply.tape.appendString(node, in: reply.text.bytes, to: &scratch)
    EventPrinter.add(scratch, to: &table)
  }

  private static func add(_ cell: borrowing ByteBuffer, to table: inout TablePrinter) { table.add(cell.bytes) }

  /// Writes what is held back to find the widths of columns, and everything else.
  mutating func flush() {
    if session.format == .table { table.finish(&session.output.buffer) }
    session.output.flush()
  }
}
