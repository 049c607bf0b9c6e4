/// `mfh checksum`.
internal import ArgumentParser
internal import HubClient
internal import ToolSupport

struct Checksum: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "checksum",
    abstract: "Shows the checksum of the whole state.",
    usage: "mfh checksum [<options>]",
    discussion: """
      Two hubs with the same checksum hold the same keys with the same items at the same revisions.

      Examples:
        mfh checksum
        mfh checksum --format json | jq -r .checksum
      """)

  @OptionGroup var client: ClientOptions

  func run() throws {
    let session = try Session(client)
    var reply = HubReply()
    try session.perform(session.request("checksum"), reply: &reply)
    if client.format == .json {
      session.printJSON(reply.result, of: reply)
    } else {
      var fields = FieldList()
      fields.add("checksum", try reply.requiredString("checksum", of: reply.result))
      fields.add("revision", NumberText.count(try reply.requiredNumber("revision", of: reply.result)))
      fields.add("keys", NumberText.count(try reply.requiredNumber("keys", of: reply.result)))
      fields.append(to: &session.output.buffer)
    }
    try session.finish()
  }
}
