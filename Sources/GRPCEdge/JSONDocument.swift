/// A parsed JSON text with its bytes: what translations look things up in.
internal import Bytes
internal import JSONText

final class JSONDocument {
  let text: [UInt8]
  private var tape: JSONTape

  /// Replies nest a few levels deeper than the items in them.
  private static let replyDepthMax = JSONTape.depthMax + 8
  static let root = JSONTape.root

  init(_ text: [UInt8], depthMax: Int = replyDepthMax) throws(JSONError) {
    self.text = text
    tape = JSONTape(depthMax: depthMax)
    try tape.parse(text.span.bytes)
  }

  func kind(_ node: Int) -> JSONNode.Kind { tape.kind(node) }

  /// The member `name` if it is there and not null.
  func member(_ name: StaticString, of node: Int) -> Int? {
    let text = text
    return tape.member(name, of: node, in: text.span.bytes).flatMap { tape.kind($0) == .null ? nil : $0 }
  }

  func has(_ name: StaticString, in node: Int) -> Bool {
    let text = text
    return tape.member(name, of: node, in: text.span.bytes) != nil
  }

  /// The value of a string.
  func string(_ node: Int) -> String {
    guard tape.kind(node) == .string else { return raw(node) }
    let text = text
    var value = ByteBuffer(capacity: tape.range(node).count)
    tape.appendString(node, in: text.span.bytes, to: &value)
    return JSONDocument.text(value)
  }

  private static func text(_ buffer: borrowing ByteBuffer) -> String { buffer.bytes.text() }

  /// The text of a value, as it stands.
  func raw(_ node: Int) -> String { String(decoding: text[tape.range(node)], as: UTF8.self) }

  func number(_ node: Int) -> UInt64? {
    let text = text
    return tape.unsignedInteger(node, in: text.span.bytes)
  }

  // MARK: Members

  func string(_ name: StaticString, of node: Int) -> String? { member(name, of: node).map(string) }
  func raw(_ name: StaticString, of node: Int) -> String? { member(name, of: node).map(raw) }
  func uint64(_ name: StaticString, of node: Int) -> UInt64? { member(name, of: node).flatMap(number) }
  func flag(_ name: StaticString, of node: Int) -> Bool { member(name, of: node).map(kind) == .true }

  /// The elements of an array; none when it is something else.
  func elements(_ node: Int?) -> [Int] {
    guard let node, tape.kind(node) == .array else { return [] }
    var elements: [Int] = []
    elements.reserveCapacity(tape.count(node))
    var element = tape.firstChild(node)
    for _ in 0..<tape.count(node) {
      elements.append(element)
      element = tape.after(element)
    }
    return elements
  }

  /// Names and values of an object; none when it is something else.
  func members(_ node: Int?) -> [(name: String, value: Int)] {
    guard let node, tape.kind(node) == .object else { return [] }
    var members: [(String, Int)] = []
    members.reserveCapacity(tape.count(node))
    var name = tape.firstChild(node)
    for _ in 0..<tape.count(node) {
      members.append((string(name), name + 1))
      name = tape.after(name + 1)
    }
    return members
  }
}
