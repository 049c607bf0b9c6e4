/// Starts a real `mfh-server` and waits until it is ready: the process, and where clients reach it.
package import Foundation

package struct ServerLaunch {
  package let process: Process
  /// Where ZeroMQ clients reach it.
  package let address: String

  /// - Parameters:
  ///   - executable: the built one, or one that is broken on purpose.
  ///   - arguments: flags beside the ports of gRPC and HTTP, which are off.
  ///   - environment: added to the environment.
  ///   - log: the file for what it says; it is made anew.
  /// - Throws: `ProgramRun.Problem` with what it has said, when it ends or tells no address.
  package init(
    _ executable: URL, _ arguments: [String], environment: [String: String] = [:], log: String
  ) throws {
    try Data().write(to: URL(fileURLWithPath: log))
    let ready = Pipe()
    process = Process()
    process.executableURL = executable
    process.arguments = arguments + ["--grpc-port", "0", "--metrics-port", "0"]
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
        throw ProgramRun.Problem(
          description: "mfh-server ended with \(process.terminationStatus): \(try ServerLaunch.text(log))")
      }
      line += String(decoding: piece, as: UTF8.self)
    }
    guard let word = line.split(whereSeparator: \.isWhitespace).first(where: { $0.hasPrefix("zmq=tcp://") }) else {
      process.terminate()
      throw ProgramRun.Problem(description: "mfh-server does not say where it listens: \(line)")
    }
    address = String(word.dropFirst(4))
  }

  package static func text(_ log: String) throws -> String { try String(contentsOfFile: log, encoding: .utf8) }
}
