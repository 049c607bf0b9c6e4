/// One hub from start to stop: store, state, socket and loop, in the order in which they come up and go down.
package import Hub
package import LogStore
package import Logging
package import Programs
internal import Threads
internal import ZeroMQ

/// What a hub needs to know; the configuration is turned into this.
package struct HubServiceOptions: Sendable {
  package var dataDirectory: String
  package var bindAddress: String
  /// nil: the listener is off; 0: any free port.
  package var zeroMQPort: UInt16?
  package var log = LogOptions()
  package var limits = HubLimits()
  package var apiKey: Secret?

  package init(dataDirectory: String, bindAddress: String, zeroMQPort: UInt16?) {
    self.dataDirectory = dataDirectory
    self.bindAddress = bindAddress
    self.zeroMQPort = zeroMQPort
  }
}

package struct HubService {
  private let options: HubServiceOptions
  private let logger: Logger

  package init(options: HubServiceOptions, logger: Logger) {
    self.options = options
    self.logger = logger
  }

  /// Runs until SIGTERM or SIGINT.
  ///
  /// - Parameter onReady: is given the address of the ZeroMQ listener (empty when it is off) once requests are answered.
  /// - Returns: how the process is to end; the reason was logged.
  package func run(onReady: (_ zeroMQ: String) -> Void) -> ExitStatus {
    let wakeUp = WakeUp()
    let signals = StopSignals(wakeUp: wakeUp)
    signals.listen()
    FileLimit.raise()
    do {
      let log = try openLog(wakeUp)
      defer { log.abandon() }
      let hub = try MemoryHub(log: log, limits: options.limits, clock: SystemClock())
      logOpened(log, hub)
      let service = ServiceInfo(durability: durabilityText)
      let processor = RequestProcessor(hub: hub, service: service, apiKey: options.apiKey)
      try serve(processor, wakeUp, signals, onReady)
      hub.submit()
      try log.close()
      logger.info("stopped", metadata: ["revision": "\(hub.state.revision)"])
      return .done
    } catch let error as LogError {
      return report(error)
    } catch let error as StorageError {
      return report(LogError(error))
    } catch {
      logger.critical("\(error)")
      return .unavailable
    }
  }

  private func openLog(_ wakeUp: WakeUp) throws -> RecordLog {
    let storage = try PosixStorage(path: options.dataDirectory, creating: true)
    return try RecordLog(storage, options: options.log, now: SystemClock().now()) { wakeUp.signal() }
  }

  private func serve(
    _ processor: RequestProcessor, _ wakeUp: WakeUp, _ signals: StopSignals, _ onReady: (String) -> Void
  ) throws {
    let context = try Context()
    let socket = try listen(in: context)
    let endpoint = try options.zeroMQPort.map { port throws(ZeroMQError) in
      try socket.bind("tcp://\(options.bindAddress):\(port == 0 ? "*" : String(port))")
    }
    processor.service.endpoint = endpoint ?? ""
    let loop = RequestLoop(socket: socket, wakeUp: wakeUp, signals: signals, processor: processor)
    onReady(endpoint ?? "")
    try loop.run()
    logger.info("stopping: answering what was accepted")
    if let endpoint { try? socket.unbind(endpoint) }
    try loop.finish()
    // Replies that libzmq still holds go out within this time.
    try socket.set(.linger, 2_000)
  }

  /// SECURITY: rows 3 and 4.
  private func listen(in context: Context) throws -> Socket {
    let socket = try Socket(.router, in: context)
    try socket.set(.linger, 0)
    try socket.set(.routerMandatory, 1)
    try socket.set(.routerHandover, 0)
    try socket.set(.handshakeInterval, 5_000)
    try socket.set(.heartbeatInterval, 10_000)
    try socket.set(.heartbeatTimeout, 30_000)
    try socket.set(.backlog, 1_024)
    // Up to twice the request limit is answered with an error, beyond that the connection is closed.
    try socket.setMaxFrameBytes(Int64(options.limits.requestBytes) * 2)
    return socket
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
      ])
    for warning in log.recovery.warnings { logger.warning("\(warning)") }
  }

  private func report(_ error: LogError) -> ExitStatus {
    logger.critical("\(options.dataDirectory): \(error.description)")
    return switch error.code {
    case .damaged: .damaged
    case .unsupported: .damaged
    case .locked: .locked
    case .notFound: .noInput
    case .notAStore: .canNotCreate
    case .io, .poisoned, .tooLarge: .inputOutput
    }
  }
}
