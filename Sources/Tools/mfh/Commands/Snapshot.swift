/// `mfh snapshot`.
internal import ArgumentParser
internal import Glibc
internal import HubClient
internal import Programs
internal import ToolSupport

struct Snapshot: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "snapshot",
    abstract: "Have the hub take a snapshot of its index now, so that its next start is quick.",
    usage: "mfh snapshot [<options>]",
    discussion: """
      The hub takes one by itself as its log grows, and at a stop. A snapshot is no backup: it says only where in the log \
      the items lie (see mfh backup). Writes go on meanwhile. The command waits until it is there.

      Examples:
        mfh snapshot
        mfh snapshot --no-wait --format json | jq .snapshot_revision
      """)

  @Flag(help: "Do not wait until the snapshot is there.") var noWait = false

  @OptionGroup var client: ClientOptions

  private static let pauseMicroseconds: UInt32 = 20_000

  func run() throws {
    let session = try Session(client)
    var reply = HubReply()
    try session.perform(session.request("snapshot"), reply: &reply)
    let wanted = try reply.requiredNumber("revision", of: reply.result)
    while !noWait, try reply.requiredNumber("snapshot_revision", of: reply.result) < wanted {
      // A hub that can not take one says why, and is not asked for ever.
      guard try reply.requiredString("error", of: reply.result).isEmpty else { break }
      usleep(Snapshot.pauseMicroseconds)
      try session.perform(session.request("snapshot"), reply: &reply)
    }
    if client.format == .json {
      session.printJSON(reply.result, of: reply)
    } else {
      var fields = FieldList()
      fields.add("snapshot", NumberText.count(try reply.requiredNumber("snapshot_revision", of: reply.result)))
      fields.add("hub", NumberText.count(try reply.requiredNumber("revision", of: reply.result)))
      fields.add("size", ByteSize.text(try reply.requiredNumber("snapshot_bytes", of: reply.result)))
      let problem = try reply.requiredString("error", of: reply.result)
      if !problem.isEmpty { fields.add("last error", problem) }
      fields.append(to: &session.output.buffer)
    }
    try session.finish()
    let failure = try reply.requiredString("error", of: reply.result)
    if !noWait, !failure.isEmpty { throw Failure(.inputOutput, "the snapshot could not be taken: \(failure)") }
  }
}
