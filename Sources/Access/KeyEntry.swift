/// One key as the key file has it: a line of JSON. See docs/operations.md, "Security".
internal import Bytes
package import HistoryTree
internal import JSONText

package struct KeyEntry: Sendable, Equatable {
  package enum Credential: Sendable, Equatable {
    /// An API key, by its digest.
    case token(Digest)
    /// A client of CURVE.
    case curve(CurvePublicKey)
    /// A client of TLS, by the key of its certificate.
    case certificate(PublicKeyPin)

    /// What a connection shows of it; nil for what comes with requests. One client is one agent.
    var client: String? {
      switch self {
      case .token: nil
      case .curve(let key): key.description
      case .certificate(let pin): pin.description
      }
    }
  }

  package let id: KeyID
  /// Who has it. Nil for a CURVE key that only lets a client connect: its requests bring API keys.
  package let agent: String?
  package let credential: Credential
  package let permissions: [Permission]
  /// RFC 3339, as it was written.
  package let created: String
  package var revoked: String?

  package static let agentBytesMax = 256

  /// - Throws: what does not fit together.
  package init(
    id: KeyID, agent: String?, credential: Credential, permissions: [Permission], created: String,
    revoked: String? = nil
  ) throws(AccessTextError) {
    if let agent {
      guard !agent.isEmpty, agent.utf8.count <= KeyEntry.agentBytesMax, !agent.utf8.contains(where: { $0 < 0x20 })
      else {
        throw AccessTextError("an agent's name has 1 to \(KeyEntry.agentBytesMax) bytes, no control characters")
      }
      guard !permissions.isEmpty else { throw AccessTextError("a key that allows nothing is of no use: give --allow") }
    } else {
      guard case .curve = credential else {
        throw AccessTextError("an API key or a certificate belongs to an agent: name it")
      }
      guard permissions.isEmpty else {
        throw AccessTextError("a CURVE key without an agent only lets a client connect, it can not have permissions")
      }
    }
    self.id = id
    self.agent = agent
    self.credential = credential
    self.permissions = permissions
    self.created = created
    self.revoked = revoked
  }

  var principal: Principal? {
    agent.map { Principal(id: id, agent: Array($0.utf8), permissions: permissions) }
  }
}

// MARK: Text

extension KeyEntry {
  private enum Member: String, CaseIterable {
    case key, agent_id, allow, token_hash, curve_public_key, tls_key_sha256, created, revoked
  }

  /// The line, without its end.
  package var line: String {
    var text = ByteBuffer(capacity: 512)
    KeyEntry.append("{\"", Member.key, id.description, to: &text)
    if let agent { KeyEntry.append(",\"", .agent_id, agent, to: &text) }
    if !permissions.isEmpty {
      text.append(",\"allow\":[")
      for (index, permission) in permissions.enumerated() {
        if index > 0 { text.append(",") }
        JSONWriter.appendString(text: permission.description, to: &text)
      }
      text.append("]")
    }
    switch credential {
    case .token(let digest): KeyEntry.append(",\"", .token_hash, digest.base64, to: &text)
    case .curve(let key): KeyEntry.append(",\"", .curve_public_key, key.description, to: &text)
    case .certificate(let pin): KeyEntry.append(",\"", .tls_key_sha256, pin.description, to: &text)
    }
    KeyEntry.append(",\"", .created, created, to: &text)
    if let revoked { KeyEntry.append(",\"", .revoked, revoked, to: &text) }
    text.append("}")
    return text.bytes.text()
  }

  private static func append(_ start: StaticString, _ member: Member, _ value: String, to text: inout ByteBuffer) {
    text.append(start)
    text.append(text: member.rawValue)
    text.append("\":")
    JSONWriter.appendString(text: value, to: &text)
  }

  /// - Throws: what is wrong with the line. A member that this version does not know is an error: it may be one that
  ///   takes a right away.
  package init(line: String) throws(AccessTextError) {
    var text = ByteBuffer(capacity: line.utf8.count)
    text.append(text: line)
    var tape = JSONTape(depthMax: 4)
    do { try tape.parse(text.bytes) } catch { throw AccessTextError("not JSON: \(error.text)") }
    let fields = try KeyEntry.fields(tape, text)
    guard let id = fields.strings[.key].flatMap({ KeyID($0) }) else {
      throw AccessTextError("\"key\" must be the id of a key: \(KeyID.letterCount) letters a to z and 2 to 7")
    }
    guard let created = fields.strings[.created] else { throw AccessTextError("\"created\" is missing") }
    var permissions: [Permission] = []
    for text in fields.allowed { permissions.append(try Permission(text)) }
    try self.init(
      id: id, agent: fields.strings[.agent_id], credential: try KeyEntry.credential(fields.strings),
      permissions: permissions, created: created, revoked: fields.strings[.revoked])
  }

  private static func credential(_ strings: [Member: String]) throws(AccessTextError) -> Credential {
    switch (strings[.token_hash], strings[.curve_public_key], strings[.tls_key_sha256]) {
    case (let hash?, nil, nil):
      guard let digest = Digest(base64: hash) else { throw AccessTextError("\"token_hash\" is not a digest") }
      return .token(digest)
    case (nil, let text?, nil):
      guard let key = CurvePublicKey(text) else {
        throw AccessTextError("\"curve_public_key\" is not a key: 40 characters of Z85")
      }
      return .curve(key)
    case (nil, nil, let text?):
      guard let pin = PublicKeyPin(text) else {
        throw AccessTextError("\"tls_key_sha256\" is not a SHA-256 in base64")
      }
      return .certificate(pin)
    case (nil, nil, nil), (_?, _?, _), (_?, _, _?), (_, _?, _?):
      throw AccessTextError("it needs one of \"token_hash\", \"curve_public_key\" and \"tls_key_sha256\"")
    }
  }

  private static func fields(
    _ tape: borrowing JSONTape, _ text: borrowing ByteBuffer
  ) throws(AccessTextError) -> (strings: [Member: String], allowed: [String]) {
    guard tape.kind(JSONTape.root) == .object else { throw AccessTextError("a key is a JSON object") }
    var strings: [Member: String] = [:]
    var allowed: [String] = []
    var name = tape.firstChild(JSONTape.root)
    for _ in 0..<tape.count(JSONTape.root) {
      let value = name + 1
      let nameText = string(name, tape, text)
      guard let member = Member(rawValue: nameText) else { throw AccessTextError("\"\(nameText)\" is not known here") }
      if member == .allow {
        allowed = try list(value, tape, text)
      } else {
        guard tape.kind(value) == .string else { throw AccessTextError("\"\(nameText)\" must be a string") }
        strings[member] = string(value, tape, text)
      }
      name = tape.after(value)
    }
    return (strings, allowed)
  }

  private static func list(
    _ node: Int, _ tape: borrowing JSONTape, _ text: borrowing ByteBuffer
  ) throws(AccessTextError) -> [String] {
    guard tape.kind(node) == .array else { throw AccessTextError("\"allow\" must be a list of permissions") }
    var result: [String] = []
    var element = tape.firstChild(node)
    for _ in 0..<tape.count(node) {
      guard tape.kind(element) == .string else { throw AccessTextError("\"allow\" must be a list of strings") }
      result.append(string(element, tape, text))
      element = tape.after(element)
    }
    return result
  }

  private static func string(_ node: Int, _ tape: borrowing JSONTape, _ text: borrowing ByteBuffer) -> String {
    var decoded = ByteBuffer(capacity: tape.range(node).count)
    tape.appendString(node, in: text.bytes, to: &decoded)
    return decoded.bytes.text()
  }
}
