/// `mfh watch`.
internal import ArgumentParser
internal import Glibc
internal import HubClient
internal import Programs
internal import ToolSupport

struct Watch: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "watch",
    abstract: "Shows events as they happen, until you stop it.",
    usage: "mfh watch [<options>]",
    discussion: """
      Begins with what comes next, or earlier with --from-revision or --since. When the hub is away, mfh waits for it \
      and goes on behind the last event that it showed: none is left out, none comes twice. Ctrl-C, SIGTERM and a \
      reader that goes away end it with exit code 0.

      Examples:
        mfh watch
        mfh watch --prefix tasks/ --format json | while read -r event; do …; done
        mfh watch --from-revision 0 | grep DELETE

      A script that must not miss anything keeps the last sequence_number and begins again with --from-revision, one \
      higher. Exit code 66 when the log has that revision no more.
      """)

  @Option(help: "Only events of keys that begin so.")
  var prefix = ""

  @Option(help: ArgumentHelp("Begin with this revision; 0 for the oldest. [what comes next]", valueName: "n"))
  var fromRevision: UInt64?

  @Option(help: ArgumentHelp("Begin with the first event of this time or later.", valueName: "time"))
  var since: String?

  @OptionGroup var client: ClientOptions

  /// How long one request waits: in between it is noticed that nobody reads any more.
  private static let waitMilliseconds: UInt64 = 5_000
  private static let pauseMilliseconds: UInt32 = 200
  private static let longestPauseMilliseconds: UInt32 = 2_000

  func validate() throws {
    if since != nil, fromRevision != nil { throw ValidationError("--since and --from-revision exclude each other") }
  }

  func run() throws {
    StopWindow.hold()
    let session = try Session(client)
    let start = since.map { FeedStart.time($0) } ?? fromRevision.map { .revision($0) } ?? .now
    var feed = EventFeed(session, prefix: prefix, from: start)
    var printer = EventPrinter(session)
    var epoch: UInt64?
    var pause: UInt32 = 0
    while !session.output.isClosed, !session.output.isAbandoned {
      var reply = HubReply()
      do throws(Failure) {
        let page = try StopWindow.whileOpen { () throws(Failure) in
          // The first answer tells where now is; and a hub that is not there from the start is an error.
          try feed.read(waitMilliseconds: epoch == nil ? 0 : Watch.waitMilliseconds, reply: &reply)
        }
        if pause > 0 { StandardError.say("mfh", "\(session.address) is back") }
        pause = 0
        if let epoch, page.epoch != epoch { Watch.tellEpoch(from: epoch, to: page.epoch, page) }
        epoch = page.epoch
        page.forEach(in: reply) { printer.print($0, of: reply) }
        if page.count > 0 { printer.flush() }
      } catch {
        guard error.mayPass, epoch != nil else { throw error }
        if pause == 0 { StandardError.say("mfh", DisplayText.line("\(error.message); trying again")) }
        pause = min(pause * 2 + Watch.pauseMilliseconds, Watch.longestPauseMilliseconds)
        StopWindow.whileOpen { _ = usleep(pause * 1_000) }
      }
    }
    try session.finish()
  }

  /// In the weaker durability modes a crash can take back what was shown.
  private static func tellEpoch(from old: UInt64, to new: UInt64, _ page: FeedPage) {
    StandardError.say(
      "mfh",
      "the hub's epoch went from \(old) to \(new): after a crash or a salvage the newest events before it may be "
        + "void; it is at revision \(page.revision) now")
  }
}
