/// Prints rows in aligned columns while they come: the first rows decide the widths, later ones keep to them.
package import Bytes

package struct TablePrinter: ~Copyable {
  package struct Column {
    let title: StaticString
    let isRightAligned: Bool
    /// The most columns that a value takes before it is cut.
    let columnsMax: Int

    package init(title: StaticString, isRightAligned: Bool = false, columnsMax: Int = .max) {
      self.title = title
      self.isRightAligned = isRightAligned
      self.columnsMax = columnsMax
    }
  }

  private struct Cell {
    let range: Range<Int>
    let columns: Int
  }

  private let columns: [Column]
  /// The width of the terminal: what does not fit is cut from the last column.
  private let lineColumns: Int?
  private var widths: [Int]
  private var text = ByteBuffer(capacity: 64 * 1024)
  private var cells: [Cell] = []
  private var isStreaming = false

  private static let rowsMeasured = 400
  private static let lastColumnMin = 12
  private static let gap = 2

  package init(_ columns: [Column], lineColumns: Int?) {
    self.columns = columns
    self.lineColumns = lineColumns
    widths = columns.map { $0.title.utf8CodeUnitCount }
  }

  /// Adds the next cell of the current row.
  package mutating func add(_ value: RawSpan) {
    let start = text.count
    let column = columns[cells.count % columns.count]
    let width = DisplayText.append(value, columnsMax: column.columnsMax, to: &text)
    cells.append(Cell(range: start..<text.count, columns: width))
  }

  /// Ends the row, which has all its cells.
  package mutating func endRow(_ output: inout ByteBuffer) {
    if isStreaming || cells.count >= TablePrinter.rowsMeasured * columns.count { write(&output) }
  }

  /// Writes what is still held back. A table without rows has its head all the same.
  package mutating func finish(_ output: inout ByteBuffer) { write(&output) }

  private mutating func write(_ output: inout ByteBuffer) {
    if !isStreaming {
      isStreaming = true
      measure()
      writeHead(&output)
    }
    for first in stride(from: 0, to: cells.count, by: columns.count) {
      for index in columns.indices { writeCell(index, cells[first + index], &output) }
      output.append("\n")
    }
    cells.removeAll(keepingCapacity: true)
    text.removeAll()
  }

  private mutating func measure() {
    for (place, cell) in cells.enumerated() {
      let index = place % columns.count
      widths[index] = max(widths[index], cell.columns)
    }
    guard let lineColumns else { return }
    let before = widths.dropLast().reduce(0) { $0 + $1 + TablePrinter.gap }
    widths[columns.count - 1] = max(TablePrinter.lastColumnMin, lineColumns - before)
  }

  private func writeHead(_ output: inout ByteBuffer) {
    for index in columns.indices {
      let title = columns[index].title
      let padding = widths[index] - title.utf8CodeUnitCount
      if columns[index].isRightAligned { TablePrinter.pad(padding, &output) }
      output.append(title)
      if index < columns.count - 1 {
        TablePrinter.pad((columns[index].isRightAligned ? 0 : padding) + TablePrinter.gap, &output)
      }
    }
    output.append("\n")
  }

  private func writeCell(_ index: Int, _ cell: Cell, _ output: inout ByteBuffer) {
    let padding = widths[index] - cell.columns
    if columns[index].isRightAligned { TablePrinter.pad(padding, &output) }
    let bytes = text.bytes.extracting(cell.range)
    if index == columns.count - 1 {
      // Already escaped: only the cut is new.
      _ = DisplayText.append(bytes, columnsMax: lineColumns == nil ? .max : widths[index], to: &output)
    } else {
      output.append(bytes)
      TablePrinter.pad((columns[index].isRightAligned ? 0 : padding) + TablePrinter.gap, &output)
    }
  }

  private static func pad(_ count: Int, _ output: inout ByteBuffer) {
    for _ in 0..<max(count, 0) { output.append(UInt8(ascii: " ")) }
  }
}
