/// One request, taken apart: who asks for what, and where each value lies.
internal import Bytes
internal import Hub
internal import JSONText

/// Strings are decoded into one buffer, which is used again for every request; a request holds their ranges in it.
/// Other values are nodes of the tape.
struct Request: ~Copyable {
  private(set) var decoded = ByteBuffer(capacity: 4 << 10)
  private(set) var action: Action?
  /// The JSON text of `action` in the body; nil when it was not a string.
  private(set) var actionText: Range<Int>?
  private(set) var agent = 0..<0
  private(set) var correlation = 0..<0
  private(set) var requestID = 0..<0
  /// The JSON text of `request_id` in the body, to be echoed; empty when none was given.
  private(set) var requestIDText = 0..<0
  private(set) var apiKey = 0..<0
  private(set) var nodes: [RequestFieldNode] = []
  /// The size of the key that the request names; nil when it names none, or several.
  private(set) var keyBytes: Int?

  struct RequestFieldNode {
    var field: RequestField
    var node: Int
  }

  private static let decodedKeptBytes = 256 << 10

  private static let echoBytesMax = 256

  /// Reads what the reply repeats, and who asks. The root must be an object.
  ///
  /// - Throws: `invalid_request` for a field of the wrong type, `too_large` for one beyond its limit. Fields read
  ///   before that are set: the error's reply can name action and request id.
  mutating func readHead(_ tape: borrowing JSONTape, _ text: RawSpan, limits: HubLimits) throws(HubError) {
    guard tape.kind(JSONTape.root) == .object else {
      throw HubError(.invalidRequest, "a request is a JSON object with the field \"action\"")
    }
    collect(tape, text)
    readEcho(tape, text)
    apiKey = try identifier(.apiKey, "api_key", tape, text, limits)
  }

  /// Reads the other fields that every request has.
  mutating func readRest(_ tape: borrowing JSONTape, _ text: RawSpan, limits: HubLimits) throws(HubError) {
    agent = try identifier(.agentID, "agent_id", tape, text, limits)
    correlation = try identifier(.correlationID, "correlation_id", tape, text, limits)
    requestID = try identifier(.requestID, "request_id", tape, text, limits)
    guard let node = node(.action) else {
      throw HubError(.invalidRequest, "the field \"action\" is missing: it says what to do")
    }
    guard tape.kind(node) == .string else { throw Request.wrongType("action", "a string") }
    guard action == nil else { return }
    let name = actionText.map { text.extracting($0).text() } ?? "of \(tape.range(node).count) bytes"
    throw HubError(
      .unknownAction,
      "the action \(name) does not exist; there are " + Action.allCases.map { "\($0.name)" }.joined(separator: ", "))
  }

  /// Has `agent` be the one who asks; a request that names another one is refused.
  mutating func bind(to agent: [UInt8]) throws(HubError) {
    if self.agent.isEmpty {
      let start = decoded.count
      decoded.append(agent.span.bytes)
      self.agent = start..<decoded.count
    } else if !decoded.bytes.extracting(self.agent).equals(agent.span.bytes) {
      throw HubError(
        .forbidden,
        "the field \"agent_id\" names another agent than the one that the key belongs to: leave it out, "
          + "or use that agent's key")
    }
  }

  /// Forgets the request before: called before a body is parsed, so that an error's reply can not echo another one.
  mutating func forget() {
    decoded.removeAll(shrinkingAbove: Request.decodedKeptBytes)
    nodes.removeAll(keepingCapacity: true)
    action = nil
    actionText = nil
    requestIDText = 0..<0
    agent = 0..<0
    correlation = 0..<0
    requestID = 0..<0
    apiKey = 0..<0
    keyBytes = nil
  }

  /// One pass over the members. An explicit null is as good as nothing.
  private mutating func collect(_ tape: borrowing JSONTape, _ text: RawSpan) {
    var name = tape.firstChild(JSONTape.root)
    for _ in 0..<tape.count(JSONTape.root) {
      let value = name + 1
      if tape.kind(value) != .null, let field = field(name, tape, text) {
        nodes.append(RequestFieldNode(field: field, node: value))
      }
      name = tape.after(value)
    }
  }

