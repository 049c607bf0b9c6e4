/// `mfh undo`.
internal import ArgumentParser
internal import HubClient
internal import Programs
internal import ToolSupport

struct Undo: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "undo",
    abstract: "Takes back what one agent wrote: with new events, nothing is erased.",
    usage: "mfh undo --agent <id> (--since <time> | --from-revision <n>) [<options>]",
    discussion: """
      Each key that the agent wrote last gets back what it held before the agent's writes of the range: an item is put \
      again, what did not exist is deleted. A key that somebody else has changed since is left alone and listed. What \
      is as it was already is passed over, so that a second run changes nothing.

      First it shows what it would touch. At a terminal it asks before it writes; in a pipe it does not, so look with \
      --dry-run first. It writes in batches; a key that changes between the look and the write is looked at again. Stop \
      the agent first: what it writes meanwhile is for the next run.

      An item whose expiry has passed is not put back: the key is deleted. That an item of the agent expired counts as \
      the agent's doing. The new events bear the name that --as gives, and can be undone in turn.

      Examples:
        mfh undo --agent Planner --from-revision 1200 --dry-run
        mfh undo --agent Planner --since 2026-11-24T09:00:00Z
        mfh undo --agent Planner --from-revision 1200 --format json | jq -r 'select(.did) | .key'

      Exit code 66 when the past of a key is gone from the log, 73 when keys change all the time.
      """)

  @Option(help: ArgumentHelp("Whose writes; '' for those that nobody put a name to.", valueName: "id"))
  var agent: String

  @Option(help: ArgumentHelp("The range begins with this revision.", valueName: "n"))
  var fromRevision: UInt64?

  @Option(help: ArgumentHelp("The range begins with the first event of this time or later.", valueName: "time"))
  var since: String?

  @Option(
    name: .customLong("as"),
    help: ArgumentHelp("Who writes the new events. [MFH_AGENT; mfh-undo, or the key's]", valueName: "id"))
  var author: String?

  @Flag(help: "Show what would be touched; write nothing.")
  var dryRun = false

  @Flag(help: "At a terminal: do not ask.")
  var yes = false

  @OptionGroup var connection: ConnectionOptions

  /// "" for the one whose key it is.
  private var writer: String {
    get throws(Failure) {
      if let given = givenWriter { return given }
      return try connection.belongsToAgent ? "" : Undo.standardWriter
    }
  }

  private var givenWriter: String? { author ?? ClientOptions.agentOfEnvironment }
  private static let standardWriter = "mfh-undo"

  func validate() throws {
    guard (since == nil) != (fromRevision == nil) else {
      throw ValidationError("give either --since or --from-revision: where the range begins")
    }
    let writer = givenWriter ?? Undo.standardWriter
    guard !writer.isEmpty else { throw ValidationError("the new events need a name: --as") }
    guard writer != agent else {
      throw ValidationError(
        "the new events would be \(agent)'s own, and the next undo would take them back: give another name with --as")
    }
  }

  func run() throws {
    let writer = try writer
    let session = try Session(connection, agentID: writer)
    var run = UndoRun(
      session, of: agent, from: since.map { .time($0) } ?? .revision(fromRevision ?? 0), isDryRun: dryRun)
    let keys = try run.plan()
    if !dryRun, !keys.isEmpty {
      guard isAgreed(keys.count, writer, session) else {
        try session.finish()
        return
      }
      try run.write(keys)
    }
    run.end()
    try session.finish()
    if run.isEmpty {
      StandardError.say(
        "mfh", DisplayText.line("\(nothing) at \(session.address): the log ends with revision \(run.revision)"))
    }
    if run.counts.restless > 0 {
      throw Failure(.canNotCreate, "\(run.counts.restless) keys changed each time they were to be undone: run it again")
    }
    if run.counts.unreadable > 0 {
      throw Failure(
        .noInput, "of \(run.counts.unreadable) keys the log has the past no more; they were left as they are")
    }
  }

  private func isAgreed(_ count: Int, _ writer: String, _ session: Session) -> Bool {
    guard !yes, Question.canBeAsked(session) else { return true }
    let name = writer.isEmpty ? "the key's agent" : DisplayText.line(writer)
    return Question.isAgreed("write these \(count) changes as \(name)?")
  }

  /// Names what was looked for and is not there.
  private var nothing: String {
    let start = since ?? "revision \(fromRevision ?? 0)"
    return "no event \(agent.isEmpty ? "without an agent" : "by \(agent)") from \(start) on"
  }
}
