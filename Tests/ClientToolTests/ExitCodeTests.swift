/// How the client ends, and what it says then. CONTRACT: "Exit codes".
import Foundation
import HubClient
import Programs
import TestSupport
import Testing

@testable import mfh

@Suite("Exit codes", .timeLimit(.minutes(10)))
struct ExitCodeTests {
  private static let wrong: [[String]] = [
    [], ["nonsense"], ["get"], ["get", "a", "b"], ["put", "a"], ["put", "a", "b", "c"], ["get", "a", "--nonsense"],
    ["list", "--limit", "0"], ["list", "--limit", "-1"], ["list", "--all", "--limit", "5"], ["--hub"],
    ["get", "a", "--raw", "--format", "json"], ["get", "a", "--format", "xml"], ["get", "a", "--timeout", "0"],
    ["get", "a", "--timeout", "nan"], ["put", "a", "b", "--ttl", "0"], ["put", "a", "b", "--ttl", "-1"],
    ["put", "a", "b", "--ttl", "1e3"], ["put", "a", "b", "--ttl", "01"], ["put", "a", "b", "--if-revision", "-1"],
    ["put", "a", "b", "--request-id", ""], ["delete"], ["batch"], ["ping", "x"], ["get", "a", "--hub", "nowhere"],
    ["get", "a", "--hub", "tcp://*:5713"], ["get", "a", "--hub", "tcp://h:0"], ["get", "a", "--hub", "tcp://h:70000"],
    ["get", "a", "--hub", "tcp://::1:5713"], ["get", "a", "--hub", "udp://h:1"], ["get", "a", "--hub", "tcp://:5713"],
  ]

  @Test("A wrong command line is exit code 64, in one line", arguments: wrong)
  func usage(_ arguments: [String]) throws {
    let run = try mfh(arguments)
    #expect(run.status == 64)
    #expect(run.output.isEmpty && run.errorLines.count == 1, "\(run.errors)")
    #expect(run.errors.hasPrefix("mfh: "))
  }

  @Test("Help and version are printed; every command is in the help, with examples")
  func help() throws {
    #expect(try mfh(["--version"]).output == "mfh 0.1.0\n")
    let help = try mfh(["--help"])
    #expect(help.status == 0)
    let commands = ["get", "put", "delete", "exists", "list", "batch", "health", "stats", "checksum", "ping"]
    for command in commands {
      #expect(help.output.contains("\n  \(command) "))
      let own = try mfh([command, "--help"])
      #expect(own.status == 0 && own.errors.isEmpty)
      #expect(own.output.contains("mfh \(command)") && own.output.contains("Example"))
      for option in ["--hub", "--agent", "--api-key-file", "--timeout", "--format", "--version"] {
        #expect(own.output.contains("\n  \(option)"), "\(command) \(option)")
      }
    }
  }

  @Test("What the hub refuses has its exit code, and one line that names the reason")
  func refusals() throws {
    let hub = try TestHub()
    try hub.ok("put", "k", "v")
    let runs: [([String], Int32, String)] = [
      (["get", "nope"], 66, "nope"), (["get", " "], 65, "invalid_request"),
      (["get", "a\u{1}b"], 65, "invalid_request"),
      (["get", String(repeating: "k", count: 1_025)], 65, "too_large"),
      (["put", "k", "w", "--if-revision", "0"], 73, "conflict"),
      (["put", "k", "w", "--if-revision", "9"], 73, "conflict"),
      (["delete", "k", "--if-revision", "9"], 73, "conflict"),
      (["delete", "k", "--if-revision", "9", "--dry-run"], 73, "conflict"),
      (["put", "k", #"{"content":7}"#], 65, "invalid_item"), (["put", "k", "w", "--type", "No!"], 65, "invalid_item"),
      (["put", "k", "w", "--ttl", "99999999999999"], 65, "invalid_request"),
      (["put", "k", "w", "--agent", String(repeating: "a", count: 257)], 65, "too_large"),
      (["put", "k", "{"], 65, "--text"), (["get", "k", "--api-key-file", "/nonexistent/key"], 66, "/nonexistent/key"),
    ]
    for (arguments, status, text) in runs {
      let run = try hub.mfh(arguments)
      #expect(run.status == status, "\(arguments): \(run.errors)")
      #expect(run.output.isEmpty && run.errorLines.count == 1)
      #expect(run.errors.contains(text), "\(run.errors)")
    }
    #expect(try hub.item("k")["content"] as? String == "v")
  }

  @Test("Every code of the protocol has an exit code of the contract")
  func mapping() {
    let expected: [HubRefusal.Code: Programs.ExitStatus] = [
      .invalidJSON: .damaged, .invalidRequest: .damaged, .invalidItem: .damaged, .tooLarge: .damaged,
      .unknownAction: .unavailable, .conflict: .canNotCreate, .unauthorized: .notPermitted, .forbidden: .notPermitted,
      .overloaded: .unavailable, .readOnly: .unavailable, .notPrimary: .unavailable, .storageError: .inputOutput,
      .revisionCompacted: .noInput, .redacted: .noInput, .lagging: .unavailable, .shuttingDown: .unavailable,
      .internal: .inputOutput,
    ]
    for code in HubRefusal.Code.allCases {
      #expect(Programs.ExitStatus(HubRefusal(code: code, codeText: code.rawValue, message: "")) == expected[code])
    }
    #expect(Programs.ExitStatus(HubRefusal(code: nil, codeText: "new", message: "")) == .unavailable)
  }

  @Test("A key that the hub asks for comes from a file or the environment; without it the exit code is 77")
  func apiKey() throws {
    let hub = try TestHub(environment: ["MFH_API_KEY": "s3cret-of-the-tests"])
    let scratch = try ScratchDirectory.made()
    let file = scratch.path + "/key"
    try scratch.write(Array("s3cret-of-the-tests\n".utf8), to: file)
    for arguments in [["ping"], ["get", "k"], ["put", "k", "v"], ["list"], ["stats"]] {
      let run = try hub.mfh(arguments)
      #expect(run.status == 77 && run.errorLines.count == 1 && run.errors.contains("--api-key-file"))
    }
    #expect(try hub.mfh("ping", environment: ["MFH_API_KEY": "wrong"]).status == 77)
    #expect(try hub.mfh("put", "k", "v", "--api-key-file", file).status == 0)
    #expect(try hub.mfh("get", "k", "--raw", environment: ["MFH_API_KEY": "s3cret-of-the-tests"]).output == "v")
    #expect(try hub.mfh("ping", "--api-key-file", file, environment: ["MFH_API_KEY": "wrong"]).status == 0)
    try scratch.write([0x0A], to: file)
    #expect(try hub.mfh("ping", "--api-key-file", file).status == 65)
  }

  @Test("Output that can not be written is exit code 74")
  func fullDisk() throws {
    let hub = try TestHub()
    let process = Process()
    process.executableURL = ProgramRun.executable("mfh")
    process.arguments = ["stats", "--hub", hub.server.address]
    process.standardOutput = try FileHandle(forWritingTo: URL(fileURLWithPath: "/dev/full"))
    let errors = Pipe()
    process.standardError = errors
    try process.run()
    process.waitUntilExit()
    #expect(process.terminationStatus == 74)
    #expect(
      String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self).contains("standard output"))
  }
}
