/// From a checked configuration to a running hub: the one place in which the two meet.
internal import Glibc
internal import Hub
internal import LogStore
internal import Logging
internal import Programs

/// Runs a hub until SIGTERM or SIGINT. Log lines go to standard error; once requests are answered, one line on standard
/// output names every address.
///
/// - Parameters:
///   - salvaging: a damaged store is salvaged first, instead of refused.
///   - beginningNewTree: a stored history tree that does not fit the log is given up, and a new one begun.
///   - makers: make the transports beside ZeroMQ.
/// - Returns: the exit code of the process; the reason was logged.
package func run(
  configuration: ServerConfiguration, salvaging: Bool = false, beginningNewTree: Bool = false, makers: EdgeMakers
) -> Int32 {
  JSONLogHandler.install(level: configuration.logLevel)
  var options = HubServiceOptions(configuration)
  options.log.salvages = salvaging
  options.beginsNewTree = beginningNewTree
  let service = HubService(options: options, logger: Logger(label: "hub"), makers: makers)
  let code = service.run { addresses in
    let line = Array("\(addresses.line)\n".utf8)
    // Not print: its buffer would keep the line from a reader that waits for it.
    _ = write(STDOUT_FILENO, line, line.count)
  }
  return code.rawValue
}

/// Reads the files of keys and certificates that a configuration names, as a start does.
///
/// - Throws: what a start would refuse.
package func checkFiles(of configuration: ServerConfiguration, makers: EdgeMakers) throws(ConfigurationError) {
  let options = HubServiceOptions(configuration)
  _ = try HubKeys(options)
  guard let files = options.edges.tls, options.httpPort != nil || options.grpcPort != nil else { return }
  do throws(ListenerError) {
    try makers.checkTLS?(files)
  } catch {
    throw ConfigurationError(error.message)
  }
}

extension HubServiceOptions {
  init(_ configuration: ServerConfiguration) {
    let storage = configuration.storage
    self.init(
      dataDirectory: storage.dataDirectory, bindAddress: configuration.server.bind,
      zeroMQPort: configuration.server.zmqPort.toBind)
    grpcPort = configuration.server.grpcPort.toBind
    httpPort = configuration.server.metricsPort.toBind
    edges.requestBytes = configuration.limits.requestBytes
    edges.replyBytes = configuration.limits.replyBytes
    edges.threads = configuration.server.maxWorkers
    edges.tls = configuration.security.tls
    log = LogOptions(
      durability: storage.durability, intervalMilliseconds: storage.intervalMilliseconds,
      segmentBytes: storage.segmentBytes)
    log.packsSegments = storage.packsSegments
    log.retention = storage.retention
    limits = configuration.limits
    apiKey = configuration.security.apiKey
    keyFile = configuration.security.keyFile
    curveKeyFile = configuration.security.curveKeyFile
    allowsRoutingIDs = configuration.security.allowRoutingIDs
    isReachable = !BindAddress.isLoopback(configuration.server.bind)
    agentLimits = configuration.resilience.agentLimits
    headKeyFile = configuration.security.headKeyFile
    if configuration.audit.reads { readAudit = ReadAuditOptions(bytesMax: configuration.audit.readsMaxBytes) }
    slowRequestMilliseconds = configuration.slowRequestMilliseconds
    requestsMax = configuration.resilience.bulkheadMaxConcurrent + configuration.resilience.bulkheadMaxQueueSize
  }
}

extension ListenerPort {
  /// nil: nowhere; 0: any free one.
  fileprivate var toBind: UInt16? {
    switch self {
    case .off: nil
    case .automatic: 0
    case .number(let number): number
    }
  }
}
