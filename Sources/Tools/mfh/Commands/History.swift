/// `mfh history KEY`.
internal import ArgumentParser
internal import HubClient
internal import JSONText
internal import Programs
internal import ToolSupport

struct History: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "history",
    abstract: "Shows everything that happened to a key, newest first: who wrote what, and what was there before.",
    usage: "mfh history <key> [<options>]",
    discussion: """
      Deleted and expired keys have a history too. Long ones come in pages, printed as they arrive. When events are \
      left out, a line on standard error says so. With --format json a line is the event as the hub sent it, with the \
      item (payload) and what it replaced (previous_value).

      Examples:
        mfh history notes/today
        mfh history notes/today --limit 5
        mfh history notes/today --before-revision 1200
        mfh history user/7 --all --format json | jq -r '[.timestamp, .agent_id, .payload.content] | @csv'

      A revision from the list shows the whole item as it was: mfh get <key> --at-revision 1187. Exit code 66 when the \
      key never had an event, or when the log has older ones no more: what it has is printed, and standard error says \
      from which revision on all is there.
      """)

  @Argument(help: "The key.")
  var key: String

  @Option(help: ArgumentHelp("At most so many. [100]", valueName: "n"))
  var limit: UInt64?

  @Option(help: ArgumentHelp("Only events before this revision.", valueName: "n"))
  var beforeRevision: UInt64?

  @Flag(help: "All events, however many.")
  var all = false

  @OptionGroup var client: ClientOptions

  /// Events that are asked for at a time: a page takes the hub a moment, not longer.
  private static let pageEvents: UInt64 = 1_000

  func validate() throws {
    if all, limit != nil { throw ValidationError("--all and --limit exclude each other") }
    if limit == 0 { throw ValidationError("--limit is at least 1") }
  }

  func run() throws {
    let session = try Session(client)
    var printer = EventPrinter(session)
    var reply = HubReply()
    var rest = all ? .max : limit ?? 100
    var before = beforeRevision
    var (more, isEmpty) = (true, true)
    while more, rest > 0, !session.output.isClosed {
      let wanted = min(rest, History.pageEvents)
      do {
        try ask(for: wanted, before: before, session, &reply)
      } catch {
        // What came before is no less true for what is not there.
        if !isEmpty { printer.flush() }
        try session.finish()
        throw isEmpty ? error : error.endingList(of: "what came before revision \(before ?? 0)")
      }
      let (count, last) = try printPage(reply, &printer)
      more = try reply.requiredFlag("more", of: reply.result)
      guard count <= wanted, !more || count > 0 else {
        throw Failure(
          .unavailable, "the hub answered with a page of \(count) events where up to \(wanted) were asked for")
      }
      isEmpty = isEmpty && count == 0
      rest -= count
      before = last ?? before
      session.output.flushIfFull()
    }
    printer.flush()
    try session.finish()
    if isEmpty {
      let place = beforeRevision.map { " before revision \($0)" } ?? ""
      throw Failure(.noInput, "\(key): no event\(place) at \(session.address); mfh list shows what is there")
    }
    if more, !session.output.isClosed, let before {
      StandardError.say("mfh", "there are more events: --all, or --before-revision \(before)")
    }
  }

  private func ask(
    for count: UInt64, before: UInt64?, _ session: Session, _ reply: inout HubReply
  ) throws(Failure) {
    var request = session.request("history")
    request.add("key", key)
    request.add("limit", count)
    if let before { request.add("before_revision", before) }
    try session.perform(request, reply: &reply)
  }

  /// Returns how many events the page has, and the revision of the last one.
  private func printPage(
    _ reply: borrowing HubReply, _ printer: inout EventPrinter
  ) throws(Failure) -> (UInt64, UInt64?) {
    let events = try reply.required("events", of: reply.result)
    guard reply.tape.kind(events) == .array else { return (0, nil) }
    var last: UInt64?
    var event = reply.tape.firstChild(events)
    for _ in 0..<reply.tape.count(events) {
      printer.print(event, of: reply)
      last = try reply.requiredNumber("sequence_number", of: event)
      event = reply.tape.after(event)
    }
    return (UInt64(reply.tape.count(events)), last)
  }
}
