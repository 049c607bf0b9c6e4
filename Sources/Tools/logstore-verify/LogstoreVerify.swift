/// `logstore-verify DIR`: checks all of a store and computes its state checksum anew. CONTRACT: "Programs".
internal import ArgumentParser
internal import HistoryTree
internal import Programs
internal import ToolSupport

@main
struct LogstoreVerify: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "logstore-verify",
    abstract: "Checks a store: every checksum, every record, the snapshots against the log.",
    discussion: """
      Reads a store that is in use, closed, crashed, copied or damaged, and never changes it. The state checksum is \
      computed from the stored items; it is what the hub's "checksum" action tells at the same revision.

      Exit codes: 0 sound, 64 usage, 65 damaged (what and where is on standard error), 66 no store there, 74 I/O error, \
      77 not permitted.

      Examples:
        logstore-verify mfh-data
        logstore-verify mfh-data --head heads.txt --public-key "$(cat hub.pub)"
        logstore-verify mfh-data --format json | jq -r .checksum
      """,
    version: "logstore-verify \(Version.number)")

  @Argument(help: "The store's directory (the server's --data-dir).")
  var directory: String

  @Option(help: "How to print: table (for people) or json (one object).")
  var format = OutputFormat.table

  @Option(
    help: ArgumentHelp("Heads that were kept elsewhere (mfh head --save); may be given again.", valueName: "file"))
  var head: [String] = []

  @Option(help: ArgumentHelp("What heads must be signed with: the line that mfh keys head prints.", valueName: "key"))
  var publicKey: String?

  @Flag(name: .shortAndLong, help: "Also say on standard error what is no damage, such as an unfinished commit.")
  var verbose = false

  mutating func validate() throws {
    if let publicKey, VerifierKey(text: publicKey) == nil {
      throw ValidationError("--public-key takes the line that mfh keys head prints")
    }
    if directory.isEmpty { throw ValidationError("DIR is empty: name the store's directory.") }
  }

  func run() throws {
    let key = publicKey.flatMap { VerifierKey(text: $0) }
    let job = VerifyJob(
      directory: directory, format: format, isVerbose: verbose, headFiles: head, publicKey: key)
    throw ExitCode(job.run().rawValue)
  }
}
