/// `mfh put KEY VALUE`.
internal import ArgumentParser
internal import Bytes
internal import HubClient
internal import Programs
internal import ToolSupport

struct Put: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "put",
    abstract: "Stores a value under a key, or replaces it.",
    usage: "mfh put <key> <value> [<options>]",
    discussion: """
      A VALUE that begins with { or [ is JSON. An object with content, session_id, knowledge_id or item_type is the \
      item itself; any other object or array is the content of a memory, and so is plain text. - reads standard \
      input, exactly as it comes, the last line break too.

      Examples:
        mfh put notes/today 'Ship the hub on Friday' --tag plan --type knowledge
        mfh put user/7 '{"name":"Ada","likes":["maps"]}'
        mfh put s/1 '{"session_id":"1","user_id":"ada"}'
        mfh put notes/long - < notes.md
        mfh put lock/build ada --if-revision 0 --ttl 60

      Every put bears a --request-id, a random one by default. After a timeout nobody knows whether it was stored: \
      the same command with the id that the message names makes sure and never writes twice. The hub remembers ids \
      for 10 minutes, agent by agent.

      Exit code 73 when --if-revision does not hold, 65 when the hub refuses the item.
      """)

  @Argument(help: "The key.")
  var key: String

  @Argument(help: "Text or JSON; - reads standard input.")
  var value: String

  @Option(help: ArgumentHelp("Only if the key is at this revision; 0: only if it does not exist.", valueName: "n"))
  var ifRevision: UInt64?

  @Option(help: ArgumentHelp("Let it expire after so many seconds; fractions are fine.", valueName: "seconds"))
  var ttl: String?

  @Option(help: ArgumentHelp("The memory's type, such as knowledge or episode.", valueName: "memory-type"))
  var type: String?

  @Option(help: "A tag; may be given more than once.")
  var tag: [String] = []

  @Flag(help: "Take VALUE as plain text, whatever it begins with.")
  var text = false

  @Option(help: ArgumentHelp("The id of this write; use it again to repeat it.", valueName: "id"))
  var requestId: String?

  @Flag(help: "Show the item and what would be replaced; write nothing.")
  var dryRun = false

  @OptionGroup var client: ClientOptions

  func validate() throws {
    if let ttl, !Put.isDecimal(ttl) {
      throw ValidationError("--ttl is a number of seconds greater than 0, such as 60 or 0.5")
    }
    if let requestId, requestId.isEmpty { throw ValidationError("--request-id is at least one character") }
  }

  /// Digits, and perhaps more behind a point: the hub reads the number from these digits, so they stay as they are.
  private static func isDecimal(_ text: String) -> Bool {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    return parts.count <= 2 && parts.allSatisfy { !$0.isEmpty && $0.utf8.allSatisfy { $0 >= 0x30 && $0 <= 0x39 } }
      && text.utf8.contains { $0 >= 0x31 && $0 <= 0x39 } && (parts[0] == "0" || !parts[0].hasPrefix("0"))
  }

  func run() throws {
    let session = try Session(client)
    let item = try readItem()
    if dryRun {
      try preview(item, session)
    } else {
      try store(item, session)
    }
    try session.finish()
  }

  private func readItem() throws(Failure) -> ByteBuffer {
    let isPiped = value == InputText.standardInput
    let text = isPiped ? try InputText.read(file: value) : value
    var source = ByteBuffer(capacity: text.utf8.count)
    source.append(text: text)
    let put = PutValue(
      source: isPiped ? "standard input" : "VALUE", isText: self.text, memoryType: type, tags: tag)
    var item = ByteBuffer(capacity: source.count + 256)
    try put.appendItem(source, to: &item)
    return item
  }

  private func store(_ item: borrowing ByteBuffer, _ session: Session) throws(Failure) {
    let requestID = requestId ?? RequestID.random()
    var request = session.write("put", requestID: requestID)
    request.add("key", key)
    request.add("item", json: item.bytes)
    if let ifRevision { request.add("if_revision", ifRevision) }
    if let ttl {
      var number = ByteBuffer(capacity: ttl.utf8.count)
      number.append(text: ttl)
      request.add("ttl_seconds", json: number.bytes)
    }
    var reply = HubReply()
    try session.perform(request, session.attempt(requestID: requestID), reply: &reply)
    if client.format == .json {
      session.printJSON(reply.result, of: reply)
      return
    }
    let revision = try reply.requiredNumber("revision", of: reply.result)
    let isNew = try reply.requiredFlag("created", of: reply.result)
    let durability = try reply.requiredString("durability", of: reply.result)
    session.printLine("\(isNew ? "created" : "replaced") \(key) at revision \(revision) (\(durability))")
  }

  private func preview(_ item: borrowing ByteBuffer, _ session: Session) throws(Failure) {
    let revision = try KeyState.revision(of: key, session)
    if let ifRevision { try KeyState.expect(ifRevision, revision, key) }
    if client.format == .json {
      session.output.buffer.append(text: "{\"dry_run\":true,\"created\":\(revision == 0),\"revision\":")
      session.output.buffer.append(decimal: revision)
      session.output.buffer.append(",\"item\":")
      session.output.buffer.append(item.bytes)
      session.output.buffer.append("}\n")
      return
    }
    session.printLine(
      revision == 0 ? "would create \(key) with" : "would replace \(key), which is at revision \(revision), with")
    DisplayText.appendJSON(item.bytes, to: &session.output.buffer)
    session.output.buffer.append("\n")
  }
}
