/// Writing strings, and values without white space: what is written is read as what it was.
import Bytes
import JSONText
import TestSupport
import Testing

@Suite struct WriterTests {
  private static func written(_ value: [UInt8]) -> [UInt8] {
    var buffer = ByteBuffer()
    JSONWriter.appendString(value.span.bytes, to: &buffer)
    return buffer.bytes.array()
  }

  private static func minified(_ text: [UInt8]) -> [UInt8] {
    var buffer = ByteBuffer()
    JSONWriter.appendMinified(text.span.bytes, to: &buffer)
    return buffer.bytes.array()
  }

  private static func stringTokens(_ value: [UInt8]) -> [UInt8] {
    var tokens = ByteBuffer()
    tokens.append(UInt8(ascii: "s"))
    tokens.append(littleEndian: UInt32(value.count))
    tokens.append(value.span.bytes)
    return tokens.bytes.array()
  }

  @Test("Every ASCII character, written, is read as itself by RapidJSON; nothing is escaped without need")
  func ascii() {
    for byte in UInt8(0)..<0x80 {
      let text = Self.written([byte])
      #expect(OracleReading(text).tokens == Self.stringTokens([byte]))
      let mustEscape = byte < 0x20 || byte == 0x22 || byte == 0x5C
      #expect((text.count == 3) == !mustEscape)
    }
    #expect(Self.written([1, 0x1F]) == Array(#""\u0001\u001f""#.utf8))
    #expect(Self.written(Array("\n\r\t\"\\".utf8)) == Array(#""\n\r\t\"\\""#.utf8))
  }

  @Test("Every scalar of Unicode, written and escaped as a pair, is decoded as itself")
  func scalars() {
    var reader = Reader()
    for value in UInt32(0)...0x10FFFF where value % 7 == 0 || value < 0x3000 || value > 0x10FF00 {
      guard let scalar = Unicode.Scalar(value) else { continue }
      let utf8 = Array(String(scalar).utf8)
      let escaped = String(scalar).utf16.reduce("") {
        let digits = String($1, radix: 16)
        return $0 + "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      }
      let expected = Reading.tokens(Self.stringTokens(utf8))
      if reader.read("\"\(escaped)\"") != expected || reader.read(Self.written(utf8)) != expected {
        Issue.record("U+\(String(value, radix: 16))")
      }
    }
  }

  @Test("A minified text is read as before, has no white space outside of strings, and stays when minified again")
  func minifying() {
    var generator = SeededGenerator.fromEnvironment("WriterTests.minifying")
    var reader = Reader()
    for _ in 0..<20_000 {
      var text: [UInt8] = []
      RandomText.value(&generator, depth: 5, &text)
      let before = OracleReading(text)
      let small = Self.minified(text)
      #expect(OracleReading(small).tokens == before.tokens)
      #expect(Self.minified(small) == small)
      var isInside = false
      var isEscaped = false
      let hasSpace = small.contains { byte in
        defer {
          if !isEscaped, byte == 0x22 { isInside.toggle() }
          isEscaped = isInside && !isEscaped && byte == 0x5C
        }
        return !isInside && [0x20, 0x09, 0x0A, 0x0D].contains(byte)
      }
      #expect(!hasSpace)
      if reader.read(text).isValid { #expect(reader.read(small).isValid) }
    }
    #expect(Self.minified(Array(#" { "a b" : [ 1 , "\" " , 2.50 ] } "#.utf8)) == Array(#"{"a b":[1,"\" ",2.50]}"#.utf8))
  }

  @Test("A message is written as a string whatever is in it")
  func message() {
    var buffer = ByteBuffer()
    JSONWriter.appendString(text: "a\u{0}b \"é\" 😀", to: &buffer)
    #expect(buffer.bytes.text() == "\"a\\u0000b \\\"é\\\" 😀\"")
  }
}
