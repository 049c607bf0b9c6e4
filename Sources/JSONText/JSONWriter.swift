/// Writing JSON: strings with the escapes that they need, and values as they were without the white space.
package import Bytes

package enum JSONWriter {
  /// Appends `value` (UTF-8) as a string with quotes.
  package static func appendString(_ value: RawSpan, to buffer: inout ByteBuffer) {
    buffer.append(UInt8(ascii: "\""))
    for position in 0..<value.byteCount {
      let byte = value.u8(position)
      switch byte {
      case UInt8(ascii: "\""): buffer.append("\\\"")
      case UInt8(ascii: "\\"): buffer.append("\\\\")
      case 0x0A: buffer.append("\\n")
      case 0x0D: buffer.append("\\r")
      case 0x09: buffer.append("\\t")
      case 0..<0x20:
        buffer.append("\\u00")
        buffer.append(hexDigit(byte >> 4))
        buffer.append(hexDigit(byte & 15))
      default: buffer.append(byte)
      }
    }
    buffer.append(UInt8(ascii: "\""))
  }

  /// Appends a message as a string with quotes.
  package static func appendString(text: String, to buffer: inout ByteBuffer) {
    var bytes = ByteBuffer(capacity: text.utf8.count)
    bytes.append(text: text)
    appendString(bytes.bytes, to: &buffer)
  }

  private static func hexDigit(_ value: UInt8) -> UInt8 { value < 10 ? 0x30 + value : 0x57 + value }

  /// Appends a value that was parsed, without white space outside of strings, everything else byte for byte.
  package static func appendMinified(_ value: RawSpan, to buffer: inout ByteBuffer) {
    // One string, in which nothing is white space between tokens: a long text is one copy.
    let quote = UInt8(ascii: "\"")
    if value.byteCount > 1, value.u8(0) == quote, value.u8(value.byteCount - 1) == quote {
      buffer.append(value)
      return
    }
    var start = 0
    var position = 0
    while position < value.byteCount {
      switch value.u8(position) {
      case UInt8(ascii: "\""):
        position = stringEnd(value, position + 1)
      case 0x20, 0x0A, 0x0D, 0x09:
        buffer.append(value.extracting(start..<position))
        position = JSONTape.skipSpace(value, position)
        start = position
      default: position += 1
      }
    }
    buffer.append(value.extracting(start..<position))
  }

  private static func stringEnd(_ value: RawSpan, _ start: Int) -> Int {
    var position = start
    while true {
      position = JSONString.skipPlain(value, position)
      guard position < value.byteCount else { break }
      switch value.u8(position) {
      case UInt8(ascii: "\""): return position + 1
      case UInt8(ascii: "\\"): position += 2
      default: position += 1
      }
    }
    return position
  }
}
