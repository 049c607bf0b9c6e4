/// A parsed text as a flat list of nodes: what is where, without a copy of anything.
///
/// Nodes stand in the order of the text. An object's children are pairs, a name (a string) and its value; an array's
/// are its elements. A tape is used again and again: once it has grown, parsing allocates nothing.
package import Bytes

@usableFromInline package struct JSONNode: BitwiseCopyable, Sendable {
  @usableFromInline package enum Kind: UInt8, BitwiseCopyable, Sendable {
    case object, array, string, number, `true`, `false`, null
  }

  @usableFromInline package var kind: Kind
  /// A string with escapes: its bytes are not its value.
  @usableFromInline package var hasEscapes = false
  /// The first byte of the value in the text (a string's opening quote).
  @usableFromInline package var start: UInt32
  /// The byte behind the value (behind a string's closing quote).
  @usableFromInline package var end: UInt32 = 0
  /// The node behind this one and everything in it.
  @usableFromInline package var next: UInt32 = 0
  /// Members of an object, elements of an array.
  @usableFromInline package var count: UInt32 = 0

  @inlinable package var range: Range<Int> { Int(start)..<Int(end) }
  /// A string's bytes without the quotes.
  @inlinable package var contents: Range<Int> { Int(start) + 1..<Int(end) - 1 }

  func appendString(in text: RawSpan, to buffer: inout ByteBuffer) {
    precondition(kind == .string, "only a string has a string's value")
    let bytes = text.extracting(contents)
    if hasEscapes {
      JSONString.decode(bytes, into: &buffer)
    } else {
      buffer.append(bytes)
    }
  }
}

@usableFromInline package struct JSONTape: ~Copyable {
  @usableFromInline package internal(set) var nodes: [JSONNode] = []
  /// The open containers.
  var stack: [Int] = []
  var nameScratch = NameScratch()

  /// The nesting that requests and stored items may have.
  package static let depthMax = 64
  package static let textBytesMax = Int(UInt32.max) - 1

  let depthLimit: Int

  /// - Parameter depthMax: containers within containers; more is an error. Replies nest a few levels deeper than the
  ///   items in them.
  package init(depthMax: Int = JSONTape.depthMax) { depthLimit = depthMax }

  package static let root = 0

  @inlinable package func kind(_ node: Int) -> JSONNode.Kind { nodes[node].kind }

  /// The value's text.
  @inlinable package func range(_ node: Int) -> Range<Int> { nodes[node].range }

  /// How many members or elements.
  @inlinable package func count(_ node: Int) -> Int { Int(nodes[node].count) }

  /// The first child: an object's first name, an array's first element. There is one when `count` is not 0.
  @inlinable package func firstChild(_ node: Int) -> Int { node + 1 }

  /// The node behind a value and all its descendants.
  @inlinable package func after(_ node: Int) -> Int { Int(nodes[node].next) }

  // MARK: Strings

  /// Whether a string node's value is `literal`.
  package func isString(_ node: Int, _ literal: StaticString, in text: RawSpan) -> Bool {
    let name = nodes[node]
    guard name.kind == .string else { return false }
    if !name.hasEscapes { return text.extracting(name.contents).equals(literal) }
    var decoded = ByteBuffer(capacity: name.contents.count)
    JSONString.decode(text.extracting(name.contents), into: &decoded)
    return decoded.bytes.equals(literal)
  }

  /// Appends a string node's value.
  package func appendString(_ node: Int, in text: RawSpan, to buffer: inout ByteBuffer) {
    nodes[node].appendString(in: text, to: &buffer)
  }

  /// The value of the member `name`; nil when the object has none.
  package func member(_ name: StaticString, of object: Int, in text: RawSpan) -> Int? {
    guard nodes[object].kind == .object else { return nil }
    var child = object + 1
    for _ in 0..<count(object) {
      if isString(child, name, in: text) { return child + 1 }
      child = after(child + 1)
    }
    return nil
  }

  // MARK: Numbers

  /// The value of a number written as a plain integer from 0 to 2^64 - 1: no sign, fraction or exponent.
  package func unsignedInteger(_ node: Int, in text: RawSpan) -> UInt64? {
    let number = nodes[node]
    guard number.kind == .number else { return nil }
    var value: UInt64 = 0
    for position in number.range {
      let byte = text.u8(position)
      guard byte >= 0x30, byte <= 0x39 else { return nil }
      let (tenfold, overflow) = value.multipliedReportingOverflow(by: 10)
      let (sum, carry) = tenfold.addingReportingOverflow(UInt64(byte - 0x30))
      guard !overflow, !carry else { return nil }
      value = sum
    }
    return value
  }
}
