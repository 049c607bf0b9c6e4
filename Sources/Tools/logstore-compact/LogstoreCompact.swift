/// `logstore-compact DIR`: packs the sealed segments of a store that no hub has open. CONTRACT: "Programs".
internal import ArgumentParser
internal import LogStore
internal import Programs
internal import ToolSupport

@main
struct LogstoreCompact: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "logstore-compact",
    abstract: "Packs the sealed segments of a store.",
    discussion: """
      The records stay what they are, and where they are; they take a fraction of the room. With --retention, events \
      that later ones of their key have superseded are let go, but for their place in the history tree. A running hub \
      does both by itself: mfh compact, storage.retention. The store is opened as the hub opens it, so after a crash it is recovered first. \
      Interrupted, it leaves a store that opens; the next run goes on. What a retention has let go can not be had back: \
      look with --dry-run first.

      Exit codes: 0 done, 64 usage, 65 damaged, 66 no store there, 74 I/O error, 75 a hub has the store open, \
      77 not permitted.

      Examples:
        logstore-compact mfh-data --dry-run
        logstore-compact mfh-data
        logstore-compact mfh-data --retention versions:10 --dry-run
        logstore-compact mfh-data --retention 90d --format json
      """,
    version: "logstore-compact \(Version.number)")

  @Argument(help: "The store: the directory that mfh-server has as --data-dir.")
  var directory: String

  @Option(
    help: ArgumentHelp(
      "Let go what is older than this keeps, as storage.retention says it: 90d, or versions:10. [forever]",
      valueName: "policy"))
  var retention: String?

  @Flag(name: .customLong("dry-run"), help: "Say what would be packed and let go, and change nothing.")
  var isDryRun = false

  @Option(help: "table, or json: one object a line.")
  var format = OutputFormat.table

  private var policy: RetentionPolicy { retention.flatMap { RetentionPolicy($0) } ?? .forever }

  func validate() throws {
    if let retention, RetentionPolicy(retention) == nil {
      throw ValidationError("--retention is \(RetentionPolicy.expectation)")
    }
  }

  func run() throws {
    let job = CompactJob(directory: directory, policy: policy, isDryRun: isDryRun, format: format)
    throw ExitCode(job.run().rawValue)
  }
}

extension LogstoreCompact {
  static func main() { runAsProgram() }
}
