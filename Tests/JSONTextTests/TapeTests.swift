/// What can be asked of a tape: members by name, strings by value, numbers as integers.
import Bytes
import JSONText
import Testing

@Suite struct TapeTests {
  private static func tape(_ text: String, _ body: (borrowing JSONTape, RawSpan) -> Void) throws {
    let bytes = Array(text.utf8)
    var tape = JSONTape()
    try tape.parse(bytes.span.bytes)
    body(tape, bytes.span.bytes)
  }

  @Test("A member is found by its name's value, however it is spelt, at its own level only")
  func members() throws {
    let text = #"{"other":{"key":1},"k\u0065y":"found","keys":3,"ke":4}"#
    try Self.tape(text) { tape, bytes in
      let key = tape.member("key", of: JSONTape.root, in: bytes)
      #expect(key.map { tape.isString($0, "found", in: bytes) } == true)
      #expect(tape.member("k", of: JSONTape.root, in: bytes) == nil)
      #expect(tape.member("", of: JSONTape.root, in: bytes) == nil)
      let other = tape.member("other", of: JSONTape.root, in: bytes)!
      #expect(tape.member("key", of: other, in: bytes) != nil)
      #expect(tape.member("key", of: key!, in: bytes) == nil)  // a string has no members
    }
  }

  @Test("A string is compared by its value; nothing else is a string")
  func strings() throws {
    try Self.tape(#"["abc","\u0061bc","ab","abcd",1,null,""]"#) { tape, bytes in
      var node = tape.firstChild(JSONTape.root)
      var same: [Bool] = []
      for _ in 0..<tape.count(JSONTape.root) {
        same.append(tape.isString(node, "abc", in: bytes))
        node = tape.after(node)
      }
      #expect(same == [true, true, false, false, false, false, false])
    }
  }

  @Test(
    "Only plain integers from 0 to 2^64 - 1 are unsigned integers",
    arguments: [
      ("0", 0), ("7", 7), ("18446744073709551615", UInt64.max), ("18446744073709551616", nil),
      ("99999999999999999999", nil),
      ("184467440737095516150", nil), ("-0", nil), ("-1", nil), ("1.0", nil), ("1e0", nil), ("\"1\"", nil),
      ("null", nil),
      ("[1]", nil),
    ] as [(String, UInt64?)])
  func integers(_ text: String, _ value: UInt64?) throws {
    try Self.tape(text) { tape, bytes in #expect(tape.unsignedInteger(JSONTape.root, in: bytes) == value) }
  }

  @Test("A value's range is exactly its text")
  func ranges() throws {
    try Self.tape(#" { "a" : [ 1.50 , "x\"y" ] , "b" : { } } "#) { tape, bytes in
      let list = tape.member("a", of: JSONTape.root, in: bytes)!
      #expect(bytes.extracting(tape.range(list)).text() == #"[ 1.50 , "x\"y" ]"#)
      let number = tape.firstChild(list)
      #expect(bytes.extracting(tape.range(number)).text() == "1.50")
      #expect(bytes.extracting(tape.range(tape.after(number))).text() == #""x\"y""#)
      #expect(tape.count(tape.member("b", of: JSONTape.root, in: bytes)!) == 0)
    }
  }
}
