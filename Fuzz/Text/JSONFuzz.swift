/// JSON texts: what the tokenizer takes, the writer can write again without changing what it says.
internal import Bytes
package import FuzzSupport
internal import JSONText

package enum JSONFuzz: FuzzTarget {
  package static let name = "json"

  package static func run(_ input: RawSpan) throws(FuzzFailure) {
    var tape = JSONTape()
    do {
      try tape.parse(input)
    } catch {
      // One byte behind the text is where an end was missed.
      try require(error.offset >= 0 && error.offset <= input.byteCount, "the error's place is outside of the text")
      return
    }
    let first = JSONShape(tape, input)
    try checkMinified(first, input)
    try checkValues(tape, input)
  }

  /// Without white space it says the same; without white space once more, nothing changes.
  private static func checkMinified(_ first: JSONShape, _ input: RawSpan) throws(FuzzFailure) {
    var minified = ByteBuffer(capacity: input.byteCount)
    JSONWriter.appendMinified(input, to: &minified)
    try require(minified.count <= input.byteCount, "minified, the text is longer")
    var again = JSONTape()
    do {
      try again.parse(minified.bytes)
    } catch {
      throw FuzzFailure("minified, the text is refused: \(error.text)")
    }
    try require(JSONShape(again, minified.bytes) == first, "minified, the text says something else")
    var twice = ByteBuffer(capacity: minified.count)
    JSONWriter.appendMinified(minified.bytes, to: &twice)
    try require(twice.bytes.equals(minified.bytes), "minified twice, the text is another one")
  }

  /// Every string can be written and read back; every member is found by its node.
  private static func checkValues(_ tape: borrowing JSONTape, _ input: RawSpan) throws(FuzzFailure) {
    var value = ByteBuffer(capacity: 64)
    var written = ByteBuffer(capacity: 64)
    var again = JSONTape()
    let end = tape.after(JSONTape.root)
    for node in 0..<end {
      try require(tape.after(node) > node && tape.after(node) <= end, "a node ends outside of the tape")
      try require(tape.range(node).upperBound <= input.byteCount, "a node ends outside of the text")
      switch tape.kind(node) {
      case .string: try checkString(node, tape, input, &value, &written, &again)
      case .number: _ = tape.unsignedInteger(node, in: input)
      case .object: _ = tape.member("key", of: node, in: input)
      case .array, .true, .false, .null: break
      }
    }
  }

  private static func checkString(
    _ node: Int, _ tape: borrowing JSONTape, _ input: RawSpan, _ value: inout ByteBuffer,
    _ written: inout ByteBuffer, _ again: inout JSONTape
  ) throws(FuzzFailure) {
    value.removeAll()
    tape.appendString(node, in: input, to: &value)
    written.removeAll()
    JSONWriter.appendString(value.bytes, to: &written)
    do {
      try again.parse(written.bytes)
    } catch {
      throw FuzzFailure("a string that was written is refused: \(error.text)")
    }
    var readBack = ByteBuffer(capacity: value.count)
    again.appendString(JSONTape.root, in: written.bytes, to: &readBack)
    try require(readBack.bytes.equals(value.bytes), "a string that was written is read as another one")
  }

  package static var seeds: [FuzzSeed] {
    [
      FuzzSeed("values", #"{"a":1,"b":[true,false,null],"c":{"d":"x\n\u00e9\ud83d\ude00","e":-0.5e+10}}"#),
      FuzzSeed("spaced", " [ 0 , -1 ,\r\n\t1.5 , 1E5 , 2e-7 , \"\" , \"more than eight bytes\" , {} , [ ] ] "),
      FuzzSeed("utf8", #"{"é":"ÄÖÜ","日本":"語","😀":"𝄞","":"\"\\\/\b\f\n\r\t"}"#),
      FuzzSeed("escapes", #""\u0000\u001f\u007f\u0080\u07ff\u0800\uffff\udbff\udfff""#),
      FuzzSeed("deep", #"[[[[[[[[1]]]],{"a":{"a":{"a":{}}}}]]]]"#),
      FuzzSeed(
        "names", #"{"a1":0,"a2":0,"a3":0,"a4":0,"a5":0,"a6":0,"a7":0,"a8":0,"a9":0,"b1":0,"b2":0,"b3":0,"b4":0}"#),
      FuzzSeed("digits", "-123456789012345678901234567890.098765432109876543210e-400"),
    ]
  }
}

/// What a text says, apart from white space: each node's kind, size, extent in the tape, and text.
struct JSONShape: Equatable {
  private let nodes: [UInt8]

  init(_ tape: borrowing JSONTape, _ text: RawSpan) {
    var bytes = ByteBuffer(capacity: 256)
    for node in 0..<tape.after(JSONTape.root) {
      bytes.append(tape.kind(node).rawValue)
      bytes.append(littleEndian: UInt32(tape.count(node)))
      bytes.append(littleEndian: UInt32(tape.after(node)))
      switch tape.kind(node) {
      case .string, .number, .true, .false, .null: bytes.append(text.extracting(tape.range(node)))
      case .object, .array: break
      }
    }
    nodes = bytes.bytes.array()
  }
}
