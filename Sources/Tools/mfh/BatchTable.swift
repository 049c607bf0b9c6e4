/// Operations of a batch as a table: what, where, and what became or would become of it.
internal import Bytes
internal import ToolSupport

struct BatchTable: ~Copyable {
  private var table: TablePrinter
  private let output: Output

  /// - Parameter columns: the titles behind operation, key and revision.
  init(columns: [StaticString], _ output: Output) {
    self.output = output
    table = TablePrinter(
      [.init(title: "OP"), .init(title: "KEY"), .init(title: "REVISION", isRightAligned: true)]
        + columns.map { TablePrinter.Column(title: $0) }, lineColumns: nil)
  }

  /// - Parameter revision: nil for none.
  mutating func add(_ revision: UInt64?, _ operation: BatchOperation, _ rest: [String]) {
    let cells = [operation.isPut ? "put" : "delete", operation.key, revision.map(String.init) ?? "-"] + rest
    for cell in cells {
      var text = ByteBuffer(capacity: cell.utf8.count)
      text.append(text: cell)
      table.add(text.bytes)
    }
    // Not through `self`, which the row that ends is being changed in: a debug build does not take that.
    let output = output
    table.endRow(&output.buffer)
    output.flushIfFull()
  }

  mutating func finish() {
    let output = output
    table.finish(&output.buffer)
  }
}
