/// Strings: finding their end, checking their bytes, resolving and writing escapes.
package import Bytes

package enum JSONString {
  /// Scans from behind an opening quote. Returns the byte behind the closing one.
  static func scan(_ text: RawSpan, from start: Int) throws(JSONError) -> (end: Int, hasEscapes: Bool) {
    var position = start
    var hasEscapes = false
    while true {
      position = skipPlain(text, position)
      guard position < text.byteCount else { throw JSONError(.unexpectedEnd, at: position) }
      let byte = text.u8(position)
      if byte == UInt8(ascii: "\"") { return (position + 1, hasEscapes) }
      if byte == UInt8(ascii: "\\") {
        hasEscapes = true
        position = try skipEscape(text, position)
      } else if byte < 0x20 {
        throw JSONError(.controlCharacter, at: position)
      } else if byte < 0x80 {
        position += 1
      } else {
        position = try UTF8Check.skip(text, position)
      }
    }
  }

  /// Skips eight bytes at a time while none of them is a quote, a backslash, a control character or beyond ASCII.
  @inline(__always)
  static func skipPlain(_ text: RawSpan, _ start: Int) -> Int {
    let ones: UInt64 = 0x0101_0101_0101_0101
    let highs: UInt64 = 0x8080_8080_8080_8080
    var position = start
    while position + 8 <= text.byteCount {
      let word = text.u64(position)
      let quotes = word ^ (ones &* 0x22)
      let backslashes = word ^ (ones &* 0x5C)
      // The classic zero-byte test; false alarms only behind a true one, which ends the loop anyway.
      let found =
        (word &- ones &* 0x20) & ~word | (quotes &- ones) & ~quotes | (backslashes &- ones) & ~backslashes | word
      let mask = found & highs
      if mask != 0 { return position + mask.trailingZeroBitCount / 8 }
      position += 8
    }
    return position
  }

  private static func skipEscape(_ text: RawSpan, _ start: Int) throws(JSONError) -> Int {
    guard start + 1 < text.byteCount else { throw JSONError(.unexpectedEnd, at: start) }
    switch text.u8(start + 1) {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"),
      UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
      return start + 2
    case UInt8(ascii: "u"):
      let unit = try codeUnit(text, start)
      if unit & 0xFC00 == 0xDC00 { throw JSONError(.loneSurrogate, at: start) }
      guard unit & 0xFC00 == 0xD800 else { return start + 6 }
      guard start + 7 < text.byteCount, text.u8(start + 6) == UInt8(ascii: "\\"),
        text.u8(start + 7) == UInt8(ascii: "u"), try codeUnit(text, start + 6) & 0xFC00 == 0xDC00
      else { throw JSONError(.loneSurrogate, at: start) }
      return start + 12
    default: throw JSONError(.badEscape, at: start)
    }
  }

  /// The four hexadecimal digits behind the `\u` at `start`.
  private static func codeUnit(_ text: RawSpan, _ start: Int) throws(JSONError) -> UInt32 {
    guard start + 6 <= text.byteCount else { throw JSONError(.unexpectedEnd, at: text.byteCount) }
    var unit: UInt32 = 0
    for position in (start + 2)..<(start + 6) {
      guard let digit = hexDigit(text.u8(position)) else { throw JSONError(.badEscape, at: start) }
      unit = unit << 4 | digit
    }
    return unit
  }

  private static func hexDigit(_ byte: UInt8) -> UInt32? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(byte - UInt8(ascii: "0"))
    case UInt8(ascii: "a")...UInt8(ascii: "f"): UInt32(byte - UInt8(ascii: "a") + 10)
    case UInt8(ascii: "A")...UInt8(ascii: "F"): UInt32(byte - UInt8(ascii: "A") + 10)
    default: nil
    }
  }

  /// Appends the value of a string's contents, which a scan has passed.
  package static func decode(_ contents: RawSpan, into buffer: inout ByteBuffer) {
    var position = 0
    while position < contents.byteCount {
      let byte = contents.u8(position)
      guard byte == UInt8(ascii: "\\") else {
        buffer.append(byte)
        position += 1
        continue
      }
      position = decodeEscape(contents, position, into: &buffer)
    }
  }

  private static func decodeEscape(_ contents: RawSpan, _ start: Int, into buffer: inout ByteBuffer) -> Int {
    switch contents.u8(start + 1) {
    case UInt8(ascii: "b"): buffer.append(UInt8(0x08))
    case UInt8(ascii: "f"): buffer.append(UInt8(0x0C))
    case UInt8(ascii: "n"): buffer.append(UInt8(0x0A))
    case UInt8(ascii: "r"): buffer.append(UInt8(0x0D))
    case UInt8(ascii: "t"): buffer.append(UInt8(0x09))
    case UInt8(ascii: "u"): return decodeUnicode(contents, start, into: &buffer)
    case let plain: buffer.append(plain)  // quote, backslash, slash
    }
    return start + 2
  }

  private static func decodeUnicode(_ contents: RawSpan, _ start: Int, into buffer: inout ByteBuffer) -> Int {
    func unit(_ escape: Int) -> UInt32 {
      (2..<6).reduce(0) { $0 << 4 | (hexDigit(contents.u8(escape + $1)) ?? 0) }
    }
    let first = unit(start)
    if first & 0xFC00 == 0xD800 {
      UTF8Check.append(0x10000 + (first & 0x3FF) << 10 + unit(start + 6) & 0x3FF, to: &buffer)
      return start + 12
    }
    UTF8Check.append(first, to: &buffer)
    return start + 6
  }
}
