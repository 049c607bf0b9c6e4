/// One hub from start to stop: store, state, socket and loop, in the order in which they come up and go down.
internal import Access
internal import Evidence
internal import Glibc
internal import HistoryTree
package import Hub
package import LogStore
package import Logging
package import Programs
internal import Threads
internal import ZeroMQ

/// What a hub needs to know; the configuration is turned into this.
package struct HubServiceOptions: Sendable {
  package var dataDirectory: String
  /// In numbers, IPv6 without brackets.
  package var bindAddress: String
  /// nil: the listener is off; 0: any free port.
  package var zeroMQPort: UInt16?
  /// Likewise.
  package var grpcPort: UInt16?
  package var httpPort: UInt16?
  package var edges = EdgeSettings()
  package var log = LogOptions()
  package var limits = HubLimits()
  package var apiKey: Secret?
  /// Requests of all clients together that may wait for replies; more are answered `overloaded`.
  package var requestsMax = 4_096 + 16_384
  /// The file with the keys of clients; nil when there are none.
  package var keyFile: String?
  /// The file of the hub's CURVE key; nil: ZeroMQ is not encrypted.
  package var curveKeyFile: String?
  /// Whether ZeroMQ clients may choose their routing ids.
  package var allowsRoutingIDs = true
  /// Whether the listeners can be reached from other machines.
  package var isReachable = false
  /// How much one agent may ask for.
  package var agentLimits = AgentLimitOptions()
  /// The file of the key that signs heads; nil: they are not signed.
  package var headKeyFile: String?
  /// How reads are recorded; nil: they are not.
  package var readAudit: ReadAuditOptions?
  /// A request that takes as long has a line in the log; 0: none has.
  package var slowRequestMilliseconds = 0
  /// Where the stored history tree does not fit the log, it is given up and begun anew.
  package var beginsNewTree = false

  package init(dataDirectory: String, bindAddress: String, zeroMQPort: UInt16?) {
    self.dataDirectory = dataDirectory
    self.bindAddress = bindAddress
    self.zeroMQPort = zeroMQPort
  }
}

/// Where a hub that is ready can be reached; empty for a listener that is off.
package struct ReadyAddresses: Sendable, Equatable {
  package var zeroMQ = ""
  package var grpc = ""
  package var http = ""

  /// The line for standard output. CONTRACT: section 1.
  package var line: String {
    [("zmq", zeroMQ), ("grpc", grpc), ("http", http)].reduce("ready") {
      $1.1.isEmpty ? $0 : "\($0) \($1.0)=\($1.1)"
    }
  }
}

