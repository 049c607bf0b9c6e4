/// Runs the built `mfh-server` as an operator does: flags, environment, signals, exit code, what it prints.
import Foundation
import Glibc
import Testing

final class ServerProcess {
  private let process = Process()
  private let output: LogFile
  private let errors: LogFile

  static let executable = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
    .deletingLastPathComponent().appendingPathComponent("mfh-server")

  init(_ arguments: [String], environment: [String: String] = [:]) throws {
    output = try LogFile()
    errors = try LogFile()
    process.executableURL = ServerProcess.executable
    process.arguments = arguments
    // The other listeners have fixed ports unless they are told otherwise, and tests run side by side. The switch of
    // scripts/seeded-bugs reaches the program too; nothing else of the environment does.
    let seeded = ProcessInfo.processInfo.environment.filter { $0.key == "MFH_SEEDED_BUG" }
    process.environment = ["MFH_GRPC_PORT": "0", "MFH_METRICS_PORT": "0"].merging(seeded) { $1 }
      .merging(environment) { $1 }
    process.standardOutput = FileHandle(fileDescriptor: output.descriptor, closeOnDealloc: false)
    process.standardError = FileHandle(fileDescriptor: errors.descriptor, closeOnDealloc: false)
    try process.run()
  }

  deinit { if process.isRunning { kill(process.processIdentifier, SIGKILL) } }

  /// A server on a directory, on a free port, with nothing else switched on.
  static func onFreePort(_ directory: String, _ more: [String] = []) throws -> ServerProcess {
    try ServerProcess(["--data-dir", directory, "--zmq-port", "auto"] + more)
  }

  func outputText() throws -> String { try output.text() }
  func errorLines() throws -> [String] { try errors.lines() }
  func errorObjects() throws -> [[String: Any]] { try errors.objects() }

  /// The line that says it is ready.
  func readyLine() throws -> String {
    try poll("it gets ready") { try output.text().hasSuffix("\n") || !process.isRunning }
    return try output.text()
  }

  /// The address that the line names.
  func endpoint() throws -> String {
    let line = try readyLine()
    let log = try errors.text()
    return String(try #require(line.firstMatch(of: /zmq=(\S+)/), "\(line) \(log)").output.1)
  }

  var processID: Int32 { process.processIdentifier }

  func signal(_ number: Int32) { kill(process.processIdentifier, number) }

  /// Waits for the end; the exit code, or minus the signal that ended it.
  func wait() throws -> Int32 {
    try poll("it ends") { !process.isRunning }
    return process.terminationReason == .exit ? process.terminationStatus : -process.terminationStatus
  }
}

/// A directory that lasts as long as one test.
final class ScratchDirectory {
  let path: String

  init() throws {
    path = "/tmp/mfh-server-tests-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }
}
