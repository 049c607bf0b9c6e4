/// `mfh get KEY`.
internal import ArgumentParser
internal import Bytes
internal import HubClient
internal import JSONText
internal import Programs
internal import ToolSupport

struct Get: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "get",
    abstract: "Shows what is stored under a key.",
    usage: "mfh get <key> [<options>]",
    discussion: """
      Shows the content, then the other fields that say something. With --format json it is the result as the hub \
      sent it: {"found":true,"item":{…},"revision":7}. With --raw only the content: a text byte for byte, \
      anything else as JSON.

      --at-revision and --at-time show what was there then: behind the event with that revision, or behind the last event \
      that was not later, without what had expired by that time. mfh history lists a key's revisions.

      Examples:
        mfh get notes/today
        mfh get notes/today --raw > today.md
        mfh get user/7 --format json | jq .item.content.name
        mfh get notes/today --at-revision 1187
        mfh get notes/today --at-time 2026-11-24T09:00:00Z

      Exit code 66 when there is no such key, or the log can not tell any more what was there.
      """)

  @Argument(help: "The key.")
  var key: String

  @Flag(help: "Only the content, without a line break of its own.")
  var raw = false

  @Option(help: ArgumentHelp("As it was at this revision.", valueName: "n"))
  var atRevision: UInt64?

  @Option(help: ArgumentHelp("As it was at this time.", valueName: "time"))
  var atTime: String?

  @OptionGroup var client: ClientOptions

  func validate() throws {
    if atRevision != nil, atTime != nil { throw ValidationError("--at-revision and --at-time exclude each other") }
    if raw, client.format == .json { throw ValidationError("--raw and --format json exclude each other") }
  }

  func run() throws {
    let session = try Session(client)
    var request = session.request("get")
    request.add("key", key)
    if let atRevision { request.add("at_revision", atRevision) }
    if let atTime { request.add("at_time", atTime) }
    var reply = HubReply()
    try session.perform(request, reply: &reply)
    let isFound = try reply.requiredFlag("found", of: reply.result)
    if client.format == .json {
      session.printJSON(reply.result, of: reply)
    } else if isFound {
      let item = try reply.required("item", of: reply.result)
      if raw {
        try printContent(of: item, reply, session.output)
      } else {
        let revision = try reply.requiredNumber("revision", of: reply.result)
        ItemText.append(item, revision: revision, of: reply, to: &session.output.buffer)
      }
    }
    try session.finish()
    guard isFound else {
      let isPast = atRevision != nil || atTime != nil
      throw Failure(
        .noInput,
        isPast
          ? "\(key): not there at that \(atTime == nil ? "revision" : "time"); mfh history \(key) shows when it was"
          : "\(key): no such key at \(session.address); mfh list shows what is there")
    }
  }

  private func printContent(of item: Int, _ reply: borrowing HubReply, _ output: Output) throws(Failure) {
    guard let content = reply.member("content", of: item) else {
      throw Failure(.noInput, "\(key): this item has no content; --format json shows all of it")
    }
    var text = ByteBuffer(capacity: reply.tape.range(content).count)
    if reply.tape.kind(content) == .string {
      reply.tape.appendString(content, in: reply.text.bytes, to: &text)
    } else {
      text.append(reply.json(content))
    }
    if output.isTerminal {
      DisplayText.appendLines(text.bytes, to: &output.buffer)
      output.buffer.append("\n")
    } else {
      output.buffer.append(text.bytes)
    }
  }
}
