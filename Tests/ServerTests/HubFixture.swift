/// A hub that runs in this process as it does in the server: store, state, socket and loop on a thread of their own.
import Access
import Evidence
import Foundation
import Hub
import LogStore
import Logging
import Testing
import Threads
import ZeroMQ

@testable import Server

struct FixtureOptions: Sendable {
  var limits = HubLimits()
  var durability = Durability.fsync
  var apiKey: String?
  var keyFile: String?
  var agentLimits = AgentLimitOptions()
  /// The hub's own; with it only clients on the list of the key file are let in.
  var curveKey: CurveKeyPair?
  var allowsRoutingIDs = true
  var requestsMax = 20_480
  var firstSegmentBytes = 8 << 20
  /// A directory that outlives the hub; nil: one of its own.
  var directory: String?
  var logLevel = Logger.Level.critical
  var readAudit: ReadAuditOptions?
  var keepsTree = false
  var slowMilliseconds = 0
  var clock: any HubClock = SystemClock()
  /// Where log lines go.
  var logDescriptor: Int32 = 2
}

final class HubFixture {
  let endpoint: String
  let directory: String
  let disk = DiskControl()
  let context: Context
  /// For what does not come through the socket.
  let gate: RequestGate
  private let ownsDirectory: Bool
  private let flag: StopFlag
  private let thread: NamedThread
  private let progress = Monitor(Progress())
  private var isStopped = false

  private struct Progress: Sendable {
    var endpoint: String?
    var problem: String?
  }

  init(_ adjust: (inout FixtureOptions) -> Void = { _ in }) throws {
    var options = FixtureOptions()
    adjust(&options)
    context = try Context()
    ownsDirectory = options.directory == nil
    directory = options.directory ?? (NSTemporaryDirectory() + "/mfh-server-tests-" + UUID().uuidString)
    let wakeUp = WakeUp()
    let flag = StopFlag(waking: wakeUp)
    self.flag = flag
    let gate = RequestGate(waking: wakeUp, callsMax: options.requestsMax)
    self.gate = gate
    let (path, disk, progress) = (directory, disk, progress)
    thread = NamedThread("test-hub") { [options] in
      do {
        try HubFixture.run(options, path, disk, wakeUp, flag, gate) { endpoint in
          progress.with(waking: true) { $0.endpoint = endpoint }
        }
      } catch {
        progress.with(waking: true) { $0.problem = "\(error)" }
      }
    }
    let started = progress.wait { $0.endpoint != nil || $0.problem != nil ? $0 : nil }
    endpoint = try #require(started.endpoint, "the hub starts: \(started.problem ?? "")")
  }

  deinit {
    // A test that failed half-way must not hold up the others.
    disk.letGo()
    stop()
    if ownsDirectory { try? FileManager.default.removeItem(atPath: directory) }
  }

  /// Stops in good order, as SIGTERM does. Gives what went wrong, if anything did.
  @discardableResult
  func stop() -> String? {
    askToStop()
    if !isStopped { thread.join() }
    isStopped = true
    return progress.with { $0.problem }
  }

  func askToStop() { flag.stop() }

  private static func run(
    _ options: FixtureOptions, _ path: String, _ disk: DiskControl, _ wakeUp: WakeUp, _ flag: StopFlag,
    _ gate: RequestGate, _ onReady: (String) -> Void
  ) throws {
    let storage = try ControlledStorage(path, disk)
    let logOptions = LogOptions(
      durability: options.durability, intervalMilliseconds: 5, segmentBytes: 32 << 20,
      firstSegmentBytes: options.firstSegmentBytes)
    let log = try RecordLog(storage, options: logOptions, now: SystemClock().now()) { wakeUp.signal() }
    defer { log.abandon() }
    let hub = try MemoryHub(log: log, limits: options.limits, clock: options.clock)
    let durability: StaticString = options.durability == .fsync ? "fsync" : "interval"
    let logger = Logger(label: "hub") {
      JSONLogHandler(component: $0, level: options.logLevel, descriptor: options.logDescriptor)
    }
    let asksForKeys = options.apiKey != nil || options.keyFile != nil
    let access =
      asksForKeys
      ? AccessControl(singleKey: options.apiKey.map { Secret($0) }, keys: try options.keyFile.map { try KeyWatch($0) })
      : nil
    let processor = RequestProcessor(
      hub: hub, service: ServiceInfo(durability: durability), access: access,
      log: RequestLog(logger: logger, slowMilliseconds: options.slowMilliseconds))
    if options.agentLimits.areOn { processor.agents = AgentLimits(options.agentLimits) }
    processor.reads = options.readAudit.map { ReadAuditWriter(storage, store: log.status.store, options: $0) }
    defer { processor.reads?.close() }
    if options.keepsTree {
      processor.tree = TreeKeeper(
        storage, options: TreeOptions(), log: log.durableEnd, now: { SystemClock().now() },
        onOutcome: { wakeUp.signal() })
    }
    let treeThread = processor.tree?.start()
    defer {
      processor.tree?.stop()
      treeThread?.join()
    }
    let context = try Context()
    let zap = try options.curveKey.map { _ in try ZapHandler(in: context) }
    let socket = try Listener.socket(in: context, limits: options.limits, curveKey: options.curveKey)
    let monitor = try SocketMonitor(socket)
    let endpoint = try Listener.bind(socket, host: "127.0.0.1", port: 0)
    processor.service.endpoint = endpoint
    let loop = RequestLoop(
      socket: socket, zap: zap, wakeUp: wakeUp, stopFlag: flag, processor: processor, requestsMax: options.requestsMax,
      gate: gate, monitor: monitor)
    loop.allowsRoutingIDs = options.allowsRoutingIDs
    gate.open()
    defer { gate.close() }
    onReady(endpoint)
    try loop.run()
    try loop.finish()
    try socket.set(.linger, 2_000)
    hub.submit()
    try log.close()
  }
}
