/// `mfh keys create`.
internal import Access
internal import ArgumentParser
internal import Bytes
internal import JSONText
internal import ToolSupport

struct KeysCreate: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "create",
    abstract: "Makes an API key for an agent, and prints it: once, it is kept nowhere.",
    usage: "mfh keys create --file <file> --agent <id> --allow <permission> … [--save <file>]",
    discussion: """
      A permission is written OPERATIONS:PREFIX. Operations: read, write, admin, with commas between them, or all. The \
      prefix ends with / : . # or |, so that acme/ never opens acme-corp/; * is for all names.

      Examples:
        mfh keys create --file /etc/mfh/keys --agent planner --allow read,write:plans/ --allow read:shared/
        mfh keys create --file /etc/mfh/keys --agent ops --allow 'all:*' --save ops.key
      """)

  @Option(help: ArgumentHelp("Who gets it: the log names this agent, whatever its requests say.", valueName: "id"))
  var agent: String

  @Option(help: ArgumentHelp("What it may do, and under which names.", valueName: "permission"))
  var allow: [String] = []

  @Option(
    help: ArgumentHelp("Write the key to this new file, for you alone, instead of printing it.", valueName: "file"))
  var save: String?

  @OptionGroup var options: KeyFileOptions

  func run() throws {
    let permissions = try KeyFileEditor.permissions(allow)
    let created = KeyTime.now()
    let (id, token) = try KeyFileEditor.change(try options.path, isCreating: true) { keys throws(Failure) in
      let id = keys.unusedID()
      let token = AccessToken.random(id)
      let digest = AccessToken.digest(Array(token.utf8).span.bytes)
      try KeyFileEditor.add(&keys) { () throws(AccessTextError) in
        try KeyEntry(
          id: id, agent: agent, credential: .token(digest), permissions: permissions, created: created)
      }
      // Before the key counts: one that is on the list and was never seen is of no use.
      if let save { try SavedText.createSecret(token + "\n", at: save) }
      return (id, token)
    }
    if options.format == .json {
      var line = ByteBuffer(capacity: 256)
      line.append(text: "{\"key\":\"\(id)\",\"agent_id\":")
      JSONWriter.appendString(text: agent, to: &line)
      if save == nil { line.append(text: ",\"api_key\":\"\(token)\"") }
      line.append("}")
      print(line.bytes.text())
    } else {
      print(save == nil ? token : id.description)
    }
  }
}
