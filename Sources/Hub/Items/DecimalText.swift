/// Comparing JSON numbers as text, so that no digit is lost.
internal import Bytes

enum DecimalText {
  /// Whether a JSON number (checked by the tokenizer) is at least 0 and at most 1.
  static func isBetweenZeroAndOne(_ number: RawSpan) -> Bool {
    var isNegative = false
    var digits: [UInt8] = []
    var pointAfter: Int?
    var exponent = 0
    var position = 0
    loop: while position < number.byteCount {
      switch number.u8(position) {
      case UInt8(ascii: "-"): isNegative = true
      case UInt8(ascii: "."): pointAfter = digits.count
      case UInt8(ascii: "e"), UInt8(ascii: "E"):
        exponent = exponentValue(number, position + 1)
        break loop
      case let digit: digits.append(digit - 0x30)
      }
      position += 1
    }
    guard let first = digits.firstIndex(where: { $0 != 0 }) else { return true }  // a zero, -0 too
    if isNegative { return false }
    // The value is 0.d1 d2 d3 … x 10^scale with d1 not zero: below 1 exactly when the scale is not positive.
    let scale = (pointAfter ?? digits.count) - first + exponent
    if scale <= 0 { return true }
    return scale == 1 && digits[first] == 1 && !digits[(first + 1)...].contains { $0 != 0 }
  }

  /// Beyond what any text of digits can outweigh, the exponent's size does not matter.
  private static let exponentMax = 100_000_000

  static func exponentValue(_ number: RawSpan, _ start: Int) -> Int {
    var position = start
    var sign = 1
    if number.u8(position) == UInt8(ascii: "-") { sign = -1 }
    if number.u8(position) < 0x30 { position += 1 }
    var value = 0
    while position < number.byteCount {
      value = min(value * 10 + Int(number.u8(position) - 0x30), exponentMax)
      position += 1
    }
    return sign * value
  }
}
