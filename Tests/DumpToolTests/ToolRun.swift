/// Runs the built `logstore-dump` as a user does, and takes its output apart.
import Foundation
import Testing

struct ToolRun {
  let status: Int32
  let output: String
  let errors: String

  /// The tests' executable and the tool's lie in the same directory.
  static let executable: URL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
    .deletingLastPathComponent().appendingPathComponent("logstore-dump")

  init(_ arguments: String...) throws { try self.init(arguments) }

  init(_ arguments: [String]) throws {
    let scratch = ScratchDirectory()
    try FileManager.default.createDirectory(atPath: scratch.path, withIntermediateDirectories: true)
    // Files, not pipes: a full pipe would stop the tool while the other one is being read.
    let outputPath = scratch.path + "/out"
    let errorPath = scratch.path + "/err"
    for path in [outputPath, errorPath] { try scratch.write([], to: path) }
    let process = Process()
    process.executableURL = ToolRun.executable
    process.arguments = arguments
    process.standardOutput = try FileHandle(forWritingTo: URL(fileURLWithPath: outputPath))
    process.standardError = try FileHandle(forWritingTo: URL(fileURLWithPath: errorPath))
    try process.run()
    process.waitUntilExit()
    try #require(process.terminationReason == .exit, "the tool ends by itself")
    status = process.terminationStatus
    output = String(decoding: try scratch.read(outputPath), as: UTF8.self)
    errors = String(decoding: try scratch.read(errorPath), as: UTF8.self)
  }

  var lines: [String] { output.split(separator: "\n").map(String.init) }
  var errorLines: [String] { errors.split(separator: "\n").map(String.init) }

  func objects() throws -> [[String: Any]] {
    try lines.map { line in
      let value = try JSONSerialization.jsonObject(with: Data(line.utf8))
      return try #require(value as? [String: Any], "a line is an object: \(line)")
    }
  }

  func revisions() throws -> [UInt64] {
    try objects().map { try #require($0["sequence_number"] as? UInt64) }
  }
}

extension ToolRun {
  /// A JSON dump of a store with more options.
  static func json(_ fixture: StoreFixture, _ options: String...) throws -> ToolRun {
    try ToolRun([fixture.directory.path, "--format", "json"] + options)
  }
}
