/// `logstore-dump DIR`: shows what a store's log holds, whatever state the store is in. CONTRACT: "logstore-dump".
internal import ArgumentParser
internal import Programs
internal import ToolSupport

@main
struct LogstoreDump: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "logstore-dump",
    abstract: "Shows the events in a store's log.",
    discussion: """
      Reads a store that is in use, closed, crashed or damaged, and never changes it. Ranges are inclusive; times are \
      RFC 3339, UTC when no zone is given. The whole log is read and checked, whatever is filtered out, so the exit \
      code speaks for the whole store; with --type READ alone the stream of reads is, and the log is not looked at.

      Exit codes: 0 done, 64 usage, 65 damaged (everything readable was printed), 66 no store there, 74 I/O error, \
      77 not permitted.

      Examples:
        logstore-dump mfh-data --key notes/today
        logstore-dump mfh-data --agent Planner --since 2026-11-24T09:00:00Z --format json | jq -r .target_key
        logstore-dump mfh-data --reverse --limit 20
        logstore-dump mfh-data --stats --from-revision 1200
      """,
    version: "logstore-dump \(Version.number)")

  @OptionGroup var options: DumpOptions

  mutating func validate() throws { try options.validate() }

  func run() throws {
    throw ExitCode(DumpJob(options).run().rawValue)
  }
}

extension LogstoreDump {
  static func main() { runAsProgram() }
}
