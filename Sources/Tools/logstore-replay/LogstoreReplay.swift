/// `logstore-replay SOURCE --target DIR`: point-in-time recovery. CONTRACT: "logstore-replay".
internal import ArgumentParser
internal import Programs
internal import ToolSupport

@main
struct LogstoreReplay: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "logstore-replay",
    abstract: "Makes a new store with the state that another one had at some point.",
    discussion: """
      Reads SOURCE, which may be in use, stopped, crashed or a copy, and never changes it. DIR must be empty or not \
      there; it becomes a store that mfh-server can be started on, with the same revisions, times and agents up to the \
      point, a lineage of its own that names its parent, and a higher epoch. When anything fails nothing is left there; \
      what a killed replay leaves is no store, and the next replay into it clears it away.

      Exit codes: 0 done, 64 usage, 65 the source is damaged (without --salvage nothing was made; with it everything \
      that is sound was), 66 no store there, or no such revision in it, 73 DIR can not be made or is not empty, \
      74 I/O error, 75 another replay works on DIR, 77 not permitted.

      Examples:
        logstore-replay mfh-data --target restored --to-revision 1200
        logstore-replay mfh-data --target restored --to-time 2026-11-24T16:30:00Z
        logstore-replay mfh-data --target restored --exclude-agent rogue --dry-run
      """,
    version: "logstore-replay \(Version.number)")

  @OptionGroup var options: ReplayOptions

  mutating func validate() throws { try options.validate() }

  func run() throws { throw ExitCode(ReplayJob(options).run().rawValue) }
}

extension LogstoreReplay {
  static func main() { runAsProgram() }
}
