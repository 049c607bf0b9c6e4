/// What a log line may show as it is. JSON leaves characters in a string that a terminal obeys or that turn a line around;
/// a log is read with `less` and `tail` as often as with a program.
internal import Bytes

enum LogText {
  /// Appends the text of a JSON string with DEL, the C1 controls (one of them begins a terminal's command), the line and
  /// paragraph separators, and the marks of direction (U+200E, U+200F, U+202A to U+202E, U+2066 to U+2069) escaped.
  static func append(_ string: RawSpan, to line: inout ByteBuffer) {
    var position = 0
    var start = 0
    while position < string.byteCount {
      guard let (length, code) = hidden(string, position) else {
        position += 1
        continue
      }
      line.append(string.extracting(start..<position))
      line.append("\\u")
      for shift in stride(from: 12, through: 0, by: -4) { line.append(hexDigit(UInt8(code >> UInt16(shift) & 15))) }
      position += length
      start = position
    }
    line.append(string.extracting(start..<position))
  }

  /// The character at `position` and its length, if it is to be escaped. The text is valid UTF-8.
  private static func hidden(_ string: RawSpan, _ position: Int) -> (length: Int, code: UInt16)? {
    let byte = string.u8(position)
    if byte == 0x7F { return (1, 0x7F) }
    if byte == 0xC2, position + 1 < string.byteCount {
      let next = string.u8(position + 1)
      return next < 0xA0 ? (2, UInt16(next)) : nil
    }
    guard byte == 0xE2, position + 2 < string.byteCount else { return nil }
    let code = 0x2000 | UInt16(string.u8(position + 1) & 63) << 6 | UInt16(string.u8(position + 2) & 63)
    switch code {
    case 0x200E, 0x200F, 0x2028...0x202E, 0x2066...0x2069: return (3, code)
    default: return nil
    }
  }

  private static func hexDigit(_ value: UInt8) -> UInt8 { value < 10 ? 0x30 + value : 0x57 + value }
}
