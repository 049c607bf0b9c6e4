/// Times and durations as text.
import Bytes
import Foundation
import Hub
import Testing

@Suite struct TimestampTests {
  private static func text(_ time: Int64) -> String {
    var buffer = ByteBuffer()
    Timestamp.append(time, to: &buffer)
    return buffer.bytes.text()
  }

  private static func parse(_ text: String) -> Int64? {
    let bytes = Array(text.utf8)
    return Timestamp.parse(bytes.span.bytes)
  }

  private static func padded(_ number: Int, _ digits: Int) -> String {
    let text = String(number)
    return String(repeating: "0", count: max(0, digits - text.count)) + text
  }

  @Test("Every day of the years 1 to 9999 follows the one before, is written as it is named and read as it is written")
  func everyDay() {
    var time = Timestamp.earliest
    var count = 0
    for year in 1...9999 {
      let isLeap = year % 4 == 0 && year % 100 != 0 || year % 400 == 0
      for (index, length) in [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31].enumerated() {
        let month = "\(Self.padded(year, 4))-\(Self.padded(index + 1, 2))"
        for day in 1...length {
          count += 1
          // All days of the years around what is special, and the ends of every month of every year.
          if year % 100 > 4, year % 100 < 96, day != 1, day != length {
            time += 86_400_000_000
            continue
          }
          let name = "\(month)-\(Self.padded(day, 2))T00:00:00.000000Z"
          if Self.text(time) != name || Self.parse(name) != time { Issue.record("\(name)") }
          time += 86_400_000_000
        }
        if Self.parse("\(month)-\(Self.padded(length + 1, 2))T00:00:00Z") != nil { Issue.record("\(month)") }
      }
    }
    #expect(time - 1 == Timestamp.latest && count == 3_652_059)
  }

  @Test("Every second of a day, and microseconds around each change, are read as they are written")
  func everySecond() {
    for base in [Int64(0), -86_400_000_000, 1_709_164_800_000_000, Timestamp.earliest] {
      for second in 0..<Int64(86_400) {
        let time = base + second * 1_000_000
        let expected =
          "T\(Self.padded(Int(second / 3_600), 2)):\(Self.padded(Int(second / 60 % 60), 2)):\(Self.padded(Int(second % 60), 2))"
          + ".000000Z"
        let text = Self.text(time)
        if !text.hasSuffix(expected) || Self.parse(text) != time { Issue.record("\(text)") }
        let last = Self.text(time + 999_999)
        if !last.hasSuffix(".999999Z") || Self.parse(last) != time + 999_999 { Issue.record("\(last)") }
      }
    }
  }

  @Test("Foundation reads what is written as the same second")
  func foundation() throws {
    let formatter = ISO8601DateFormatter()
    for seconds in stride(from: Int64(-2_000_000_000), through: 200_000_000_000, by: 987_654_321) {
      let text = Self.text(seconds * 1_000_000)
      let date = formatter.date(from: text.replacingOccurrences(of: ".000000Z", with: "Z"))
      #expect(date?.timeIntervalSince1970 == Double(seconds), "\(text)")
    }
  }

  @Test(
    "All forms of RFC 3339 are read, and no zone means UTC",
    arguments: [
      ("1970-01-01T00:00:00Z", 0), ("1970-01-01t00:00:00z", 0), ("1970-01-01 00:00:00", 0), ("1970-01-01T00:00:00", 0),
      ("1970-01-01T00:00:00+00:00", 0), ("1970-01-01T00:00:00-00:00", 0), ("1970-01-01T01:00:00+01:00", 0),
      ("1969-12-31T18:30:00-05:30", 0), ("1970-01-01T23:59:00+23:59", 0), ("1969-12-31T00:01:00-23:59", 0),
      ("1970-01-01T00:00:00.1Z", 100_000), ("1970-01-01T00:00:00.000001Z", 1), ("1970-01-01T00:00:00.0000019Z", 1),
      ("1970-01-01T00:00:00.123456789012345678901234567890+00:00", 123_456), ("1969-12-31T23:59:59.999999Z", -1),
      ("2000-02-29T00:00:00Z", 951_782_400_000_000), ("1990-12-31T23:59:60Z", 662_688_000_000_000),
      ("1990-12-31T15:59:60-08:00", 662_688_000_000_000), ("1990-12-31T23:59:60.5Z", 662_688_000_500_000),
      ("0001-01-01T00:00:00Z", Timestamp.earliest), ("9999-12-31T23:59:59.999999Z", Timestamp.latest),
      ("9999-12-31T23:59:59.999999+00:01", Timestamp.latest - 60_000_000),
    ] as [(String, Int64)])
  func forms(_ text: String, _ time: Int64) {
    #expect(Self.parse(text) == time)
  }

