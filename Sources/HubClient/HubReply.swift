/// A reply, taken apart. It is used again for the next one, with its memory.
package import Bytes
package import JSONText

package struct HubReply: ~Copyable {
  /// The whole reply, as the hub sent it.
  package internal(set) var text = ByteBuffer(capacity: 4 << 10)
  package private(set) var tape = JSONTape(depthMax: HubReply.depthMax)
  /// The node of `result`.
  package private(set) var result = JSONTape.root

  /// An item may be as deep as a request may be, and a reply wraps it in a few levels more.
  private static let depthMax = JSONTape.depthMax * 2

  package init() {}

  /// Takes `text` apart.
  ///
  /// - Throws: `refused` for an error reply, `badReply` for what is none of either.
  mutating func read() throws(HubClientError) {
    do {
      try HubReply.parse(&tape, text)
    } catch {
      throw .badReply("it is not JSON: \(error.text)")
    }
    guard let success = member("success", of: JSONTape.root) else {
      throw .badReply("it is not an object with \"success\"")
    }
    guard tape.kind(success) == .true else { throw .refused(try refusal()) }
    guard let result = member("result", of: JSONTape.root), tape.kind(result) == .object else {
      throw .badReply("it has no \"result\"")
    }
    self.result = result
  }

  private static func parse(_ tape: inout JSONTape, _ text: borrowing ByteBuffer) throws(JSONError) {
    try tape.parse(text.bytes)
  }

  private func refusal() throws(HubClientError) -> HubRefusal {
    guard let code = string("code", of: JSONTape.root), let message = string("error", of: JSONTape.root) else {
      throw .badReply("it is an error without \"code\" and \"error\"")
    }
    var refusal = HubRefusal(code: HubRefusal.Code(rawValue: code), codeText: code, message: message)
    refusal.retryAfterMilliseconds = number("retry_after_ms", of: JSONTape.root)
    refusal.currentRevision = member("current", of: JSONTape.root).flatMap { number("revision", of: $0) }
    refusal.operationIndex = number("index", of: JSONTape.root)
    return refusal
  }

  // MARK: Members

  /// The node of a member; nil when `object` is none or has no such member.
  package func member(_ name: StaticString, of object: Int) -> Int? { tape.member(name, of: object, in: text.bytes) }

  package func string(_ name: StaticString, of object: Int) -> String? {
    guard let node = member(name, of: object), tape.kind(node) == .string else { return nil }
    return string(node)
  }

  package func number(_ name: StaticString, of object: Int) -> UInt64? {
    member(name, of: object).flatMap { tape.unsignedInteger($0, in: text.bytes) }
  }

  package func flag(_ name: StaticString, of object: Int) -> Bool? {
    guard let node = member(name, of: object) else { return nil }
    switch tape.kind(node) {
    case .true: return true
    case .false: return false
    case .object, .array, .string, .number, .null: return nil
    }
  }

  // MARK: Nodes

  /// The value of a string node.
  package func string(_ node: Int) -> String {
    var decoded = ByteBuffer(capacity: tape.range(node).count)
    tape.appendString(node, in: text.bytes, to: &decoded)
    return decoded.bytes.text()
  }

  /// The JSON text of a node, as the hub sent it.
  @_lifetime(borrow self)
  package borrowing func json(_ node: Int) -> RawSpan { text.bytes.extracting(tape.range(node)) }
}
