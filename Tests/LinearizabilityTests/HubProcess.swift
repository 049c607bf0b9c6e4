/// An `mfh-server` that is killed and started again, on the same directory and the same port.
import Foundation
import Glibc
import TestSupport

/// Used by one thread.
final class HubProcess {
  /// Where clients reach it: the same after each start.
  private(set) var address = ""
  private let scratch: ScratchDirectory
  private let options: [String]
  private var log: String { scratch.path + "/log" }
  private var process: Process?
  private var port = "auto"

  init(_ options: [String]) throws {
    scratch = try ScratchDirectory.made()
    self.options = options
    // The smallest segments: less to fill with zeros at each start.
    try scratch.write(Array("storage:\n  segment_bytes: 16777216\n".utf8), to: scratch.path + "/mfh.yaml")
    try start()
  }

  deinit { if let process, process.isRunning { Glibc.kill(process.processIdentifier, SIGKILL) } }

  func start() throws {
    let launch = try ServerLaunch(
      HubProcess.executable,
      [
        "--config", scratch.path + "/mfh.yaml", "--data-dir", scratch.path + "/data", "--zmq-port", port, "--log-level",
        "warning",
      ] + options, log: log)
    process = launch.process
    address = launch.address
    port = String(address.split(separator: ":").last ?? "")
  }

  /// A server that is broken on purpose can be put in the place of the built one.
  private static var executable: URL {
    if let given = ProcessInfo.processInfo.environment["MFH_SERVER"] { return URL(fileURLWithPath: given) }
    return ProgramRun.executable("mfh-server")
  }

  /// Ends it as a power button would end a process: at once. It is gone when this returns.
  func kill() throws { try end(SIGKILL, .uncaughtSignal, SIGKILL) }

  /// Ends it in good order.
  func stop() throws { try end(SIGTERM, .exit, 0) }

  private func end(_ signal: Int32, _ reason: Process.TerminationReason, _ status: Int32) throws {
    guard let process else { return }
    Glibc.kill(process.processIdentifier, signal)
    process.waitUntilExit()
    self.process = nil
    guard process.terminationReason == reason, process.terminationStatus == status else {
      throw ProgramRun.Problem(
        description: "mfh-server ended by itself, with \(process.terminationStatus): \(try ServerLaunch.text(log))")
    }
  }
}

/// Nanoseconds of a clock that nobody sets, the same in all threads.
func nanoseconds() -> Int64 {
  var time = timespec()
  clock_gettime(CLOCK_MONOTONIC, &time)
  return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
}
