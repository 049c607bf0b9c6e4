/// Takes comments, strings and patterns out of lines of Swift, so that a brace or a word in them does not count. It knows
/// as much of the language as this project uses.

struct CodeStripper {
  private var isInTextBlock = false

  mutating func code(of line: String) -> String {
    let bytes = Array(line.utf8)
    var code: [UInt8] = []
    var position = 0
    while position < bytes.count {
      if isInTextBlock {
        guard CodeStripper.isTextQuote(bytes, position) else {
          position += 1
          continue
        }
        isInTextBlock = false
        position += 3
      } else if CodeStripper.isTextQuote(bytes, position) {
        isInTextBlock = true
        position += 3
      } else if bytes[position] == UInt8(ascii: "/"), position + 1 < bytes.count, bytes[position + 1] == bytes[position]
      {
        break
      } else if let end = CodeStripper.endOfLiteral(bytes, position, code) {
        position = end
      } else {
        code.append(bytes[position])
        position += 1
      }
    }
    return String(decoding: code, as: UTF8.self)
  }

  private static func isTextQuote(_ bytes: [UInt8], _ position: Int) -> Bool {
    position + 3 <= bytes.count && bytes[position..<(position + 3)].allSatisfy { $0 == UInt8(ascii: "\"") }
  }

  /// The byte behind the string or pattern that begins at `start`; nil when none does. An interpolation that holds a
  /// string ends it early, which costs nothing: braces in it are balanced.
  private static func endOfLiteral(_ bytes: [UInt8], _ start: Int, _ code: [UInt8]) -> Int? {
    let hashes = bytes[start...].prefix { $0 == UInt8(ascii: "#") }.count
    let quote = start + hashes
    guard quote < bytes.count else { return nil }
    switch bytes[quote] {
    case UInt8(ascii: "\""): break
    case UInt8(ascii: "/"):
      // Elsewhere it divides.
      let before = code.last { $0 != UInt8(ascii: " ") }
      guard hashes == 0, let before, "(=,:".utf8.contains(before) else {
        return nil
      }
    default: return nil
    }
    var position = quote + 1
    while position < bytes.count {
      if hashes == 0, bytes[position] == UInt8(ascii: "\\") {
        position += 2
      } else if bytes[position] == bytes[quote], bytes[position...].dropFirst().prefix(hashes).count == hashes,
        bytes[position...].dropFirst().prefix(hashes).allSatisfy({ $0 == UInt8(ascii: "#") })
      {
        return position + 1 + hashes
      } else {
        position += 1
      }
    }
    return bytes.count
  }
}
