/// A proof as `mfh proof` saves it, read back and checked without a hub.
internal import Bytes
internal import Evidence
internal import HistoryTree
internal import JSONText
internal import Programs

enum ProofFile {
  /// - Throws: damaged data when the text is not a proof.
  static func read(_ text: String, named name: String) throws(Failure) -> LeafProof {
    var bytes = ByteBuffer(capacity: text.utf8.count + 16)
    bytes.append(text: text)
    guard let proof = proof(in: bytes) else {
      throw Failure(.damaged, "\(name): this is no proof that mfh proof has saved")
    }
    return proof
  }

  private static func proof(in text: borrowing ByteBuffer) -> LeafProof? {
    var tape = JSONTape()
    guard (try? tape.parse(text.bytes)) != nil, tape.kind(JSONTape.root) == .object else { return nil }
    return proof(tape, text)
  }

  private static func proof(_ tape: borrowing JSONTape, _ text: borrowing ByteBuffer) -> LeafProof? {
    guard number("version", tape, text) == 1, let note = string("head", tape, text), let head = SignedHead(text: note),
      let leaf = number("leaf", tape, text), let path = path(tape, text),
      let header = string("header", tape, text).flatMap({ Base64.bytes($0) }), LeafFields(header) != nil,
      let commitment = string("commitment", tape, text).flatMap({ Digest(base64: $0) })
    else { return nil }
    var proof = LeafProof(head: head, leaf: leaf, path: path, header: header, commitment: commitment, opening: nil)
    if let payload = string("payload", tape, text) {
      guard let payload = Base64.bytes(payload),
        let salt = string("salt", tape, text).flatMap({ Base64.bytes($0) })
      else { return nil }
      proof.opening = LeafProof.Opening(salt: salt, payload: payload)
    }
    return proof
  }

  private static func path(_ tape: borrowing JSONTape, _ text: borrowing ByteBuffer) -> [Digest]? {
    guard let array = tape.member("path", of: JSONTape.root, in: text.bytes), tape.kind(array) == .array else {
      return nil
    }
    var steps: [Digest] = []
    var node = tape.firstChild(array)
    for _ in 0..<tape.count(array) {
      guard tape.kind(node) == .string, let step = Digest(base64: value(node, tape, text)) else { return nil }
      steps.append(step)
      node = tape.after(node)
    }
    return steps
  }

  private static func number(
    _ name: StaticString, _ tape: borrowing JSONTape, _ text: borrowing ByteBuffer
  ) -> UInt64? {
    guard let node = tape.member(name, of: JSONTape.root, in: text.bytes) else { return nil }
    return tape.unsignedInteger(node, in: text.bytes)
  }

  private static func string(
    _ name: StaticString, _ tape: borrowing JSONTape, _ text: borrowing ByteBuffer
  ) -> String? {
    guard let node = tape.member(name, of: JSONTape.root, in: text.bytes), tape.kind(node) == .string else {
      return nil
    }
    return value(node, tape, text)
  }

  private static func value(_ node: Int, _ tape: borrowing JSONTape, _ text: borrowing ByteBuffer) -> String {
    var decoded = ByteBuffer(capacity: tape.range(node).count + 16)
    tape.appendString(node, in: text.bytes, to: &decoded)
    return decoded.bytes.text()
  }
}
