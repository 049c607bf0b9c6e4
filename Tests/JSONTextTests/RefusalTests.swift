/// Why texts are refused, reason by reason, and where the rules are stricter than RFC 8259 by contract.
import Bytes
import Glibc
import JSONText
import Testing

@Suite struct RefusalTests {
  private static let cases: [(String, JSONError.Reason, Int)] = [
    ("", .empty, 0), (" \t\r\n", .empty, 4),
    ("]", .unexpectedByte, 0), ("[1,]", .unexpectedByte, 3), ("{\"a\":1,}", .unexpectedByte, 7),
    ("{1:2}", .unexpectedByte, 1),
    ("[1 2]", .unexpectedByte, 3), ("{\"a\" 1}", .unexpectedByte, 5), ("[1}", .unexpectedByte, 2),
    ("'a'", .unexpectedByte, 0),
    ("\u{FEFF}1", .unexpectedByte, 0), ("[/**/1]", .unexpectedByte, 1), ("+1", .unexpectedByte, 0),
    (".5", .unexpectedByte, 0),
    ("[", .unexpectedEnd, 1), ("[1", .unexpectedEnd, 2), ("{\"a\"", .unexpectedEnd, 4), ("{\"a\":", .unexpectedEnd, 5),
    ("\"a", .unexpectedEnd, 2), ("\"\\", .unexpectedEnd, 1), ("\"\\u12", .unexpectedEnd, 5), ("-", .unexpectedEnd, 1),
    ("1e", .unexpectedEnd, 2), ("{\"a\":1,", .unexpectedEnd, 7),
    ("1 2", .trailingBytes, 2), ("{}{}", .trailingBytes, 2), ("null,", .trailingBytes, 4),
    ("NaN", .badLiteral, 0), ("[Infinity]", .badLiteral, 1), ("tru", .badLiteral, 0), ("TRUE", .badLiteral, 0),
    ("nul1", .badLiteral, 0), ("undefined", .badLiteral, 0),
    ("01", .badNumber, 1), ("-01", .badNumber, 2), ("1.e5", .badNumber, 2), ("-a", .badNumber, 1),
    ("1e+ ", .badNumber, 3),
    ("-Infinity", .badNumber, 1), ("00", .badNumber, 1),
    ("\"\\q\"", .badEscape, 1), ("\"\\u12g4\"", .badEscape, 1), ("\"\\U0041\"", .badEscape, 1),
    ("\"\\x41\"", .badEscape, 1),
    ("\"\\ud800\"", .loneSurrogate, 1), ("\"\\udc00\"", .loneSurrogate, 1), ("\"a\\udfff\"", .loneSurrogate, 2),
    ("\"\\ud800\\ud800\"", .loneSurrogate, 1), ("\"\\ud800\\u0041\"", .loneSurrogate, 1),
    ("\"\\ud800x\"", .loneSurrogate, 1),
    ("\"\\ude00\\ud83d\"", .loneSurrogate, 1), ("\"\\ud83d\\n\"", .loneSurrogate, 1),
    ("\"a\nb\"", .controlCharacter, 2), ("\"\u{0}\"", .controlCharacter, 1),
    ("\"12345678\u{1F}\"", .controlCharacter, 9),
    ("{\"a\":1,\"a\":1}", .duplicateName, 7), ("[{\"x\":{\"\":1,\"\":2}}]", .duplicateName, 12),
    ("{\"a\":1,\"\\u0061\":2}", .duplicateName, 0),
  ]

  @Test("Broken texts are refused with the reason and the byte")
  func reasons() {
    var reader = Reader()
    for (text, reason, offset) in Self.cases {
      #expect(reader.read(text) == .refused(JSONError(reason, at: offset)), "\(text)")
    }
  }

