/// The command line of `logstore-replay`: names, help, and what is refused as a usage error.
internal import ArgumentParser
internal import LogStore
internal import StoreTools
internal import ToolSupport

struct ReplayOptions: ParsableArguments {
  @Argument(help: "The directory of the store to read.")
  var source: String

  @Option(help: ArgumentHelp("The directory of the new store: empty, or not there yet.", valueName: "dir"))
  var target: String?

  @Option(help: ArgumentHelp("Up to this revision and with it.", valueName: "revision"))
  var toRevision: UInt64?

  @Option(help: ArgumentHelp("Up to the last event not later than this (RFC 3339).", valueName: "time"))
  var toTime: TimeArgument?

  @Option(
    help: ArgumentHelp(
      "What this agent wrote becomes void: its revisions stay, its values do not count. May be given more than once.",
      valueName: "agent"))
  var excludeAgent: [String] = []

  @Flag(help: "Read and say what would be made; make nothing.")
  var dryRun = false

  @Flag(help: "Of a damaged source take everything that is sound.")
  var salvage = false

  @Option(help: "How to print: table (for people) or json (one object a line).")
  var format = OutputFormat.table

  @Flag(name: .shortAndLong, help: "Also say on standard error what is no damage, such as an unfinished commit.")
  var verbose = false

  func validate() throws {
    if source.isEmpty { throw ValidationError("SOURCE is empty: name the store's directory.") }
    if toRevision != nil, toTime != nil { throw ValidationError("--to-revision or --to-time, not both.") }
    if let toRevision, toRevision >= Layout.revisions.upperBound {
      throw ValidationError("--to-revision is too large for a revision.")
    }
    if excludeAgent.contains("") { throw ValidationError("--exclude-agent is empty: name an agent.") }
    guard let target else {
      if dryRun { return }
      throw ValidationError("--target is missing: name the directory of the new store.")
    }
    if target.isEmpty { throw ValidationError("--target is empty: name the directory of the new store.") }
  }

  func plan(now: Int64) -> ReplayPlan {
    var plan = ReplayPlan(now: now)
    if let toRevision { plan.point = .revision(Revision(toRevision)) }
    if let toTime { plan.point = .time(toTime.microseconds) }
    plan.excludedAgents = excludeAgent
    plan.salvages = salvage
    return plan
  }
}
