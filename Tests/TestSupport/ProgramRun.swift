/// Runs a built program as a user does, and takes its output apart.
package import Foundation

package struct ProgramRun {
  package let status: Int32
  package let output: String
  package let errors: String

  package struct Problem: Error, CustomStringConvertible {
    package let description: String

    package init(description: String) { self.description = description }
  }

  /// The tests' executable and the programs lie in the same directory.
  package static func executable(_ program: String) -> URL {
    URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
      .appendingPathComponent(program)
  }

  /// - Parameters:
  ///   - input: what standard input holds; nothing by default.
  ///   - environment: added to the environment; an empty value takes a variable away.
  package init(
    _ program: String, _ arguments: [String], input: [UInt8] = [], environment: [String: String] = [:]
  ) throws {
    let scratch = try ScratchDirectory.made()
    // Files, not pipes: a full pipe would stop the program while the other one is being read.
    func file(_ name: String, _ bytes: [UInt8] = []) throws -> URL {
      try scratch.write(bytes, to: scratch.path + "/" + name)
      return URL(fileURLWithPath: scratch.path + "/" + name)
    }
    let outputFile = try file("out")
    let errorFile = try file("err")
    let process = Process()
    process.executableURL = ProgramRun.executable(program)
    process.arguments = arguments
    process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }.filter { !$0.value.isEmpty }
    process.standardInput = try FileHandle(forReadingFrom: file("in", input))
    process.standardOutput = try FileHandle(forWritingTo: outputFile)
    process.standardError = try FileHandle(forWritingTo: errorFile)
    try process.run()
    process.waitUntilExit()
    guard process.terminationReason == .exit else {
      throw Problem(description: "\(program) was ended by signal \(process.terminationStatus)")
    }
    status = process.terminationStatus
    output = String(decoding: try scratch.read(outputFile.path), as: UTF8.self)
    errors = String(decoding: try scratch.read(errorFile.path), as: UTF8.self)
  }

  package var lines: [String] { output.split(separator: "\n").map(String.init) }
  package var errorLines: [String] { errors.split(separator: "\n").map(String.init) }

  /// Each line as a JSON object.
  package func objects() throws -> [[String: Any]] {
    try lines.map { line in
      guard let object = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any] else {
        throw Problem(description: "a line is no object: \(line)")
      }
      return object
    }
  }
}
