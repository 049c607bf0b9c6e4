/// `mfh keys allow`.
internal import Access
internal import ArgumentParser
internal import Programs
internal import ToolSupport

struct KeysAllow: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "allow",
    abstract: "Puts a client's public CURVE key on the list of those that the hub lets in.",
    usage: "mfh keys allow <file.pub> --file <file> [--agent <id> --allow <permission> …]",
    discussion: """
      With --agent the key is the agent's: its requests need no API key. Without, it only lets the client connect (a \
      proxy, say), and each request brings an API key.

      Examples:
        mfh keys allow planner.curve.pub --file /etc/mfh/keys --agent planner --allow read,write:plans/
        mfh keys allow proxy.curve.pub --file /etc/mfh/keys
      """)

  @Argument(help: "The file with the client's public key.")
  var publicFile: String

  @Option(help: ArgumentHelp("Whose key it is.", valueName: "id"))
  var agent: String?

  @Option(help: ArgumentHelp("What the agent may do, and under which names.", valueName: "permission"))
  var allow: [String] = []

  @OptionGroup var options: KeyFileOptions

  func run() throws {
    guard let key = CurveCertificate.publicKey(in: try InputText.read(file: publicFile)) else {
      throw Failure(.damaged, "\(publicFile): it holds no public key that mfh keys curve has made")
    }
    let permissions = try KeyFileEditor.permissions(allow)
    let created = KeyTime.now()
    let id = try KeyFileEditor.change(try options.path, isCreating: true) { keys throws(Failure) in
      let id = keys.unusedID()
      try KeyFileEditor.add(&keys) { () throws(AccessTextError) in
        try KeyEntry(id: id, agent: agent, credential: .curve(key), permissions: permissions, created: created)
      }
      return id
    }
    print(options.format == .json ? "{\"key\":\"\(id)\"}" : id.description)
  }
}
