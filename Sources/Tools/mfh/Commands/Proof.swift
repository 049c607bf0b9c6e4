/// `mfh proof KEY` and `mfh proof --check FILE`.
internal import ArgumentParser
internal import Bytes
internal import Evidence
internal import HistoryTree
internal import HubClient
internal import LogStore
internal import Programs
internal import ToolSupport

struct Proof: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "proof",
    abstract: "Gets the proof that a write is in the log, or checks one without a hub.",
    usage: """
      mfh proof <key> [--revision <n>] [--no-payload] [--save <file>] [<options>]
      mfh proof --check <file> [--public-key <key>]
      """,
    discussion: """
      The proof is a small JSON document: the record, its place in the history tree, and the signed head. Whoever has it \
      and the public key can check it, without hub and store; examples/verify_proof.py does it in Python.

      Examples:
        mfh proof contracts/7 --save contract.proof
        mfh proof --check contract.proof --public-key "$(cat hub.pub)"

      Exit code 66 when there is no such key or revision, 65 when a proof does not hold.
      """)

  @Argument(help: "The key.")
  var key: String?

  @Option(help: ArgumentHelp("The write at this revision. [the newest]", valueName: "n"))
  var revision: UInt64?

  @Flag(name: .customLong("no-payload"), help: "Leave the item out: the proof tells of it only by its commitment.")
  var isWithoutPayload = false

  @Option(help: ArgumentHelp("Write the proof to this file.", valueName: "file"))
  var save: String?

  @Option(help: ArgumentHelp("Check the proof in this file.", valueName: "file"))
  var check: String?

  @Option(help: ArgumentHelp("What the head must be signed with.", valueName: "key"))
  var publicKey: String?

  @OptionGroup var client: ClientOptions

  func validate() throws {
    guard (key == nil) != (check == nil) else { throw ValidationError("name a key, or a file with --check") }
    if let publicKey, VerifierKey(text: publicKey) == nil {
      throw ValidationError("--public-key takes the line that mfh keys head prints")
    }
  }

  private var verifier: VerifierKey? { publicKey.flatMap { VerifierKey(text: $0) } }

  func run() throws {
    if let check {
      let proof = try ProofFile.read(try InputText.read(file: check), named: check)
      try Proof.require(proof, verifier, check)
      print(Proof.summary(of: proof, isKeyKnown: verifier != nil), terminator: "")
    } else if let key {
      try fetch(key)
    }
  }

  private func fetch(_ key: String) throws {
    let session = try Session(client)
    var request = session.request("proof")
    request.add("key", key)
    if let revision { request.add("revision", revision) }
    if isWithoutPayload {
      var no = ByteBuffer(capacity: 16)
      no.append("false")
      request.add("payload", json: no.bytes)
    }
    var reply = HubReply()
    try session.perform(request, reply: &reply)
    guard try reply.requiredFlag("found", of: reply.result) else {
      throw Failure(.noInput, "\(key): no such key, or no such revision of it, at \(session.address)")
    }
    let node = try reply.required("proof", of: reply.result)
    let text = reply.json(node).text() + "\n"
    let proof = try ProofFile.read(text, named: "\(session.address)")
    try Proof.require(proof, verifier, "\(session.address)")
    if let save { try SavedText.replace(text, at: save) }
    if client.format == .json || save == nil {
      session.printJSON(node, of: reply)
    } else {
      session.output.buffer.append(text: Proof.summary(of: proof, isKeyKnown: verifier != nil))
    }
    try session.finish()
  }

  private static func require(_ proof: LeafProof, _ key: VerifierKey?, _ name: String) throws(Failure) {
    guard proof.holds else {
      throw Failure(.damaged, "\(name): the proof does not hold: this record is not in the log of its head")
    }
    if let key, !proof.head.isSigned(by: key) {
      throw Failure(.damaged, "\(name): the head is not signed by \(key.name)")
    }
  }

  private static func summary(of proof: LeafProof, isKeyKnown: Bool) -> String {
    guard let fields = LeafFields(proof.header) else { preconditionFailure("a proof is summed up after it was read") }
    func text(_ bytes: [UInt8]) -> String { DisplayText.line(bytes.span.bytes.text()) }
    let signer =
      switch proof.head.signature {
      case nil: "nobody"
      case let signature? where isKeyKnown: "\(signature.name), checked"
      case let signature?: "\(signature.name), not checked: give --public-key"
      }
    var lines = [
      "the proof holds", "key        \(text(fields.key))", "event      \(fields.operation.eventType)",
      "revision   \(fields.revision)", "agent      \(text(fields.agent))",
      "record     \(proof.leaf) of \(proof.head.head.size)", "signed by  \(signer)",
    ]
    if let opening = proof.opening { lines.append("item       \(text(opening.payload))") }
    return lines.joined(separator: "\n") + "\n"
  }
}
