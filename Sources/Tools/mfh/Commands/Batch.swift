/// `mfh batch FILE`.
internal import ArgumentParser
internal import Bytes
internal import HubClient
internal import JSONText
internal import Programs
internal import ToolSupport

struct Batch: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "batch",
    abstract: "Does several writes at once: all of them, or none.",
    usage: "mfh batch <file> [<options>]",
    discussion: """
      Reads one operation a line; blank lines are passed over:
        {"op":"put","key":"a","item":{"content":"x"}}
        {"op":"put","key":"b","item":{"content":"y"},"if_revision":0}
        {"op":"delete","key":"c","if_revision":7}

      Examples:
        mfh batch changes.jsonl
        mfh batch changes.jsonl --dry-run
        jq -c '{op:"delete",key:.}' keys.json | mfh batch -

      A batch bears a --request-id as a put does (mfh put --help). A hub takes 1,024 operations and 4 MiB at a time \
      by default.

      Exit code 73 when an if_revision does not hold, 65 when a line is not what it should be.
      """)

  @Argument(help: "File with the operations; - reads standard input.")
  var file: String

  @Option(help: ArgumentHelp("The id of this write; use it again to repeat it.", valueName: "id"))
  var requestId: String?

  @Flag(help: "Show what each operation would meet; write nothing.")
  var dryRun = false

  @OptionGroup var client: ClientOptions

  func validate() throws {
    if let requestId, requestId.isEmpty { throw ValidationError("--request-id is at least one character") }
  }

  func run() throws {
    let session = try Session(client)
    let operations = try BatchFile.read(file)
    if dryRun {
      try BatchPreview(session: session).run(operations)
    } else {
      try write(operations, session)
    }
    try session.finish()
  }

  private func write(_ operations: [BatchOperation], _ session: Session) throws(Failure) {
    let requestID = requestId ?? RequestID.random()
    var array = ByteBuffer(capacity: 64 << 10)
    for operation in operations {
      array.append(array.count == 0 ? "[" : ",")
      array.append(text: operation.json)
    }
    array.append("]")
    var request = session.write("batch", requestID: requestID)
    request.add("operations", json: array.bytes)
    var reply = HubReply()
    do {
      try session.perform(request, session.attempt(requestID: requestID), reply: &reply)
    } catch {
      throw BatchFile.located(error, operations, in: file)
    }
    if client.format == .json {
      session.printJSON(reply.result, of: reply)
    } else {
      try printResults(operations, reply, session.output)
    }
  }

  private func printResults(
    _ operations: [BatchOperation], _ reply: borrowing HubReply, _ output: Output
  ) throws(Failure) {
    let results = try reply.required("results", of: reply.result)
    guard reply.tape.kind(results) == .array, reply.tape.count(results) == operations.count else {
      throw Failure(.unavailable, "the hub's answer does not have a result for each operation: update mfh, or the hub")
    }
    var table = BatchTable(columns: ["RESULT"], output)
    var result = reply.tape.firstChild(results)
    for operation in operations {
      let revision = try reply.requiredNumber("revision", of: result)
      let text =
        if operation.isPut {
          try reply.requiredFlag("created", of: result) ? "created" : "replaced"
        } else {
          try reply.requiredFlag("deleted", of: result) ? "deleted" : "nothing there"
        }
      table.add(text == "nothing there" ? nil : revision, operation, [text])
      result = reply.tape.after(result)
    }
    table.finish()
  }
}
