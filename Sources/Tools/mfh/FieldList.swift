/// Names and values in two aligned columns, in groups.
internal import Bytes
internal import ToolSupport

struct FieldList: ~Copyable {
  private struct Line {
    let name: String
    let value: String
    let isNumber: Bool
  }

  private var lines: [Line] = []
  private let indent: String

  init(indent: String = "") { self.indent = indent }

  var isEmpty: Bool { lines.isEmpty }

  /// Adds a line. Numbers are set flush right among themselves.
  mutating func add(_ name: String, _ value: String, isNumber: Bool = false) {
    lines.append(Line(name: DisplayText.line(name), value: DisplayText.line(value), isNumber: isNumber))
  }

  /// - Parameters:
  ///   - nameColumns: at least so wide is the first column, so that groups can share it.
  consuming func append(nameColumns: Int = 0, numberColumns: Int = 0, to buffer: inout ByteBuffer) {
    let nameWidth = max(nameColumns, self.nameColumns)
    let numberWidth = max(numberColumns, self.numberColumns)
    for line in lines {
      let value = line.isNumber ? FieldList.spaces(numberWidth - line.value.count) + line.value : line.value
      buffer.append(text: indent + line.name + FieldList.spaces(nameWidth - line.name.count + 2) + value + "\n")
    }
  }

  var nameColumns: Int { lines.map(\.name.count).max() ?? 0 }
  var numberColumns: Int { lines.filter(\.isNumber).map(\.value.count).max() ?? 0 }

  private static func spaces(_ count: Int) -> String { String(repeating: " ", count: max(count, 0)) }
}

/// Numbers as people read them.
enum NumberText {
  /// With a comma between thousands.
  static func count(_ value: UInt64) -> String {
    let digits = Array(String(value))
    var text = ""
    for (index, digit) in digits.enumerated() {
      if index > 0, (digits.count - index) % 3 == 0 { text += "," }
      text.append(digit)
    }
    return text
  }

  /// The two largest units that are not zero.
  static func duration(seconds: UInt64) -> String {
    let parts = [
      (seconds / 86_400, "d"), (seconds / 3_600 % 24, "h"), (seconds / 60 % 60, "min"), (seconds % 60, "s"),
    ]
    guard let first = parts.firstIndex(where: { $0.0 > 0 }) else { return "0 s" }
    return parts[first...].prefix(2).filter { $0.0 > 0 }.map { "\($0.0) \($0.1)" }.joined(separator: " ")
  }
}
