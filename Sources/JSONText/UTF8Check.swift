/// UTF-8 as RFC 3629 has it: shortest forms only, no surrogates, nothing beyond U+10FFFF.
internal import Bytes

package enum UTF8Check {
  /// Skips the multi-byte sequence at `start`.
  static func skip(_ text: RawSpan, _ start: Int) throws(JSONError) -> Int {
    let first = text.u8(start)
    let length: Int
    var lowest: UInt8 = 0x80
    var highest: UInt8 = 0xBF
    switch first {
    case 0xC2...0xDF: length = 2
    case 0xE0: (length, lowest) = (3, 0xA0)
    case 0xED: (length, highest) = (3, 0x9F)
    case 0xE1...0xEF: length = 3
    case 0xF0: (length, lowest) = (4, 0x90)
    case 0xF4: (length, highest) = (4, 0x8F)
    case 0xF1...0xF3: length = 4
    default: throw JSONError(.invalidUTF8, at: start)
    }
    guard start + length <= text.byteCount else { throw JSONError(.invalidUTF8, at: start) }
    let second = text.u8(start + 1)
    guard second >= lowest, second <= highest else { throw JSONError(.invalidUTF8, at: start) }
    for position in (start + 2)..<max(start + length, start + 2) where text.u8(position) & 0xC0 != 0x80 {
      throw JSONError(.invalidUTF8, at: start)
    }
    return start + length
  }

  /// Appends one scalar value.
  static func append(_ scalar: UInt32, to buffer: inout ByteBuffer) {
    switch scalar {
    case 0..<0x80: buffer.append(UInt8(scalar))
    case 0x80..<0x800:
      buffer.append(UInt8(0xC0 | scalar >> 6))
      buffer.append(UInt8(0x80 | scalar & 0x3F))
    case 0x800..<0x10000:
      buffer.append(UInt8(0xE0 | scalar >> 12))
      buffer.append(UInt8(0x80 | scalar >> 6 & 0x3F))
      buffer.append(UInt8(0x80 | scalar & 0x3F))
    default:
      buffer.append(UInt8(0xF0 | scalar >> 18))
      buffer.append(UInt8(0x80 | scalar >> 12 & 0x3F))
      buffer.append(UInt8(0x80 | scalar >> 6 & 0x3F))
      buffer.append(UInt8(0x80 | scalar & 0x3F))
    }
  }
}