  @Test("Bytes that are not UTF-8 are refused in strings and can not stand elsewhere")
  func invalidUTF8() {
    let sequences: [[UInt8]] = [
      [0x80], [0xBF], [0xC0, 0x80], [0xC1, 0xBF], [0xC2], [0xC2, 0x22], [0xE0, 0x9F, 0xBF], [0xE0, 0xA0],
      [0xED, 0xA0, 0x80],
      [0xED, 0xBF, 0xBF], [0xEF, 0xBF], [0xF0, 0x8F, 0xBF, 0xBF], [0xF0, 0x90, 0x80], [0xF4, 0x90, 0x80, 0x80],
      [0xF5, 0x80, 0x80, 0x80], [0xFF], [0xFE], [0xE2, 0x82, 0x22], [0xE2, 0x22, 0xAC],
    ]
    var reader = Reader()
    for sequence in sequences {
      let inString = [0x22] + sequence + [0x22]
      #expect(reader.read(inString) == .refused(JSONError(.invalidUTF8, at: 1)), "\(sequence)")
      #expect(reader.read([0x22] + sequence).refusal == .invalidUTF8, "\(sequence)")
      #expect(reader.read([0x5B] + sequence).refusal == .unexpectedByte, "\(sequence)")
    }
  }

  @Test("Every one-, two- and three-byte string is UTF-8 to us exactly when it is to Swift")
  func everyShortSequence() {
    var tape = JSONTape()
    func agrees(_ bytes: [UInt8]) -> Bool {
      let text = [0x22] + bytes + [0x22]
      let isOurs = (try? tape.parse(text.span.bytes)) != nil
      return isOurs == (String(validating: bytes, as: UTF8.self) != nil)
    }
    for first in UInt8(0x80)...0xFF {
      #expect(agrees([first]))
      for second in UInt8(0x80)...0xFF {
        #expect(agrees([first, second]))
        for third in stride(from: UInt8(0x80), through: 0xFC, by: 4) where first >= 0xE0 {
          if !agrees([first, second, third]) || !agrees([first, second, third, 0x80]) {
            Issue.record("\([first, second, third])")
          }
        }
      }
    }
  }

  @Test("64 containers deep is read, 65 is refused")
  func depth() {
    var reader = Reader()
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
      let inner = open == "[" ? "" : "1"
      func nested(_ depth: Int) -> String {
        String(repeating: open, count: depth) + inner + String(repeating: close, count: depth)
      }
      #expect(reader.read(nested(64)).isValid)
      let refusal = reader.read(nested(65))
      #expect(refusal == .refused(JSONError(.tooDeep, at: open.utf8.count * 64)))
    }
  }

  @Test("A text nested 10,000 or a million deep is refused and harms nobody")
  func deep() {
    var reader = Reader()
    for depth in [10_000, 1_000_000] {
      #expect(reader.read(String(repeating: "[", count: depth)).refusal == .tooDeep)
      #expect(reader.read(String(repeating: "{\"a\":", count: depth)).refusal == .tooDeep)
    }
  }

  @Test("A text of 4 GiB is refused before a byte of it is read")
  func tooLong() {
    let length = Int(UInt32.max)
    let pages = mmap(nil, length, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
    #expect(pages != MAP_FAILED)
    defer { munmap(pages, length) }
    let text = UnsafeRawBufferPointer(start: pages, count: length)
    var tape = JSONTape()
    #expect(throws: JSONError(.tooLong, at: length - 1)) { try tape.parse(text.bytes) }
  }

  @Test("Every reason is the outcome of some text here")
  func allReasons() {
    let covered = Set(Self.cases.map(\.1)).union([.invalidUTF8, .tooDeep, .tooLong])
    #expect(covered == Set(JSONError.Reason.allCases))
  }

  @Test("After a refusal the same tape reads the next text as if nothing had been")
  func tapeAfterRefusal() {
    var reader = Reader()
    let sample = "{\"a\":[1,{\"b\":2}]}"
    let expected = reader.read(sample)
    for (text, _, _) in Self.cases {
      _ = reader.read(text)
      #expect(reader.read(sample) == expected)
    }
  }
}
