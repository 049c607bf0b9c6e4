/// A real `mfh-server` in a directory of its own, on a free port. It ends with the test.
internal import Foundation

package final class RunningServer {
  /// Where ZeroMQ clients reach it.
  package let address: String
  package let dataDirectory: String
  private let scratch: ScratchDirectory
  private let process = Process()

  /// - Parameters:
  ///   - arguments: flags beside the data directory and the ports.
  ///   - environment: added to the environment.
  package init(_ arguments: [String] = [], environment: [String: String] = [:]) throws {
    scratch = try ScratchDirectory.made()
    dataDirectory = scratch.path + "/data"
    let log = scratch.path + "/log"
    try scratch.write([], to: log)
    let ready = Pipe()
    process.executableURL = ProgramRun.executable("mfh-server")
    process.arguments =
      ["--data-dir", dataDirectory, "--zmq-port", "auto", "--grpc-port", "0", "--metrics-port", "0"] + arguments
    process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = ready
    process.standardError = try FileHandle(forWritingTo: URL(fileURLWithPath: log))
    try process.run()
    var line = ""
    while !line.hasSuffix("\n") {
      let piece = ready.fileHandleForReading.availableData
      guard !piece.isEmpty else {
        process.waitUntilExit()
        let said = String(decoding: try scratch.read(log), as: UTF8.self)
        throw ProgramRun.Problem(description: "mfh-server ended with \(process.terminationStatus): \(said)")
      }
      line += String(decoding: piece, as: UTF8.self)
    }
    guard let word = line.split(whereSeparator: \.isWhitespace).first(where: { $0.hasPrefix("zmq=tcp://") }) else {
      process.terminate()
      throw ProgramRun.Problem(description: "mfh-server does not say where it listens: \(line)")
    }
    address = String(word.dropFirst(4))
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