package struct HubService {
  private let options: HubServiceOptions
  private let logger: Logger
  private let makers: EdgeMakers

  /// - Parameter makers: make the transports beside ZeroMQ; those that are missing stay off.
  package init(options: HubServiceOptions, logger: Logger, makers: EdgeMakers = EdgeMakers()) {
    self.options = options
    self.logger = logger
    self.makers = makers
  }

  /// Runs until SIGTERM or SIGINT.
  ///
  /// - Parameter onReady: is given the addresses of the listeners once requests are answered.
  /// - Returns: how the process is to end; the reason was logged.
  package func run(onReady: (ReadyAddresses) -> Void) -> ExitStatus {
    Allocator.giveBackWhatIsLarge()
    let wakeUp = WakeUp()
    let stopFlag = StopFlag(waking: wakeUp)
    StopListener.start(stopFlag)
    FileLimit.raise()
    CoreDump.forbid()
    let manager = ServiceManager(.process, logger: logger)
    manager.opening(options.dataDirectory)
    // Before there is a listener: each knows from its first request on which keys were revoked.
    let keys: HubKeys
    do { keys = try HubKeys(options) } catch { return report(error) }
    let edges = Edges(options, keys.clients, makers, logger, waking: wakeUp)
    defer { edges.end() }
    do {
      let access = makeAccess(keys)
      for warning in options.warnings { logger.problem(.warning, .configuration, "\(warning)") }
      // Who asks is answered while the store is opened, however long that takes.
      edges.startHTTP()
      edges.lifecycle.enter(.opening)
      let storage = try PosixStorage(path: options.dataDirectory, creating: true)
      let log = try RecordLog(storage, options: options.log, now: SystemClock().now()) { wakeUp.signal() }
      defer { log.abandon() }
      if let problem = edges.problem {
        try log.close()
        throw problem
      }
      edges.lifecycle.enter(.replaying)
      let hub = try MemoryHub(log: log, limits: options.limits, clock: SystemClock())
      logOpened(log, hub)
      let processor = makeProcessor(hub, access)
      processor.reads = options.readAudit.map { ReadAuditWriter(storage, store: log.status.store, options: $0) }
      defer { processor.reads?.close() }
      let tree = startTree(storage, log, keys.head, processor, wakeUp)
      defer { tree.end() }
      do {
        try serve(processor, edges, keys.curve, wakeUp, stopFlag, manager, onReady)
      } catch let error as ListenerError {
        // Nothing was written: the store is left as one that was closed in good order.
        try log.close()
        throw error
      }
      try hub.close()
      tree.end(through: log.durableEnd)
      processor.log.tree(tree.keeper.status)
      processor.log.snapshotEnded(hub.snapshots)
      if let problem = log.closingProblem {
        logger.problem(.warning, .storage, "the manifest is not up to date: \(problem.description)")
      }
      logger.info("stopped", metadata: ["revision": "\(hub.state.revision)"])
      return .done
    } catch {
      return report(error)
    }
  }

  /// Says why the hub ends, and with which exit code.
  private func report(_ error: any Error) -> ExitStatus {
    switch error {
    case let error as ConfigurationError:
      logger.problem(.critical, .configuration, "\(error.message)")
      return .badConfiguration
    case let error as LogError: return report(error)
    case let error as StorageError: return report(error)
    case let error as ListenerError:
      logger.problem(.critical, error.isConfiguration ? .configuration : .network, "\(error.message)")
      if error.isConfiguration { return .badConfiguration }
      return error.isNotPermitted ? .notPermitted : .unavailable
    default:
      logger.problem(.critical, .network, "\(error)")
      return .unavailable
    }
  }

  private func startTree(
    _ storage: PosixStorage, _ log: RecordLog, _ key: SignerKey?, _ processor: RequestProcessor, _ wakeUp: WakeUp
  ) -> RunningTree {
    var treeOptions = TreeOptions()
    treeOptions.key = key
    // What a salvage has made of the log can not be what the heads before it speak of.
    treeOptions.beginsAnew = options.beginsNewTree || log.recovery.salvage != nil
    let keeper = TreeKeeper(
      storage, options: treeOptions, log: log.durableEnd, now: { SystemClock().now() },
      onOutcome: { wakeUp.signal() })
    processor.tree = keeper
    processor.service.headKey = key?.verifier.description
    return RunningTree(keeper)
  }

  private func makeProcessor(_ hub: MemoryHub, _ access: AccessControl?) -> RequestProcessor {
    let processor = RequestProcessor(
      hub: hub, service: ServiceInfo(durability: durabilityText), access: access,
      log: RequestLog(logger: logger, slowMilliseconds: options.slowRequestMilliseconds))
    if options.agentLimits.areOn { processor.agents = AgentLimits(options.agentLimits) }
    processor.service.dataDirectory = DirectoryPath.absolute(options.dataDirectory)
    return processor
  }

  /// Who is asked for keys, and which; nil when nobody is.
  private func makeAccess(_ keys: HubKeys) -> AccessControl? {
    guard options.apiKey != nil || options.keyFile != nil else { return nil }
    let access = AccessControl(singleKey: options.apiKey, keys: keys.clients)
    logger.info(
      "clients are asked for keys",
      metadata: [
        "keys": "\(access.tokenCount)", "curve_keys": "\(access.curveKeyCount)",
        "certificates": "\(access.certificateCount)",
        "encryption": "\(keys.curve == nil ? "none" : "curve")",
        "public_key": "\(keys.curve?.publicKey.description ?? "")",
      ])
    return access
  }

  private func serve(
    _ processor: RequestProcessor, _ edges: Edges, _ curveKey: CurveKeyPair?, _ wakeUp: WakeUp, _ stopFlag: StopFlag,
    _ manager: ServiceManager,
    _ onReady: (ReadyAddresses) -> Void
  ) throws {
    // libzmq does not report this while it starts: it ends the process.
    guard FileLimit.hasRoom(for: Listener.filesMin) else { throw ListenerError.tooFewFiles }
    let context = try Context()
    let zap = try curveKey.map { _ in try ZapHandler(in: context) }
    let socket = try Listener.socket(in: context, limits: options.limits, curveKey: curveKey)
    let monitor = try SocketMonitor(socket)
    let endpoint = try options.zeroMQPort.map { port throws(ListenerError) in
      try Listener.bind(socket, host: BindAddress.inURL(options.bindAddress), port: port)
    }
    processor.service.endpoint = endpoint ?? ""
    let loop = RequestLoop(
      socket: socket, zap: zap, wakeUp: wakeUp, stopFlag: stopFlag, processor: processor,
      requestsMax: options.requestsMax, gate: edges.gate, monitor: monitor)
    loop.allowsRoutingIDs = options.allowsRoutingIDs
    loop.onTurn = { manager.turned { processor.statusLine } }
    defer { edges.gate.close() }
    edges.gate.open()
    try edges.startGRPC()
    edges.lifecycle.enter(.serving)
    onReady(ReadyAddresses(zeroMQ: endpoint ?? "", grpc: edges.grpcAddress, http: edges.httpAddress))
    manager.ready(processor.statusLine)
    try loop.run()
    manager.stopping()
    logger.info("stopping: answering what was accepted")
    edges.beginStop()
    // The listener stays: zmq_unbind would end the connections that it has accepted, and their replies with them.
    try loop.finish()
    edges.endGRPC()
    // Replies that libzmq still holds go out within this time.
    try socket.set(.linger, 2_000)
  }

  private var durabilityText: StaticString {
    switch options.log.durability {
    case .fsync: "fsync"
    case .interval: "interval"
    case .none: "none"
    }
  }

  private func logOpened(_ log: RecordLog, _ hub: MemoryHub) {
    logger.info(
      "store opened",
      metadata: [
        "directory": "\(options.dataDirectory)", "how": "\(log.recovery.kind)", "revision": "\(hub.state.revision)",
        "keys": "\(hub.state.keyCount)", "epoch": "\(log.epoch)", "torn_tail_cut": "\(log.recovery.tornBytesCut)",
        "checksum": "\(hub.state.checksum.text)",
        "snapshot_revision": "\(hub.snapshots.revision?.description ?? "none")",
        "log_bytes_read": "\(hub.snapshots.replayedBytes)",
      ])
    logSalvage(log.recovery)
    for warning in log.recovery.warnings { logger.problem(.warning, .storage, "\(warning)") }
    for problem in hub.snapshots.unusable {
      logger.problem(.warning, .storage, "a snapshot is not used: \(problem.description)")
    }
  }

  private func logSalvage(_ recovery: RecoveryReport) {
    guard let salvage = recovery.salvage else {
      if options.log.salvages { logger.info("nothing to salvage: the store is sound") }
      return
    }
    for issue in salvage.issues.prefix(HubService.issuesMax) {
      logger.problem(.warning, .storage, "salvaged: \(issue)")
    }
    logger.problem(
      .warning, .storage,
      """
      the store was salvaged; the damaged files are in \(options.dataDirectory)/\(salvage.quarantine). A key whose \
      newest version was lost shows an older one, or none
      """,
      [
        "revisions_lost": "\(salvage.lostRevisions)", "lost": "\(salvage.lost.isEmpty ? "none" : salvage.lostText)",
        "quarantine": "\(salvage.quarantine)", "epoch": "\(salvage.epoch)",
      ])
  }

  private static let issuesMax = 20

  /// Says all that is wrong with a store that was refused, and what can be done; the last line has it in short.
  private func reportDamage(_ error: LogError) {
    let look = "look with `logstore-dump \(options.dataDirectory)`"
    let advice =
      "\(look), then restore a backup, or start with `mfh-server --salvage --data-dir \(options.dataDirectory)` to open what can be read"
    guard let storage = try? PosixStorage(path: options.dataDirectory, creating: false),
      let damage = try? DamageReport(storage)
    else {
      logger.problem(
        .critical, .storage, "\(options.dataDirectory): \(error.description). Nothing was changed; \(advice)")
      return
    }
    for issue in damage.issues.prefix(HubService.issuesMax) {
      logger.problem(.error, .storage, "\(issue)")
    }
    if damage.issues.count > HubService.issuesMax {
      logger.problem(.error, .storage, "and \(damage.issues.count - HubService.issuesMax) more places")
    }
    logger.problem(
      .critical, .storage,
      "\(options.dataDirectory): \(error.description); \(damage.lostText). Nothing was changed; \(advice)")
  }

  /// The directory itself can not be made or opened.
  private func report(_ failure: StorageError) -> ExitStatus {
    logger.problem(.critical, .storage, "\(LogError(failure).description)")
    if failure.isForWantOfSpace { return .inputOutput }
    return isDenied(failure.errno) ? .notPermitted : .canNotCreate
  }

  private func report(_ error: LogError) -> ExitStatus {
    if error.code == .damaged {
      reportDamage(error)
    } else {
      logger.problem(.critical, .storage, "\(options.dataDirectory): \(error.description)")
    }
    if let number = error.systemError, isDenied(number) { return .notPermitted }
    return switch error.code {
    case .damaged: .damaged
    case .unsupported: .damaged
    case .locked: .locked
    case .notFound: .noInput
    case .notAStore: .canNotCreate
    case .io, .poisoned, .tooLarge, .noRoom, .busy: .inputOutput
    }
  }

  private func isDenied(_ number: Int32) -> Bool { number == EACCES || number == EPERM }
}

/// The tree's thread, ended once.
private final class RunningTree {
  let keeper: TreeKeeper
  private var thread: NamedThread?

  init(_ keeper: TreeKeeper) {
    self.keeper = keeper
    thread = keeper.start()
  }

  /// Waits until all of the log up to `end` has a head, and the thread has ended.
  func end(through end: DurableEnd? = nil) {
    if let end { keeper.follow(end) }
    keeper.stop()
    thread?.join()
    thread = nil
  }
}
