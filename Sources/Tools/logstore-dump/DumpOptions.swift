/// The command line of `logstore-dump`: names, help, and what is refused as a usage error.
internal import ArgumentParser
internal import LogStore
internal import StoreTools
internal import ToolSupport

enum EventType: String, ExpressibleByArgument, CaseIterable {
  case create = "CREATE"
  case update = "UPDATE"
  case delete = "DELETE"
  case expire = "EXPIRE"
  case void = "VOID"
  case read = "READ"

  init?(argument: String) { self.init(rawValue: argument.uppercased()) }

  /// Nil for READ, which is not in the log but in a stream beside it.
  var operation: Operation? {
    switch self {
    case .create: .create
    case .update: .update
    case .delete: .delete
    case .expire: .expire
    case .void: .void
    case .read: nil
    }
  }
}

struct DumpOptions: ParsableArguments {
  @Argument(help: "The store's directory (the server's --data-dir).")
  var directory: String

  @Option(help: "How to print: table (for people) or json (one object a line).")
  var format = OutputFormat.table

  @Option(help: "Only events of this key.")
  var key: String?

  @Option(help: "Only events of keys that begin so.")
  var prefix: String?

  @Option(help: "Only events by this agent; \"\" for those without one.")
  var agent: String?

  @Option(
    help:
      "Only events of this type; may be given more than once. READ: the stream of reads, behind the events of the log.")
  var type: [EventType] = []

  @Option(help: "Only events from this revision on.")
  var fromRevision: UInt64?

  @Option(help: "Only events up to this revision.")
  var toRevision: UInt64?

  @Option(help: ArgumentHelp("Only events from this time on.", valueName: "time"))
  var since: TimeArgument?

  @Option(help: ArgumentHelp("Only events up to this time.", valueName: "time"))
  var until: TimeArgument?

  @Option(help: "At most so many, after all other filters.")
  var limit: Int?

  @Flag(help: "Newest first.")
  var reverse = false

  @Flag(help: "A summary instead of the events.")
  var stats = false

  @Flag(help: "The physical records: segment, offset, sizes, codec, checksum.")
  var records = false

  @Flag(name: .shortAndLong, help: "Also say on standard error what is no damage, such as an unfinished commit.")
  var verbose = false

  /// Whether nothing of the log is wanted.
  var isOfReadsOnly: Bool { !type.isEmpty && type.allSatisfy { $0 == .read } }

  func validate() throws {
    if let limit, limit < 1 { throw ValidationError("--limit is at least 1.") }
    if stats, records || reverse || limit != nil {
      throw ValidationError("--stats can not be combined with --records, --reverse or --limit.")
    }
    if type.contains(.read), stats || records { throw ValidationError("--type READ has no --stats and no --records.") }
    if let key, EventFilter.trimmed(key).isEmpty { throw ValidationError("--key is at least one character.") }
    if directory.isEmpty { throw ValidationError("DIR is empty: name the store's directory.") }
  }
}
