/// `mfh exists KEY`.
internal import ArgumentParser
internal import HubClient
internal import Programs
internal import ToolSupport

struct Exists: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "exists",
    abstract: "Says whether something is stored under a key.",
    usage: "mfh exists <key> [<options>]",
    discussion: """
      Prints true or false; the exit code says the same, 0 or 66.

      Example:
        mfh exists notes/today > /dev/null || mfh put notes/today 'Nothing yet'
      """)

  @Argument(help: "The key.")
  var key: String

  @OptionGroup var client: ClientOptions

  func run() throws {
    let session = try Session(client)
    var request = session.request("exists")
    request.add("key", key)
    var reply = HubReply()
    try session.perform(request, reply: &reply)
    let exists = try reply.requiredFlag("exists", of: reply.result)
    if client.format == .json {
      session.printJSON(reply.result, of: reply)
    } else {
      session.printLine("\(exists)")
    }
    try session.finish()
    if !exists { throw Failure(.noInput, "") }
  }
}
