/// Names of records as JSON strings. They come from a file: whatever their bytes, the output stays valid JSON.
package import Bytes
internal import JSONText

package enum EventText {
  /// Appends `name` as a JSON string; bytes that are not UTF-8 are replaced by U+FFFD.
  package static func appendString(_ name: RawSpan, to buffer: inout ByteBuffer) {
    if isASCII(name) || isUTF8(name) {
      JSONWriter.appendString(name, to: &buffer)
    } else {
      JSONWriter.appendString(text: name.text(), to: &buffer)
    }
  }

  /// As `appendString`; null when `name` is empty.
  package static func appendOptional(_ name: RawSpan, to buffer: inout ByteBuffer) {
    if name.byteCount == 0 {
      buffer.append("null")
    } else {
      appendString(name, to: &buffer)
    }
  }

  private static func isASCII(_ name: RawSpan) -> Bool {
    for position in 0..<name.byteCount where name.u8(position) >= 0x80 { return false }
    return true
  }

  private static func isUTF8(_ name: RawSpan) -> Bool {
    (try? UTF8Span(validating: Span<UInt8>(_bytes: name))) != nil
  }

  /// Whether a byte below 0x20 is among `bytes`.
  static func hasControl(_ bytes: RawSpan) -> Bool {
    let ones: UInt64 = 0x0101_0101_0101_0101
    var position = 0
    while position + 8 <= bytes.byteCount {
      let word = bytes.u64(position)
      if (word &- ones &* 0x20) & ~word & (ones &* 0x80) != 0 { return true }
      position += 8
    }
    while position < bytes.byteCount {
      if bytes.u8(position) < 0x20 { return true }
      position += 1
    }
    return false
  }
}
