/// Reads FORMAT.md: its byte tables and its worked example, as a person would.
import Foundation
import Testing

struct FormatDocument {
  struct Row: Equatable {
    let offset: Int
    let size: Int
    let name: String
  }

  private let lines: [Substring]

  init() throws {
    let root = URL(fileURLWithPath: #filePath).pathComponents.dropLast(4).joined(separator: "/")
    lines = try String(contentsOfFile: root.replacing("//", with: "/") + "/FORMAT.md", encoding: .utf8)
      .split(separator: "\n", omittingEmptySubsequences: false)
  }

  /// The byte tables under a heading, in order.
  func tables(under heading: String) -> [[Row]] {
    var tables: [[Row]] = []
    var isInTable = false
    for line in section(heading) {
      if line.hasPrefix("| offset |") {
        tables.append([])
        isInTable = true
      } else if !line.hasPrefix("|") {
        isInTable = false
      } else if isInTable, let row = row(line) {
        tables[tables.count - 1].append(row)
      }
    }
    return tables
  }

  /// The bytes of the only hex dump under a heading, and the offset in front of its first line.
  func hexDump(under heading: String) throws -> (offset: Int, bytes: [UInt8]) {
    let dump = section(heading).drop { $0 != "```hex" }.dropFirst().prefix { $0 != "```" }
    let words = dump.map { $0.split(separator: " ") }
    let first = try #require(words.first?.first.flatMap { Int($0, radix: 16) })
    return (first, try words.flatMap { try $0.dropFirst().map { try #require(UInt8($0, radix: 16)) } })
  }

  func section(_ heading: String) -> ArraySlice<Substring> {
    lines.drop { $0 != "## \(heading)" }.dropFirst().prefix { !$0.hasPrefix("## ") }
  }

  /// `frameKind` as the document writes it: `frame_kind`.
  static func snakeCase(_ name: String) -> String {
    name.reduce(into: "") { $0 += $1.isUppercase ? "_\($1.lowercased())" : String($1) }
  }

  private func row(_ line: Substring) -> Row? {
    let cells = line.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
    guard cells.count >= 3, let offset = Int(cells[0]), let size = Int(cells[1]) else { return nil }
    return Row(offset: offset, size: size, name: cells[2].replacingOccurrences(of: "`", with: ""))
  }
}
