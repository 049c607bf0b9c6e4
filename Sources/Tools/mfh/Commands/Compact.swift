/// `mfh compact`.
internal import ArgumentParser
internal import HubClient
internal import ToolSupport

struct Compact: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "compact",
    abstract: "Has the hub pack its sealed segments now.",
    usage: "mfh compact [<options>]",
    discussion: """
      The hub does this by itself unless storage.compression is none. The work goes on in the background; ask again, or \
      look at mfh stats, to see how far it is.

      Examples:
        mfh compact
        mfh compact --format json | jq .segments_to_pack
      """)

  @OptionGroup var client: ClientOptions

  func run() throws {
    let session = try Session(client)
    var reply = HubReply()
    try session.perform(session.request("compact"), reply: &reply)
    if client.format == .json {
      session.printJSON(reply.result, of: reply)
    } else {
      var fields = FieldList()
      let percent = try reply.requiredNumber("packing_percent", of: reply.result)
      let left = try reply.requiredNumber("segments_to_pack", of: reply.result)
      fields.add("state", left == 0 ? "all sealed segments are packed" : "working, the next segment at \(percent) %")
      fields.add("packed", NumberText.count(try reply.requiredNumber("segments_packed", of: reply.result)))
      fields.add("to pack", NumberText.count(left))
      fields.add("log", ByteSize.text(try reply.requiredNumber("log_bytes", of: reply.result)))
      let problem = try reply.requiredString("error", of: reply.result)
      if !problem.isEmpty { fields.add("last error", problem) }
      fields.append(to: &session.output.buffer)
    }
    try session.finish()
  }
}
