/// The hub's executable: reads flags, settles the configuration, and hands over to the server.
internal import ArgumentParser
internal import GRPCEdge
internal import Glibc
internal import HTTPEdge
internal import Programs
internal import Server

@main
enum Main {
  static func main() {
    do {
      var command = try MFHServer.parseAsRoot()
      try command.run()
    } catch {
      if let error = error as? ConfigurationError { fail(error.message, ExitCode(error.exitCode)) }
      let code = MFHServer.exitCode(for: error)
      guard code == .success else { fail(MFHServer.message(for: error), code) }
      // A stop in good order has nothing to say: standard output is for the line that the hub is ready.
      let text = MFHServer.fullMessage(for: error)
      if !text.isEmpty { print(text) }
    }
  }

  /// One line: what, where, and what to do.
  private static func fail(_ message: String, _ code: ExitCode) -> Never {
    if !message.isEmpty { StandardError.say("mfh-server", message) }
    exit(code.rawValue)
  }
}

struct MFHServer: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "mfh-server",
    abstract: "Memory Fusion Hub: one shared, durable memory for a fleet of agents.",
    discussion: """
      A flag wins over the environment, the environment over the file, the file over the default. Once ready, one \
      line on standard output names every address. SIGTERM stops in good order. MFH_KEY_FILE names the \
      keys that requests have to bear (see mfh keys), MFH_API_KEY is one key for everything; an address that others can \
      reach is refused without either. MFH_CURVE_KEY_FILE encrypts.

      Exit codes: 0 done, 64 usage, 65 damaged data, 66 no such configuration file, 69 unavailable, 73 cannot create, \
      74 I/O error, 75 store is locked by another process, 77 not permitted, 78 bad configuration.
      """,
    version: "mfh-server \(Version.number)")

  @Option(help: ArgumentHelp("Configuration file in YAML. [MFH_CONFIG; default: none]", valueName: "file"))
  var config: String?

  @Option(help: ArgumentHelp("Directory of the store. [MFH_DATA_DIR; default: ./mfh-data]", valueName: "dir"))
  var dataDir: String?

  @Option(help: ArgumentHelp("Address to listen on. [MFH_BIND; default: 127.0.0.1]", valueName: "addr"))
  var bind: String?

  @Option(
    help: ArgumentHelp(
      "Port for ZeroMQ; 0 is off, auto takes a free one. [MFH_ZMQ_PORT; default: 5713]", valueName: "n"))
  var zmqPort: String?

  @Option(help: ArgumentHelp("Port for gRPC, likewise. [MFH_GRPC_PORT; default: 5714]", valueName: "n"))
  var grpcPort: String?

  @Option(
    help: ArgumentHelp("Port for HTTP health and metrics, likewise. [MFH_METRICS_PORT; default: 8080]", valueName: "n"))
  var metricsPort: String?

  @Option(
    help: ArgumentHelp(
      "What an acknowledgement means: fsync, interval or none. [MFH_DURABILITY; default: fsync]", valueName: "mode"))
  var durability: String?

  @Option(
    help: ArgumentHelp(
      "trace, debug, info, notice, warning, error or critical. [MFH_LOG_LEVEL; default: info]", valueName: "level"))
  var logLevel: String?

  @Flag(
    help: ArgumentHelp(
      "Open a damaged store with what can be read of it, then run.",
      discussion: """
        The damaged files are moved to quarantine/ in the store's directory, and the log tells which revisions are \
        lost. Look with logstore-dump first; a backup is better. Does nothing to a sound store.
        """))
  var salvage = false

  @Flag(
    help: ArgumentHelp(
      "Begin a new history tree where the stored one does not fit the log.",
      discussion: """
        Look with logstore-verify first. The old heads are kept, and every new one says when the tree was begun. \
        --salvage does the same for what it changes.
        """))
  var newHistoryTree = false

  @Flag(
    help: ArgumentHelp(
      "Print the effective configuration, secrets masked, and exit.",
      discussion: "The files of keys and certificates that it names are read as a start reads them."))
  var checkConfig = false

  private var flags: ServerFlags {
    var flags = ServerFlags()
    flags.config = config
    flags.dataDirectory = dataDir
    flags.bind = bind
    flags.zmqPort = zmqPort
    flags.grpcPort = grpcPort
    flags.metricsPort = metricsPort
    flags.durability = durability
    flags.logLevel = logLevel
    return flags
  }

  func run() throws {
    let effective = try ConfigurationLoader().load(flags)
    let makers = EdgeMakers(
      http: { HTTPListener($0) }, grpc: { GRPCListener($0) },
      checkTLS: { files throws(ListenerError) in try HTTPListener.check(files) })
    if checkConfig {
      print(effective.rendered(), terminator: "")
      try checkFiles(of: effective.configuration, makers: makers)
    } else {
      throw ExitCode(
        Server.run(
          configuration: effective.configuration, salvaging: salvage, beginningNewTree: newHistoryTree,
          makers: makers))
    }
  }
}
