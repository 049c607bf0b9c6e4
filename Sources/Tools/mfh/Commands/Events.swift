/// `mfh events`.
internal import ArgumentParser
internal import HubClient
internal import JSONText
internal import Programs
internal import ToolSupport

struct Events: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "events",
    abstract: "Shows what happened, oldest first: who wrote what, and what was there before.",
    usage: "mfh events [<options>]",
    discussion: """
      Each event has the next revision: 1, 2, 3 and so on. Long lists come in pages, printed as they arrive. When \
      events are left out, a line on standard error says so. With --format json a line is the event as the hub sent \
      it, with the item (payload) and what it replaced (previous_value).

      Examples:
        mfh events
        mfh events --from-revision 1200 --prefix notes/
        mfh events --since 2026-11-24T09:00:00Z --by Planner --all
        mfh events --all --format json | jq -r .agent_id | sort | uniq -c

      mfh watch shows events as they happen. Exit code 66 when the log has a revision of the range no more: \
      what came before it is printed.
      """)

  @Option(help: ArgumentHelp("Begin with this revision. [the oldest]", valueName: "n"))
  var fromRevision: UInt64?

  @Option(help: ArgumentHelp("Begin with the first event of this time or later.", valueName: "time"))
  var since: String?

  @Option(help: "Only events of keys that begin so.")
  var prefix = ""

  @Option(help: ArgumentHelp("Only what this agent wrote; '' for what nobody put a name to.", valueName: "id"))
  var by: String?

  @Option(help: ArgumentHelp("At most so many. [100]", valueName: "n"))
  var limit: UInt64?

  @Flag(help: "All events, however many.")
  var all = false

  @OptionGroup var client: ClientOptions

  func validate() throws {
    if all, limit != nil { throw ValidationError("--all and --limit exclude each other") }
    if limit == 0 { throw ValidationError("--limit is at least 1") }
    if since != nil, fromRevision != nil { throw ValidationError("--since and --from-revision exclude each other") }
  }

  func run() throws {
    let session = try Session(client)
    var feed = EventFeed(session, prefix: prefix, from: since.map { .time($0) } ?? .revision(fromRevision ?? 0))
    var printer = EventPrinter(session)
    var reply = HubReply()
    var rest = all ? .max : limit ?? 100
    var next: UInt64?
    var (count, end): (UInt64, UInt64) = (0, 0)
    while !session.output.isClosed {
      // With a filter of our own a page may have none that count.
      let page: FeedPage
      do {
        page = try feed.read(
          limit: by == nil ? min(rest, EventFeed.pageEvents) : EventFeed.pageEvents, reply: &reply)
      } catch {
        // What came before is no less true for what is not there.
        if count > 0 { printer.flush() }
        try session.finish()
        throw count > 0 ? error.endingList(of: "what comes from revision \(next ?? 0) on") : error
      }
      next = page.hasMore ? page.next : nil
      end = page.revision
      try page.forEach(in: reply) { (event) throws(Failure) in
        guard rest > 0 else {
          next = min(next ?? .max, try reply.requiredNumber("sequence_number", of: event))
          return
        }
        guard by.map({ $0 == reply.string("agent_id", of: event) ?? "" }) ?? true else { return }
        printer.print(event, of: reply)
        rest -= 1
        count += 1
      }
      session.output.flushIfFull()
      if rest == 0 || !page.hasMore { break }
    }
    printer.flush()
    try session.finish()
    guard !session.output.isClosed else { return }
    if count == 0 {
      StandardError.say("mfh", DisplayText.line("\(nothing) at \(session.address): the log ends with revision \(end)"))
    } else if let next {
      StandardError.say("mfh", "there are more events: --all, or --from-revision \(next)")
    }
  }

  /// Names what was looked for and is not there.
  private var nothing: String {
    var parts = ["no event"]
    if let by { parts.append(by.isEmpty ? "without an agent" : "by \(by)") }
    if !prefix.isEmpty { parts.append("of keys that begin with \(prefix)") }
    if let fromRevision { parts.append("from revision \(fromRevision) on") }
    if let since { parts.append("from \(since) on") }
    return parts.joined(separator: " ")
  }
}
