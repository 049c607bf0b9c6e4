/// `head` and `proof`: what clients keep elsewhere, so that a change of the past shows.
internal import Bytes
internal import Evidence
internal import HistoryTree
internal import Hub
internal import JSONText
internal import LogStore

extension RequestProcessor {
  /// How long a request for a proof waits before it is looked at again.
  private static let proofMicroseconds: Int64 = 2_000

  func appendHead(to reply: inout ByteBuffer) throws(HubError) {
    let status = try requiredTree().status
    if let problem = status.problem, status.newestHead == nil { throw HubError(.storageError, problem.message) }
    var object = ObjectWriter()
    object.begin(&reply)
    if let head = status.newestHead {
      object.text("head", head.text, &reply)
      object.number("size", head.head.size, &reply)
      object.number("revision", head.head.revision, &reply)
      object.text("root", head.head.root.base64, &reply)
      object.text("signed_by", head.signature.map { "\($0.name)+\($0.keyIDText)" } ?? "", &reply)
    }
    if let key = service.headKey { object.text("public_key", key, &reply) }
    object.number("lag_ms", lagMilliseconds(status), &reply)
    object.end(&reply)
  }

  private func requiredTree() throws(HubError) -> TreeKeeper {
    guard let tree else { throw HubError(.invalidRequest, "this hub keeps no history tree") }
    return tree
  }

  func lagMilliseconds(_ status: TreeStatus) -> UInt64 {
    UInt64(max(0, status.uncoveredSince.map { hub.clock.now() - $0 } ?? 0)) / 1_000
  }

  func proof(_ body: RawSpan, _ reply: inout ByteBuffer) throws(HubError) -> Disposition {
    let key = try key(request.node(.key), body)
    let tree = try requiredTree()
    let withPayload = try request.node(.payload).map { node throws(HubError) in try flag(node, "payload") } ?? true
    guard let revision = try provenRevision(body, key) else {
      appendNoProof(of: key, body, &reply)
      return .reply
    }
    tree.follow(hub.log.durableEnd)
    switch try isDurable(revision) ? tree.proof(of: revision, withPayload: withPayload) : .pending {
    case .pending: return .park(revision: .max, deadline: hub.clock.now() + RequestProcessor.proofMicroseconds)
    case .failed(let message): throw HubError(.storageError, message)
    case .proof(var proof) where isOf(key, proof):
      toldRevision = revision.value
      // It may have been made before the item was redacted.
      if try hub.isRedacted(revision) { proof.opening = nil }
      finish(.proof, body, &reply) { [proof] in ProofText.append(proof, revision: revision.value, to: &$0) }
      recordRead(.proof, key, revision)
    case .absent where revision < hub.log.floor: throw HubError.dropped(revision, floor: hub.log.floor)
    case .proof, .absent: appendNoProof(of: key, body, &reply)
    }
    return .reply
  }

  /// Only what is on stable storage is in the tree. Where no acknowledgement waits for that, it has to be asked for.
  ///
  /// - Throws: when it will never be.
  private func isDurable(_ revision: Revision) throws(HubError) -> Bool {
    if hub.log.durableThrough >= revision { return true }
    if let failure = hub.failure { throw HubError(failure) }
    hub.log.requestSync()
    return false
  }

  private func appendNoProof(of key: Range<Int>, _ body: RawSpan, _ reply: inout ByteBuffer) {
    finish(.proof, body, &reply) { $0.append(#"{"found":false,"revision":0}"#) }
    recordRead(.proof, key, nil)
  }

  private func flag(_ node: Int, _ name: StaticString) throws(HubError) -> Bool {
    switch tape.kind(node) {
    case .true: return true
    case .false: return false
    case .object, .array, .string, .number, .null: throw Request.wrongType(name, "true or false")
    }
  }

  /// The revision that is asked for, or the key's newest event, a deletion too; nil when it has none.
  private func provenRevision(_ body: RawSpan, _ key: Range<Int>) throws(HubError) -> Revision? {
    guard let node = request.node(.revision) else {
      return RequestProcessor.newestRevision(hub, request, key)
    }
    let given = try Request.wholeNumber(node, "revision", tape, body)
    guard given > 0, given <= hub.state.revision.value else {
      throw HubError(
        .invalidRequest, "the field \"revision\" is \(given), and this hub has the revisions 1 to \(hub.state.revision)"
      )
    }
    return Revision(given)
  }

  private static func newestRevision(_ hub: MemoryHub, _ request: borrowing Request, _ key: Range<Int>) -> Revision? {
    hub.state.newestEvent(request.decoded.bytes.extracting(key))?.revision
  }

  private func isOf(_ key: Range<Int>, _ proof: LeafProof) -> Bool {
    RequestProcessor.bytes(request, key) == LeafFields(proof.header)?.key
  }

  private static func bytes(_ request: borrowing Request, _ range: Range<Int>) -> [UInt8] {
    request.decoded.bytes.extracting(range).array()
  }
}

/// A proof as JSON: what `mfh proof` saves. docs/operations.md, "Tamper evidence", has the fields.
enum ProofText {
  static func append(_ proof: LeafProof, revision: UInt64, to reply: inout ByteBuffer) {
    var result = ObjectWriter()
    result.begin(&reply)
    result.name("found", &reply)
    reply.append("true")
    result.number("revision", revision, &reply)
    result.name("proof", &reply)
    var object = ObjectWriter()
    object.begin(&reply)
    object.number("version", 1, &reply)
    object.text("head", proof.head.text, &reply)
    object.number("leaf", proof.leaf, &reply)
    object.name("path", &reply)
    reply.append("[")
    for (index, step) in proof.path.enumerated() {
      if index > 0 { reply.append(",") }
      JSONWriter.appendString(text: step.base64, to: &reply)
    }
    reply.append("]")
    object.text("header", Base64.text(proof.header), &reply)
    object.text("commitment", proof.commitment.base64, &reply)
    if let opening = proof.opening {
      object.text("salt", Base64.text(opening.salt), &reply)
      object.text("payload", Base64.text(opening.payload), &reply)
    }
    object.end(&reply)
    result.end(&reply)
  }
}
