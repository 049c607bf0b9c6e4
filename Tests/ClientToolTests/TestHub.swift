/// A running hub and `mfh` against it.
import Foundation
import TestSupport
import Testing

struct TestHub {
  let server: RunningServer

  init(_ arguments: [String] = [], environment: [String: String] = [:]) throws {
    server = try RunningServer(arguments, environment: environment)
  }

  func mfh(_ arguments: String..., input: String = "", environment: [String: String] = [:]) throws -> ProgramRun {
    try mfh(arguments, input: Array(input.utf8), environment: environment)
  }

  func mfh(
    _ arguments: [String], input: [UInt8] = [], environment: [String: String] = [:]
  ) throws -> ProgramRun {
    let clean = ["MFH_HUB": server.address, "MFH_AGENT": "", "MFH_API_KEY": ""]
    return try ProgramRun("mfh", arguments, input: input, environment: clean.merging(environment) { $1 })
  }

  /// Runs a command that has to succeed; returns what it printed.
  @discardableResult
  func ok(_ arguments: String..., input: String = "") throws -> ProgramRun {
    let run = try mfh(arguments, input: Array(input.utf8))
    try #require(run.status == 0, "\(arguments): \(run.errors)")
    #expect(run.errors.isEmpty)
    return run
  }

  /// The item under a key.
  func item(_ key: String) throws -> [String: Any] {
    let reply = try ok("get", key, "--format", "json").objects()
    try #require(reply.count == 1)
    return try #require(reply[0]["item"] as? [String: Any])
  }

  /// The events of the log: the server is stopped first.
  func events() throws -> [[String: Any]] {
    server.stop()
    return try ProgramRun("logstore-dump", [server.dataDirectory, "--format", "json"]).objects()
  }
}

/// Runs `mfh` where no hub is wanted.
func mfh(_ arguments: [String], environment: [String: String] = [:]) throws -> ProgramRun {
  let clean = ["MFH_HUB": "", "MFH_AGENT": "", "MFH_API_KEY": ""]
  return try ProgramRun("mfh", arguments, environment: clean.merging(environment) { $1 })
}