  private mutating func field(_ name: Int, _ tape: borrowing JSONTape, _ text: RawSpan) -> RequestField? {
    let start = decoded.count
    tape.appendString(name, in: text, to: &decoded)
    defer { decoded.truncate(to: start) }
    return RequestField(decoded.bytes.extracting(start..<decoded.count))
  }

  /// Action and request id, as far as they can be echoed even when something else is wrong.
  private mutating func readEcho(_ tape: borrowing JSONTape, _ text: RawSpan) {
    if let node = node(.action), tape.kind(node) == .string {
      // Something this long is no action, and repeating it would let a client choose how large the reply is.
      if tape.range(node).count <= Request.echoBytesMax { actionText = tape.range(node) }
      action = Action.allCases.first { tape.isString(node, $0.name, in: text) }
    }
    // Six bytes for each byte, at most, and the quotes.
    if let node = node(.requestID), tape.kind(node) == .string, tape.range(node).count <= Request.echoBytesMax * 6 + 2 {
      requestIDText = tape.range(node)
    }
  }

  func node(_ field: RequestField) -> Int? {
    for entry in nodes where entry.field == field { return entry.node }
    return nil
  }

  private mutating func identifier(
    _ field: RequestField, _ name: StaticString, _ tape: borrowing JSONTape, _ text: RawSpan, _ limits: HubLimits
  ) throws(HubError) -> Range<Int> {
    guard let node = node(field) else { return 0..<0 }
    let range = try string(node, name, tape, text)
    guard range.count <= limits.identifierBytes else {
      if field == .requestID { requestIDText = 0..<0 }
      throw HubError(
        .tooLarge,
        "the field \"\(name)\" has \(range.count) bytes, the limit identifier_bytes is \(limits.identifierBytes)")
    }
    return range
  }

  /// What the log tells of the request.
  func trace(arrival: Int64) -> RequestTrace {
    RequestTrace(
      arrival: arrival, action: action, keyBytes: keyBytes, strings: decoded.bytes, agent: agent,
      correlation: correlation, request: requestID)
  }

  // MARK: Values

  /// Decodes a string. The range is in `decoded`.
  mutating func string(
    _ node: Int, _ name: StaticString, _ tape: borrowing JSONTape, _ text: RawSpan
  ) throws(HubError) -> Range<Int> {
    guard tape.kind(node) == .string else { throw Request.wrongType(name, "a string") }
    let start = decoded.count
    tape.appendString(node, in: text, to: &decoded)
    return start..<decoded.count
  }

  /// Decodes a string that may be left out.
  mutating func optionalString(
    _ field: RequestField, _ name: StaticString, _ tape: borrowing JSONTape, _ text: RawSpan
  ) throws(HubError) -> Range<Int>? {
    guard let node = node(field) else { return nil }
    return try string(node, name, tape, text)
  }

  /// Decodes and checks a key; without the white space around it.
  mutating func key(
    _ node: Int?, _ tape: borrowing JSONTape, _ text: RawSpan, _ limits: HubLimits
  ) throws(HubError) -> Range<Int> {
    guard let node else { throw HubError(.invalidRequest, "the field \"key\" is missing: it names the memory") }
    let range = try string(node, "key", tape, text)
    let trimmed = try KeyRules.trimmed(decoded.bytes.extracting(range), limits: limits)
    if node == self.node(.key) { keyBytes = trimmed.count }
    return (range.lowerBound + trimmed.lowerBound)..<(range.lowerBound + trimmed.upperBound)
  }

  static func wholeNumber(
    _ node: Int, _ name: StaticString, _ tape: borrowing JSONTape, _ text: RawSpan
  ) throws(HubError) -> UInt64 {
    guard let value = tape.unsignedInteger(node, in: text) else {
      throw wrongType(name, "a whole number from 0 on, without sign, fraction or exponent")
    }
    return value
  }

  static func wrongType(_ name: StaticString, _ what: String) -> HubError {
    HubError(.invalidRequest, "the field \"\(name)\" must be \(what)")
  }
}
