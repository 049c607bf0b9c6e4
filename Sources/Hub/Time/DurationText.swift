/// `ttl_seconds`: a JSON number, exactly, as microseconds.
internal import Bytes

package enum DurationText {
  package enum Outcome: Equatable, Sendable {
    case microseconds(Int64)
    case notPositive
    case tooLong
  }

  /// Reads a JSON number (checked by the tokenizer) as seconds. What is less than a microsecond is rounded up; more
  /// than ten thousand years is too long.
  package static func parse(_ number: RawSpan) -> Outcome {
    var digits: [UInt8] = []
    var pointAfter: Int?
    var exponent = 0
    var position = 0
    if number.u8(0) == UInt8(ascii: "-") { return .notPositive }
    while position < number.byteCount {
      let byte = number.u8(position)
      switch byte {
      case UInt8(ascii: "."): pointAfter = digits.count
      case UInt8(ascii: "e"), UInt8(ascii: "E"):
        exponent = DecimalText.exponentValue(number, position + 1)
        position = number.byteCount
      default: digits.append(byte - 0x30)
      }
      position += 1
    }
    guard let firstNonZero = digits.firstIndex(where: { $0 != 0 }) else { return .notPositive }
    // The value in microseconds is 0.d1 d2 d3 … x 10^scale, with d1 not zero.
    let scale = (pointAfter ?? digits.count) - firstNonZero + exponent + 6
    if scale > 18 { return .tooLong }
    if scale <= 0 { return .microseconds(1) }
    return value(digits[firstNonZero...], scale: scale)
  }

  private static func value(_ digits: ArraySlice<UInt8>, scale: Int) -> Outcome {
    var result: Int64 = 0
    for index in 0..<scale {
      let place = digits.startIndex + index
      result = result * 10 + (place < digits.endIndex ? Int64(digits[place]) : 0)
    }
    let hasRest = digits.dropFirst(scale).contains { $0 != 0 }
    return .microseconds(result + (hasRest ? 1 : 0))
  }
}
