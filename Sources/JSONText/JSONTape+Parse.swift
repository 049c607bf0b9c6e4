/// The tokenizer: one pass over the text, no recursion, everything refused that RFC 8259 does not allow.
internal import Bytes

extension JSONTape {
  /// Parses `text` and replaces the nodes. After an error the nodes mean nothing.
  package mutating func parse(_ text: RawSpan) throws(JSONError) {
    nodes.removeAll(keepingCapacity: true)
    stack.removeAll(keepingCapacity: true)
    guard text.byteCount <= JSONTape.textBytesMax else { throw JSONError(.tooLong, at: JSONTape.textBytesMax) }
    var position = JSONTape.skipSpace(text, 0)
    guard position < text.byteCount else { throw JSONError(.empty, at: position) }
    while true {
      if try parseValue(text, &position) { continue }
      if try finishValue(text, &position) { break }
    }
    position = JSONTape.skipSpace(text, position)
    guard position == text.byteCount else { throw JSONError(.trailingBytes, at: position) }
  }

  /// Parses the value at `position`. Returns true when it opened a container whose first value is to be parsed next.
  private mutating func parseValue(_ text: RawSpan, _ position: inout Int) throws(JSONError) -> Bool {
    position = JSONTape.skipSpace(text, position)
    guard position < text.byteCount else { throw JSONError(.unexpectedEnd, at: position) }
    switch text.u8(position) {
    case UInt8(ascii: "{"): return try open(.object, text, &position)
    case UInt8(ascii: "["): return try open(.array, text, &position)
    case UInt8(ascii: "\""): try parseString(text, &position)
    case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): try parseNumber(text, &position)
    case UInt8(ascii: "t"): try parseLiteral("true", .true, text, &position)
    case UInt8(ascii: "f"): try parseLiteral("false", .false, text, &position)
    case UInt8(ascii: "n"): try parseLiteral("null", .null, text, &position)
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"):
      throw JSONError(.badLiteral, at: position)
    default: throw JSONError(.unexpectedByte, at: position)
    }
    return false
  }

  /// Opens a container. Returns true when it has something in it; an empty one is closed at once.
  private mutating func open(
    _ kind: JSONNode.Kind, _ text: RawSpan, _ position: inout Int
  ) throws(JSONError) -> Bool {
    guard stack.count < depthLimit else { throw JSONError(.tooDeep, at: position) }
    stack.append(nodes.count)
    nodes.append(JSONNode(kind: kind, start: UInt32(position)))
    position = JSONTape.skipSpace(text, position + 1)
    guard position < text.byteCount else { throw JSONError(.unexpectedEnd, at: position) }
    let closing = kind == .object ? UInt8(ascii: "}") : UInt8(ascii: "]")
    if text.u8(position) == closing {
      position += 1
      close(at: position)
      return false
    }
    nodes[nodes.count - 1].count = 1
    if kind == .object { try parseName(text, &position) }
    return true
  }

  private mutating func close(at end: Int) {
    let container = stack.removeLast()
    nodes[container].end = UInt32(end)
    nodes[container].next = UInt32(nodes.count)
  }

  /// A value has ended: closes what ends with it. Returns true when that was the whole text's value; otherwise
  /// another value follows at `position`.
  private mutating func finishValue(_ text: RawSpan, _ position: inout Int) throws(JSONError) -> Bool {
    while let container = stack.last {
      position = JSONTape.skipSpace(text, position)
      guard position < text.byteCount else { throw JSONError(.unexpectedEnd, at: position) }
      let isObject = nodes[container].kind == .object
      switch text.u8(position) {
      case UInt8(ascii: ","):
        position = JSONTape.skipSpace(text, position + 1)
        nodes[container].count += 1
        if isObject { try parseName(text, &position) }
        return false
      case UInt8(ascii: "}") where isObject:
        position += 1
        close(at: position)
        try refuseDuplicateNames(container, text)
      case UInt8(ascii: "]") where !isObject:
        position += 1
        close(at: position)
      default: throw JSONError(.unexpectedByte, at: position)
      }
    }
    return true
  }

  private mutating func parseName(_ text: RawSpan, _ position: inout Int) throws(JSONError) {
    guard position < text.byteCount else { throw JSONError(.unexpectedEnd, at: position) }
    guard text.u8(position) == UInt8(ascii: "\"") else { throw JSONError(.unexpectedByte, at: position) }
    try parseString(text, &position)
    position = JSONTape.skipSpace(text, position)
    guard position < text.byteCount else { throw JSONError(.unexpectedEnd, at: position) }
    guard text.u8(position) == UInt8(ascii: ":") else { throw JSONError(.unexpectedByte, at: position) }
    position += 1
  }

  private mutating func parseString(_ text: RawSpan, _ position: inout Int) throws(JSONError) {
    var node = JSONNode(kind: .string, start: UInt32(position))
    let (end, hasEscapes) = try JSONString.scan(text, from: position + 1)
    node.hasEscapes = hasEscapes
    position = end
    append(&node, end: end)
  }

  private mutating func append(_ node: inout JSONNode, end: Int) {
    node.end = UInt32(end)
    node.next = UInt32(nodes.count + 1)
    nodes.append(node)
  }

  private mutating func parseLiteral(
    _ literal: StaticString, _ kind: JSONNode.Kind, _ text: RawSpan, _ position: inout Int
  ) throws(JSONError) {
    let length = literal.utf8CodeUnitCount
    guard position + length <= text.byteCount,
      text.extracting(position..<(position + length)).equals(literal)
    else { throw JSONError(.badLiteral, at: position) }
    var node = JSONNode(kind: kind, start: UInt32(position))
    position += length
    append(&node, end: position)
  }

  /// number = [ "-" ] ( "0" / digit1-9 *digit ) [ "." 1*digit ] [ ( "e" / "E" ) [ "+" / "-" ] 1*digit ]
  private mutating func parseNumber(_ text: RawSpan, _ position: inout Int) throws(JSONError) {
    var node = JSONNode(kind: .number, start: UInt32(position))
    var end = position
    func byte(_ offset: Int) -> UInt8 { offset < text.byteCount ? text.u8(offset) : 0 }
    func skipDigits() throws(JSONError) {
      let start = end
      while byte(end) >= 0x30, byte(end) <= 0x39 { end += 1 }
      if end == start { throw JSONError(end < text.byteCount ? .badNumber : .unexpectedEnd, at: end) }
    }
    if byte(end) == UInt8(ascii: "-") { end += 1 }
    if byte(end) == UInt8(ascii: "0") { end += 1 } else { try skipDigits() }
    if byte(end) == UInt8(ascii: ".") {
      end += 1
      try skipDigits()
    }
    if byte(end) | 0x20 == UInt8(ascii: "e") {
      end += 1
      if byte(end) == UInt8(ascii: "+") || byte(end) == UInt8(ascii: "-") { end += 1 }
      try skipDigits()
    }
    if byte(end) >= 0x30, byte(end) <= 0x39 { throw JSONError(.badNumber, at: end) }  // a leading zero
    position = end
    append(&node, end: end)
  }

  static func skipSpace(_ text: RawSpan, _ start: Int) -> Int {
    var position = start
    while position < text.byteCount {
      switch text.u8(position) {
      case 0x20, 0x0A, 0x0D, 0x09: position += 1
      default: return position
      }
    }
    return position
  }
}