  @Test(
    "What is no time is refused",
    arguments: [
      "", "1970", "1970-01-01", "1970-01-01T00:00", "1970-01-01T00:00:00.Z", "1970-01-01T00:00:00,5Z",
      "1970-01-01T24:00:00Z",
      "1970-01-01T00:60:00Z", "1970-01-01T00:00:60Z", "1990-12-31T23:59:60+01:00", "1990-12-31T23:59:61Z",
      "1970-00-01T00:00:00Z", "1970-13-01T00:00:00Z", "1970-01-00T00:00:00Z", "1970-02-29T00:00:00Z",
      "1900-02-29T00:00:00Z",
      "2100-02-29T00:00:00Z", "1970-04-31T00:00:00Z", "0000-01-01T00:00:00Z", "10000-01-01T00:00:00Z",
      "+1970-01-01T00:00:00Z",
      "-001-01-01T00:00:00Z", "70-01-01T00:00:00Z", "1970-1-1T00:00:00Z", "1970-01-01T0:00:00Z",
      "1970-01-01T00:00:00Zx",
      "1970-01-01T00:00:00 Z", " 1970-01-01T00:00:00Z", "1970-01-01T00:00:00+24:00", "1970-01-01T00:00:00+01:60",
      "1970-01-01T00:00:00+0100", "1970-01-01T00:00:00+01", "1970-01-01T00:00:00UTC", "1970-01-01X00:00:00Z",
      "1970/01/01T00:00:00Z", "0001-01-01T00:00:00+00:01", "9999-12-31T23:59:59-00:01", "9999-12-31T23:59:60Z",
      "1970-01-01T00:00:00٠Z", "１970-01-01T00:00:00Z",
    ])
  func refusals(_ text: String) {
    #expect(Self.parse(text) == nil)
  }

  @Test("Every cut of a time but those that leave a whole one is refused")
  func truncations() {
    let text = "2025-08-07T17:30:00.123456+02:00"
    let whole = [19, 21, 22, 23, 24, 25, 26, 32]
    for length in 0...text.count {
      #expect((Self.parse(String(text.prefix(length))) != nil) == whole.contains(length), "\(length)")
    }
  }

  @Test("Times beyond the years that can be written are written as the first and the last")
  func beyond() {
    #expect(Self.text(.min) == "0001-01-01T00:00:00.000000Z" && Self.text(Timestamp.earliest - 1) == Self.text(.min))
    #expect(Self.text(.max) == "9999-12-31T23:59:59.999999Z" && Self.text(Timestamp.latest + 1) == Self.text(.max))
  }
}

@Suite struct DurationTextTests {
  @Test(
    "Seconds become microseconds exactly; a part of one counts as one",
    arguments: [
      ("1", 1_000_000), ("0.5", 500_000), ("1e3", 1_000_000_000), ("1.5e-3", 1_500), ("0.000001", 1), ("0.0000001", 1),
      ("0.0000010", 1), ("0.0000011", 2), ("1e-400", 1), ("1e-99999999999999999999", 1),
      ("123456789.123456", 123_456_789_123_456),
      ("123456789.1234560000001", 123_456_789_123_457), ("1E+2", 100_000_000), ("0.1e1", 1_000_000),
      ("10e-1", 1_000_000),
      ("999999999999.999999", 999_999_999_999_999_999), ("0.00000000000000000000000001e26", 1_000_000),
    ] as [(String, Int64)])
  func values(_ text: String, _ microseconds: Int64) {
    let bytes = Array(text.utf8)
    #expect(DurationText.parse(bytes.span.bytes) == .microseconds(microseconds))
  }

  @Test("Nothing, less than nothing and more than the calendar are told apart")
  func refusals() {
    func parse(_ text: String) -> DurationText.Outcome {
      let bytes = Array(text.utf8)
      return DurationText.parse(bytes.span.bytes)
    }
    for text in ["0", "0.0", "-0", "0e5", "-1", "-1e-400", "0e99999999999999999999"] {
      #expect(parse(text) == .notPositive)
    }
    for text in ["1e13", "1000000000000", "1e400", "1e99999999999999999999", String(repeating: "9", count: 1_000)] {
      #expect(parse(text) == .tooLong, "\(text)")
    }
  }
}
