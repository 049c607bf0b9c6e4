/// A real `mfh-server` in a directory of its own, on a free port. It ends with the test.
internal import Foundation

package final class RunningServer {
  /// Where ZeroMQ clients reach it.
  package let address: String
  package let dataDirectory: String
  private let scratch: ScratchDirectory
  private let process: Process

  /// - Parameters:
  ///   - arguments: flags beside the data directory and the ports.
  ///   - environment: added to the environment.
  package init(_ arguments: [String] = [], environment: [String: String] = [:]) throws {
    scratch = try ScratchDirectory.made()
    dataDirectory = scratch.path + "/data"
    let launch = try ServerLaunch(
      ProgramRun.executable("mfh-server"), ["--data-dir", dataDirectory, "--zmq-port", "auto"] + arguments,
      environment: environment,
      log: scratch.path + "/log")
    process = launch.process
    address = launch.address
  }

  deinit { stop() }

  /// Stops it in good order; returns its exit code.
  @discardableResult
  package func stop() -> Int32 {
    if process.isRunning { process.terminate() }
    process.waitUntilExit()
    return process.terminationStatus
  }

  /// Its process, for signals.
  package var processID: Int32 { process.processIdentifier }
}
