/// Times as text: RFC 3339 in, `2025-08-07T17:30:00.000000Z` out; microseconds since 1970 inside.
package import Bytes

package enum Timestamp {
  /// Bytes of every time that is written.
  package static let textBytes = 27
  /// 9999-12-31T23:59:59.999999Z: the last time that has a text.
  package static let latest: Int64 = 253_402_300_799_999_999

  /// Parses a date and time: `T`, `t` or a space between them, any number of fraction digits (those beyond the sixth
  /// are dropped), and `Z`, `z`, an offset, or nothing, which means UTC. Second 60 only where UTC can have a leap
  /// second. nil when it is no such text or no such day.
  package static func parse(_ text: RawSpan) -> Int64? {
    var reader = FieldReader(position: 0)
    guard let year = reader.digits(4, text), year >= 1, reader.skip("-", text),
      let month = reader.digits(2, text), month >= 1, month <= 12, reader.skip("-", text),
      let day = reader.digits(2, text), day >= 1, day <= Calendar.days(in: month, of: year),
      reader.skip("T", text) || reader.skip("t", text) || reader.skip(" ", text),
      let hour = reader.digits(2, text), hour <= 23, reader.skip(":", text),
      let minute = reader.digits(2, text), minute <= 59, reader.skip(":", text),
      let second = reader.digits(2, text), second <= 60,
      let fraction = reader.fraction(text), let offset = reader.offset(text), reader.position == text.byteCount
    else { return nil }
    let days = Calendar.daysSince1970(year: year, month: month, day: day)
    let minutes = (days * 24 + hour) * 60 + minute - offset
    // A leap second ends a day of UTC; like POSIX time, ours counts it as the first of the next.
    if second == 60, (minutes + 1) % (24 * 60) != 0 { return nil }
    let seconds = minutes * 60 + second
    let result = Int64(seconds) * 1_000_000 + Int64(fraction)
    // An offset may carry a time out of the years that can be written.
    return result >= Timestamp.earliest && result <= Timestamp.latest ? result : nil
  }

  /// 0001-01-01T00:00:00.000000Z.
  package static let earliest: Int64 = -62_135_596_800_000_000

  /// Appends the time as text. `microseconds` is between `earliest` and `latest`; what is beyond is cut to them.
  package static func append(_ microseconds: Int64, to buffer: inout ByteBuffer) {
    let time = min(max(microseconds, earliest), latest)
    let seconds = time.flooredQuotient(1_000_000)
    let fraction = Int(time - seconds * 1_000_000)
    let days = Int(seconds.flooredQuotient(86_400))
    let ofDay = Int(seconds) - days * 86_400
    let (year, month, day) = Calendar.date(daysSince1970: days)
    let start = buffer.count
    buffer.append("0000-00-00T00:00:00.000000Z")
    put(year, digits: 4, at: start, in: &buffer)
    put(month, digits: 2, at: start + 5, in: &buffer)
    put(day, digits: 2, at: start + 8, in: &buffer)
    put(ofDay / 3_600, digits: 2, at: start + 11, in: &buffer)
    put(ofDay / 60 % 60, digits: 2, at: start + 14, in: &buffer)
    put(ofDay % 60, digits: 2, at: start + 17, in: &buffer)
    put(fraction, digits: 6, at: start + 20, in: &buffer)
  }

  @inline(__always)
  private static func put(_ value: Int, digits: Int, at start: Int, in buffer: inout ByteBuffer) {
    var rest = UInt32(truncatingIfNeeded: value)
    for place in (start..<start + digits).reversed() {
      buffer.store(littleEndian: UInt8(truncatingIfNeeded: 48 + rest % 10), at: place)
      rest /= 10
    }
  }
}

/// Reads the fields of a time one after the other.
private struct FieldReader {
  var position: Int

  mutating func skip(_ character: Unicode.Scalar, _ text: RawSpan) -> Bool {
    guard position < text.byteCount, text.u8(position) == UInt8(ascii: character) else { return false }
    position += 1
    return true
  }

  mutating func digits(_ count: Int, _ text: RawSpan) -> Int? {
    guard position + count <= text.byteCount else { return nil }
    var value = 0
    for offset in position..<(position + count) {
      let byte = text.u8(offset)
      guard byte >= 0x30, byte <= 0x39 else { return nil }
      value = value * 10 + Int(byte - 0x30)
    }
    position += count
    return value
  }

  /// Microseconds; 0 when there is no fraction.
  mutating func fraction(_ text: RawSpan) -> Int? {
    guard skip(".", text) else { return 0 }
    var value = 0
    var count = 0
    while position < text.byteCount, text.u8(position) >= 0x30, text.u8(position) <= 0x39 {
      if count < 6 { value = value * 10 + Int(text.u8(position) - 0x30) }
      count += 1
      position += 1
    }
    guard count > 0 else { return nil }
    while count < 6 {
      value *= 10
      count += 1
    }
    return value
  }

  /// Minutes east of UTC.
  mutating func offset(_ text: RawSpan) -> Int? {
    if position == text.byteCount || skip("Z", text) || skip("z", text) { return 0 }
    let sign: Int
    if skip("+", text) { sign = 1 } else if skip("-", text) { sign = -1 } else { return nil }
    guard let hours = digits(2, text), hours <= 23, skip(":", text), let minutes = digits(2, text), minutes <= 59
    else { return nil }
    return sign * (hours * 60 + minutes)
  }
}

/// The proleptic Gregorian calendar. Source: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms".
enum Calendar {
  static func days(in month: Int, of year: Int) -> Int {
    switch month {
    case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
    case 4, 6, 9, 11: 30
    default: 31
    }
  }

  static func daysSince1970(year: Int, month: Int, day: Int) -> Int {
    let shifted = month <= 2 ? year - 1 : year  // years begin in March: the leap day is the last one
    let era = shifted.flooredQuotient(400)
    let yearOfEra = shifted - era * 400
    let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
    let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
    return era * 146_097 + dayOfEra - 719_468
  }

  static func date(daysSince1970 days: Int) -> (year: Int, month: Int, day: Int) {
    let shifted = days + 719_468
    let era = shifted.flooredQuotient(146_097)
    let dayOfEra = shifted - era * 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let shiftedMonth = (5 * dayOfYear + 2) / 153
    let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
    return (
      yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
    )
  }
}

extension SignedInteger {
  /// The quotient rounded towards minus infinity.
  fileprivate func flooredQuotient(_ divisor: Self) -> Self {
    let quotient = self / divisor
    return self % divisor < 0 ? quotient - 1 : quotient
  }
}
