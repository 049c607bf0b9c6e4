/// What the hub tells the program that has started it: that it is ready, how it is, that it stops, and again and again that
/// its request loop turns. Without a service manager (`NOTIFY_SOCKET` is not set) it tells nothing.
internal import Glibc
internal import Logging

/// Owned by the thread of the request loop.
final class ServiceManager {
  private let socket: NotifySocket?
  private let logger: Logger
  /// How often the loop has to be heard of; nil when nobody asks for it.
  private let watchdogPeriod: Duration?
  private var nextWatchdog = ContinuousClock.now
  private var nextStatus = ContinuousClock.now
  private var toldStatus = ""
  private var isProblemTold = false

  /// How often the status may change.
  private static let statusPeriod = Duration.seconds(5)

  init(_ environment: EnvironmentVariables, logger: Logger) {
    self.logger = logger
    guard let name = environment["NOTIFY_SOCKET"] else {
      socket = nil
      watchdogPeriod = nil
      return
    }
    watchdogPeriod = ServiceManager.watchdogPeriod(environment)
    do {
      socket = try NotifySocket(name: name)
    } catch {
      // It runs all the same; a unit of Type=notify ends it when its time to start is over.
      logger.problem(.warning, .configuration, "the service manager is told nothing: \(error.message)")
      socket = nil
    }
  }

  /// Half of what `WATCHDOG_USEC` allows, so that one message may be late; nil when it is not meant for this process.
  private static func watchdogPeriod(_ environment: EnvironmentVariables) -> Duration? {
    if let process = environment["WATCHDOG_PID"], process != "\(getpid())" { return nil }
    guard let microseconds = environment["WATCHDOG_USEC"].flatMap({ Int64($0) }), microseconds > 0 else { return nil }
    return .microseconds(microseconds) / 2
  }

  /// The store is being opened: after a crash, or without a snapshot, that takes as long as reading the log.
  func opening(_ directory: String) { send("STATUS=opening the store in \(ServiceManager.line(directory))") }

  func ready(_ status: String) {
    toldStatus = status
    send("READY=1\nSTATUS=\(ServiceManager.line(status))")
  }

  func stopping() { send("STOPPING=1\nSTATUS=answering what was accepted") }

  /// Called on every turn of the request loop: a loop that hangs falls silent, and the manager starts the hub anew.
  func turned(status: () -> String) {
    guard socket != nil else { return }
    let now = ContinuousClock.now
    if let watchdogPeriod, now >= nextWatchdog, send("WATCHDOG=1", waiting: false) {
      nextWatchdog = now + watchdogPeriod
    }
    guard now >= nextStatus else { return }
    nextStatus = now + ServiceManager.statusPeriod
    let text = status()
    guard text != toldStatus else { return }
    if send("STATUS=\(ServiceManager.line(text))", waiting: false) { toldStatus = text }
  }

  /// A message is lines of `NAME=value`.
  private static func line(_ text: String) -> String { PrintableText.of(text) }

  @discardableResult
  private func send(_ message: String, waiting: Bool = true) -> Bool {
    guard let number = socket?.send(message, waiting: waiting), number != 0 else { return socket != nil }
    // A manager that is behind is no problem: what it has not taken in is said again.
    if number != EAGAIN, !isProblemTold {
      isProblemTold = true
      logger.problem(
        .warning, .configuration, "the service manager does not hear: \(String(cString: strerror(number)))")
    }
    return false
  }
}
