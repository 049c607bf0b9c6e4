/// `mfh list [PREFIX]`.
internal import ArgumentParser
internal import Bytes
internal import HubClient
internal import JSONText
internal import Programs
internal import ToolSupport

struct List: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list",
    abstract: "Lists keys in byte order, one a line.",
    usage: "mfh list [<prefix>] [<options>]",
    discussion: """
      Long lists come in pages, printed as they arrive; keys that are written or deleted meanwhile may or may not be \
      in them. When keys are left out, a line on standard error says so. With --format json a line is {"key":"…"}.

      Examples:
        mfh list
        mfh list notes/ --limit 20
        mfh list notes/ --start-after notes/today
        mfh list --all | wc -l
      """)

  @Argument(help: "Only keys that begin so.")
  var prefix = ""

  @Option(help: ArgumentHelp("At most so many. [100]", valueName: "n"))
  var limit: UInt64?

  @Option(help: ArgumentHelp("Only keys behind this one.", valueName: "key"))
  var startAfter: String?

  @Flag(help: "All keys, however many.")
  var all = false

  @OptionGroup var client: ClientOptions

  /// Keys that are asked for at a time: a page takes the hub a moment, not longer.
  private static let pageKeys: UInt64 = 1_000

  func validate() throws {
    if all, limit != nil { throw ValidationError("--all and --limit exclude each other") }
    if limit == 0 { throw ValidationError("--limit is at least 1") }
  }

  func run() throws {
    let session = try Session(client)
    var reply = HubReply()
    var rest = all ? .max : limit ?? 100
    var last = startAfter
    var more = true
    while more, rest > 0, !session.output.isClosed {
      let wanted = min(rest, List.pageKeys)
      try ask(for: wanted, after: last, session, &reply)
      let (count, lastOfPage) = try printPage(reply, session)
      more = try reply.requiredFlag("more", of: reply.result)
      guard count <= wanted, !more || count > 0 else {
        throw Failure(
          .unavailable, "the hub answered with a page of \(count) keys where up to \(wanted) were asked for")
      }
      rest -= count
      last = lastOfPage ?? last
      session.output.flush()
    }
    try session.finish()
    if more, !session.output.isClosed, let last {
      StandardError.say("mfh", DisplayText.line("there are more keys: --all, or --start-after '\(last)'"))
    }
  }

  private func ask(
    for count: UInt64, after last: String?, _ session: Session, _ reply: inout HubReply
  ) throws(Failure) {
    var request = session.request("list_keys")
    request.add("prefix", prefix)
    request.add("limit", count)
    if let last { request.add("start_after", last) }
    try session.perform(request, reply: &reply)
  }

  /// Returns how many keys the page has, and the last one.
  private func printPage(_ reply: borrowing HubReply, _ session: Session) throws(Failure) -> (UInt64, String?) {
    let keys = try reply.required("keys", of: reply.result)
    guard reply.tape.kind(keys) == .array else { return (0, nil) }
    let output = session.output
    var lastKey: Int?
    var key = reply.tape.firstChild(keys)
    for _ in 0..<reply.tape.count(keys) {
      if client.format == .json {
        output.buffer.append("{\"key\":")
        if output.isTerminal {
          DisplayText.appendJSON(reply.json(key), to: &output.buffer)
        } else {
          output.buffer.append(reply.json(key))
        }
        output.buffer.append("}")
      } else if output.isTerminal {
        output.buffer.append(text: DisplayText.line(reply.string(key)))
      } else {
        // A key has no control characters: one line is one key, and nothing else can tell it from another.
        reply.tape.appendString(key, in: reply.text.bytes, to: &output.buffer)
      }
      output.buffer.append("\n")
      lastKey = key
      key = reply.tape.after(key)
    }
    return (UInt64(reply.tape.count(keys)), lastKey.map { reply.string($0) })
  }
}
