/// `mfh delete KEY`.
internal import ArgumentParser
internal import Bytes
internal import HubClient
internal import ToolSupport

struct Delete: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "delete",
    abstract: "Deletes what is stored under a key; its history stays.",
    usage: "mfh delete <key> [<options>]",
    discussion: """
      Deleting what is not there is no error: afterwards it is gone either way. With --format json "found" tells.

      Examples:
        mfh delete notes/today
        mfh delete notes/today --if-revision 7
        mfh delete notes/today --dry-run

      Exit code 73 when --if-revision does not hold.
      """)

  @Argument(help: "The key.")
  var key: String

  @Option(help: ArgumentHelp("Only if the key is at this revision.", valueName: "n"))
  var ifRevision: UInt64?

  @Option(help: ArgumentHelp("The id of this write; use it again to repeat it.", valueName: "id"))
  var requestId: String?

  @Flag(help: "Show what would be deleted; delete nothing.")
  var dryRun = false

  @OptionGroup var client: ClientOptions

  func validate() throws {
    if let requestId, requestId.isEmpty { throw ValidationError("--request-id is at least one character") }
  }

  func run() throws {
    let session = try Session(client)
    if dryRun {
      try preview(session)
    } else {
      try delete(session)
    }
    try session.finish()
  }

  private func delete(_ session: Session) throws(Failure) {
    let requestID = requestId ?? RequestID.random()
    var request = session.write("delete", requestID: requestID)
    request.add("key", key)
    if let ifRevision { request.add("if_revision", ifRevision) }
    var reply = HubReply()
    try session.perform(request, session.attempt(requestID: requestID), reply: &reply)
    if client.format == .json {
      session.printJSON(reply.result, of: reply)
    } else if try reply.requiredFlag("deleted", of: reply.result) {
      let revision = try reply.requiredNumber("revision", of: reply.result)
      session.printLine("deleted \(key) at revision \(revision)")
    } else {
      session.printLine("\(key): nothing there")
    }
  }

  private func preview(_ session: Session) throws(Failure) {
    let revision = try KeyState.revision(of: key, session)
    if let ifRevision { try KeyState.expect(ifRevision, revision, key) }
    if client.format == .json {
      session.printLine("{\"dry_run\":true,\"found\":\(revision > 0),\"revision\":\(revision)}")
    } else {
      session.printLine(
        revision == 0 ? "\(key): nothing there" : "would delete \(key), which is at revision \(revision)")
    }
  }
}
