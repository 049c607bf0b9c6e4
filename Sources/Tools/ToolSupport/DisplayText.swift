/// Bytes as text for a terminal: what could move the cursor, hide or reorder other text is escaped, and the width is
/// counted in columns.
package import Bytes

package enum DisplayText {
  private static let ellipsis: StaticString = "…"

  /// Appends `text`, cut to `columnsMax` columns with an ellipsis when it is longer; returns the columns it takes.
  package static func append(_ text: RawSpan, columnsMax: Int = .max, to buffer: inout ByteBuffer) -> Int {
    var columns = 0
    // Where to cut if more follows than fits: behind the last column but one.
    var cut = buffer.count
    var cutColumns = 0
    var position = 0
    while position < text.byteCount {
      let (scalar, length) = nextScalar(text, position)
      position += length
      let width = escapedWidth(scalar) ?? width(scalar)
      if width > columnsMax - columns {
        buffer.truncate(to: cut)
        buffer.append(ellipsis)
        return cutColumns + 1
      }
      append(scalar, to: &buffer)
      columns += width
      if columns < columnsMax {
        cut = buffer.count
        cutColumns = columns
      }
    }
    return columns
  }

  /// Appends `text` with its line breaks and tabs as they are, and everything else that is no plain text escaped.
  package static func appendLines(_ text: RawSpan, to buffer: inout ByteBuffer) {
    var start = 0
    for position in 0..<text.byteCount {
      let byte = text.u8(position)
      guard byte == 0x0A || byte == 0x09 else { continue }
      let isWindowsBreak = byte == 0x0A && position > start && text.u8(position - 1) == 0x0D
      _ = append(text.extracting(start..<(isWindowsBreak ? position - 1 : position)), to: &buffer)
      buffer.append(byte)
      start = position + 1
    }
    _ = append(text.extracting(start..<text.byteCount), to: &buffer)
  }

  /// Appends JSON text with JSON's own escapes in place of what could disturb a terminal: it stays the same value.
  package static func appendJSON(_ json: RawSpan, to buffer: inout ByteBuffer) {
    var position = 0
    while position < json.byteCount {
      let (scalar, length) = nextScalar(json, position)
      position += length
      if scalar >= 0x7F, escapedWidth(scalar) != nil, let scalar = Unicode.Scalar(scalar) {
        for unit in UTF16.encode(scalar) ?? UTF16.encodedReplacementCharacter {
          let digits = String(unit, radix: 16)
          buffer.append(text: "\\u" + String(repeating: "0", count: 4 - digits.utf8.count) + digits)
        }
      } else {
        append(scalar, isEscaped: false, to: &buffer)
      }
    }
  }

  /// `text` on one line, for messages.
  package static func line(_ text: String) -> String {
    var source = ByteBuffer(capacity: text.utf8.count)
    source.append(text: text)
    var shown = ByteBuffer(capacity: text.utf8.count)
    _ = append(source.bytes, to: &shown)
    return shown.bytes.text()
  }

  /// The scalar at `position` and its bytes; U+FFFD for a byte that is not UTF-8.
  private static func nextScalar(_ text: RawSpan, _ position: Int) -> (scalar: UInt32, length: Int) {
    let first = UInt32(text.u8(position))
    if first < 0x80 { return (first, 1) }
    let length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2
    guard first >= 0xC2, first <= 0xF4, position + length <= text.byteCount else { return (0xFFFD, 1) }
    var scalar = first & (0x7F >> UInt32(length))
    for offset in 1..<length {
      let byte = UInt32(text.u8(position + offset))
      guard byte & 0xC0 == 0x80 else { return (0xFFFD, 1) }
      scalar = scalar << 6 | byte & 0x3F
    }
    let lowest: [UInt32] = [0, 0, 0x80, 0x800, 0x10000]
    guard scalar >= lowest[length], Unicode.Scalar(scalar) != nil else { return (0xFFFD, 1) }
    return (scalar, length)
  }

  private static func append(_ scalar: UInt32, isEscaped: Bool = true, to buffer: inout ByteBuffer) {
    if isEscaped, escapedWidth(scalar) != nil {
      switch scalar {
      case 0x09: buffer.append("\\t")
      case 0x0A: buffer.append("\\n")
      case 0x0D: buffer.append("\\r")
      default: buffer.append(text: "\\u{\(String(scalar, radix: 16))}")
      }
    } else if scalar < 0x80 {
      buffer.append(UInt8(scalar))
    } else if let scalar = Unicode.Scalar(scalar) {
      for unit in UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter { buffer.append(unit) }
    }
  }

  /// The columns of the escape; nil for what is shown as it is.
  private static func escapedWidth(_ scalar: UInt32) -> Int? {
    switch scalar {
    case 0x09, 0x0A, 0x0D: return 2
    case 0..<0x20, 0x7F..<0xA0, 0x200B...0x200F, 0x2028...0x202E, 0x2060...0x206F, 0xFEFF, 0xE0000...0xE007F:
      return 4 + String(scalar, radix: 16).utf8.count
    default: return nil
    }
  }

  /// 0 for what combines with the character before, 2 for wide East Asian characters and pictures. Source: the wide
  /// ranges of Unicode Standard Annex 11, coarsely.
  private static func width(_ scalar: UInt32) -> Int {
    switch scalar {
    case 0x0300...0x036F, 0x1AB0...0x1AFF, 0x20D0...0x20FF, 0xFE00...0xFE0F, 0xFE20...0xFE2F: 0
    case 0x1100...0x115F, 0x2E80...0x303E, 0x3041...0xA4CF, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F,
      0xFF00...0xFF60, 0xFFE0...0xFFE6, 0x1F300...0x1F64F, 0x1F680...0x1F6FF, 0x1F900...0x1F9FF, 0x20000...0x3FFFD:
      2
    default: 1
    }
  }
}
