/// `mfh keys allow`.
internal import Access
internal import ArgumentParser
internal import Programs
internal import ToolSupport

struct KeysAllow: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "allow",
    abstract: "Puts a client's public key on the list: of CURVE, or of a TLS certificate.",
    usage: "mfh keys allow <file> --file <file> [--agent <id> --allow <permission> …]",
    discussion: """
      With --agent the key is the agent's: its requests need no API key. A CURVE key without an agent only lets the \
      client connect (a proxy, say), and each request brings an API key.

      Of a certificate (PEM, the file's first one) the list has the SHA-256 of its public key: a renewed certificate for \
      the same key works on. A bare public key in PEM does as well. The hub lets in whom security.tls.client_ca has \
      signed for, and only on gRPC.

      Examples:
        mfh keys allow planner.curve.pub --file /etc/mfh/keys --agent planner --allow read,write:plans/
        mfh keys allow planner.crt --file /etc/mfh/keys --agent planner --allow read,write:plans/
        mfh keys allow proxy.curve.pub --file /etc/mfh/keys
      """)

  @Argument(help: "The file with the client's public key or certificate.")
  var publicFile: String

  @Option(help: ArgumentHelp("Whose key it is.", valueName: "id"))
  var agent: String?

  @Option(help: ArgumentHelp("What the agent may do, and under which names.", valueName: "permission"))
  var allow: [String] = []

  @OptionGroup var options: KeyFileOptions

  func run() throws {
    let credential = try KeysAllow.credential(try InputText.read(file: publicFile), publicFile)
    let permissions = try KeyFileEditor.permissions(allow)
    let created = KeyTime.now()
    let id = try KeyFileEditor.change(try options.path, isCreating: true) { keys throws(Failure) in
      let id = keys.unusedID()
      try KeyFileEditor.add(&keys) { () throws(AccessTextError) in
        try KeyEntry(id: id, agent: agent, credential: credential, permissions: permissions, created: created)
      }
      return id
    }
    print(options.format == .json ? "{\"key\":\"\(id)\"}" : id.description)
  }

  private static func credential(_ text: String, _ file: String) throws(Failure) -> KeyEntry.Credential {
    if let key = CurveCertificate.publicKey(in: text) { return .curve(key) }
    if let pin = PublicKeyPin(pem: text) { return .certificate(pin) }
    throw Failure(
      .damaged, "\(file): it holds no public key that mfh keys curve has made, no certificate and no public key in PEM")
  }
}
