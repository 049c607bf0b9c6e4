/// How `mfh-server` starts, what it says, and how it ends. CONTRACT: section 1.
import Foundation
import Glibc
import Testing
import ZeroMQ

@testable import Server

@Suite("The program", .timeLimit(.minutes(10)), .serialized)
struct ProgramTests {
  let scratch: ScratchDirectory
  let context: Context
  var data: String { scratch.path + "/data" }

  init() throws {
    scratch = try ScratchDirectory()
    context = try Context()
  }

  /// The one line on standard error, and the exit code.
  private func end(
    _ server: ServerProcess, _ code: Int32, naming words: String..., at: SourceLocation = #_sourceLocation
  )
    throws
  {
    let (found, lines) = (try server.wait(), try server.errorLines())
    #expect(found == code, "\(lines)", sourceLocation: at)
    #expect(try server.outputText().isEmpty, sourceLocation: at)
    // What was opened before may be told too; what went wrong comes last, in one line.
    let line = try #require(lines.last, sourceLocation: at)
    for word in words { #expect(line.contains(word), "\(word): \(line)", sourceLocation: at) }
  }

  private func put(_ server: ServerProcess, _ key: String, _ content: String = "x") throws {
    _ = try Client(try server.endpoint(), context).put(key, content)
  }

  @Test("Ready is one line with the addresses; SIGTERM and SIGINT end with 0, and what was stored is there again")
  func life() throws {
    for (round, number) in [SIGTERM, SIGINT].enumerated() {
      let server = try ServerProcess.onFreePort(data)
      #expect(try server.readyLine().wholeMatch(of: /ready zmq=tcp:\/\/127\.0\.0\.1:\d+\n/) != nil)
      let client = try Client(try server.endpoint(), context)
      #expect(try client.ask(#"{"action":"list_keys"}"#).result["count"] as? Int == round)
      try client.put("\(number)")
      server.signal(number)
      #expect(try server.wait() == 0)
      #expect(try server.outputText() == server.readyLine() && server.outputText().filter { $0 == "\n" }.count == 1)
      let lines = try server.errorObjects()
      #expect(
        lines.compactMap { $0["message"] as? String } == [
          "store opened", "stopping: answering what was accepted", "snapshot written", "stopped",
        ])
      #expect(lines.first?["how"] as? String == (round == 0 ? "created" : "resumed"))
      #expect(lines.first?["snapshot_revision"] as? String == (round == 0 ? "none" : "1"))
    }
  }

  @Test("A listener that is off is left out of the ready line")
  func off() throws {
    let server = try ServerProcess(["--data-dir", data, "--zmq-port", "0"])
    #expect(try server.readyLine() == "ready\n")
    server.signal(SIGTERM)
    #expect(try server.wait() == 0)
  }

  @Test("IPv6 is bound, named in brackets and reached")
  func version6() throws {
    let server = try ServerProcess.onFreePort(data, ["--bind", "::1"])
    #expect(try server.endpoint().hasPrefix("tcp://[::1]:"))
    let client = try Client(try server.endpoint(), context) { try $0.set(.ipv6, 1) }
    #expect(try client.ask(#"{"action":"ping"}"#).isSuccess)
    server.signal(SIGTERM)
    #expect(try server.wait() == 0)
  }

  @Test("A key is taken from the environment, and is in no line of the log")
  func apiKey() throws {
    let key = "canary-0123456789abcdef0123456789"
    let server = try ServerProcess(
      ["--data-dir", data, "--zmq-port", "auto", "--log-level", "trace"], environment: ["MFH_API_KEY": key])
    let client = try Client(try server.endpoint(), context)
    #expect(try client.ask(#"{"action":"ping"}"#).code == "unauthorized")
    #expect(try client.ask(#"{"action":"ping","api_key":"\#(key)"}"#).isSuccess)
    server.signal(SIGTERM)
    #expect(try server.wait() == 0)
    #expect(try server.errorObjects().contains { $0["outcome"] as? String == "unauthorized" })
    #expect(try !server.errorLines().joined().contains("canary"))
  }

  @Test("A start on an address that others can reach warns of each listener in clear text, of a short key, of no key")
  func warnings() {
    func warned(_ adjust: (inout HubServiceOptions) -> Void) -> [String] {
      var options = HubServiceOptions(dataDirectory: data, bindAddress: "192.0.2.1", zeroMQPort: 1)
      options.isReachable = true
      adjust(&options)
      return options.warnings
    }
    let tls = TLSFiles(certificate: "c", key: "k")
    let all = warned {
      $0.apiKey = Secret("0123456789abcde")
      ($0.grpcPort, $0.httpPort) = (2, 3)
    }
    guard all.count == 4 else {
      Issue.record("\(all)")
      return
    }
    #expect(all[0].contains("MFH_API_KEY") && !all[0].contains("0123456789"))
    #expect(all[1].contains("security.curve_key_file"))
    #expect(all[2].hasPrefix("gRPC") && all[2].contains("security.tls.certificate"))
    #expect(all[3].hasPrefix("HTTP") && all[3].contains("security.tls.certificate"))
    let curve = warned {
      ($0.keyFile, $0.curveKeyFile) = ("keys", "curve")
      ($0.grpcPort, $0.httpPort) = (2, nil)
    }
    #expect(curve.count == 1 && curve[0].hasPrefix("gRPC"), "CURVE is for ZeroMQ only")
    let everybody = warned { ($0.grpcPort, $0.httpPort, $0.edges.tls) = (2, 3, tls) }
    #expect(everybody.count == 1 && everybody[0].contains("security.allow_anonymous"))
    #expect(
      warned {
        ($0.apiKey, $0.zeroMQPort) = (Secret("0123456789abcdef"), nil)
        ($0.grpcPort, $0.httpPort, $0.edges.tls) = (2, 3, tls)
      }
      .isEmpty)
    #expect(
      warned {
        $0.isReachable = false
        ($0.apiKey, $0.grpcPort) = (Secret("short"), 2)
      }
      .isEmpty)
  }

  @Test("The warnings are in the log of the start")
  func warningsAreLogged() throws {
    let server = try ServerProcess(
      ["--data-dir", data, "--zmq-port", "auto", "--grpc-port", "auto", "--bind", "0.0.0.0"],
      environment: ["MFH_API_KEY": "short"])
    _ = try server.endpoint()
    server.signal(SIGTERM)
    #expect(try server.wait() == 0)
    let warnings = try server.errorObjects().filter { $0["level"] as? String == "warning" }
    #expect(warnings.count == 3 && warnings.allSatisfy { $0["category"] as? String == "configuration" }, "\(warnings)")
  }

  @Test("A second signal ends it at once, whatever still waits")
  func secondSignal() throws {
    let server = try ServerProcess.onFreePort(data)
    let client = try Client(try server.endpoint(), context)
    try client.put("k", String(repeating: "x", count: 1_000_000))
    // Replies that nobody takes hold up the first stop, for two seconds.
    let deaf = try Client(try server.endpoint(), context) { try $0.set(.receiveHighWater, 1) }
    for _ in 0..<50 { try deaf.send(#"{"action":"get","key":"k"}"#) }
    try poll("they are asked for") { try client.requestCount("get") == 50 }
    server.signal(SIGTERM)
    try poll("it is stopping") { try server.errorLines().contains { $0.contains("stopping") } }
    server.signal(SIGINT)
    #expect(try server.wait() == 128 + SIGINT)
  }

  @Test("64 for usage, 78 for a bad configuration, 66 for one that is not there; --check-config starts nothing")
  func usage() throws {
    try end(ServerProcess(["--no-such-flag"]), 64, naming: "--no-such-flag")
    try end(ServerProcess(["stray"]), 64, naming: "stray")
    try end(ServerProcess(["--zmq-port", "70000"]), 64, naming: "--zmq-port", "70000")
    try end(ServerProcess(["--bind", "0.0.0.0", "--data-dir", data]), 78, naming: "MFH_API_KEY")
    try end(ServerProcess(["--config", scratch.path + "/none.yaml"]), 66, naming: "none.yaml")
    let file = scratch.path + "/hub.yaml"
    try "server:\n  zmq_prt: 1\n".write(toFile: file, atomically: true, encoding: .utf8)
    try end(ServerProcess(["--config", file]), 78, naming: "hub.yaml:2", "zmq_port")

    let check = try ServerProcess(["--check-config", "--data-dir", data])
    #expect(try check.wait() == 0)
    #expect(try check.outputText().contains("zmq_port: 5713"))
    #expect(!FileManager.default.fileExists(atPath: data))
    try #"security: {key_file: \#(scratch.path)/none}"#.write(toFile: file, atomically: true, encoding: .utf8)
    let refused = try ServerProcess(["--check-config", "--config", file, "--data-dir", data])
    #expect(try refused.wait() == 78, "as the start would")
    #expect(try refused.errorLines().joined().contains("security.key_file"))
  }

  @Test("75 for the second server on a directory, at once; the first does not notice")
  func locked() throws {
    let first = try ServerProcess.onFreePort(data)
    try put(first, "k")
    try end(try ServerProcess.onFreePort(data), 75, naming: data, "another process")
    try put(first, "l")
    first.signal(SIGTERM)
    #expect(try first.wait() == 0)
  }

  @Test("69 for a port that is taken, in one clear line; the store is left in good order")
  func portTaken() throws {
    let first = try ServerProcess.onFreePort(data)
    let port = try #require(try first.endpoint().split(separator: ":").last)
    let other = scratch.path + "/other"
    let second = try ServerProcess(["--data-dir", other, "--zmq-port", String(port)])
    try end(second, 69, naming: String(port), "in use", "--zmq-port")
    first.signal(SIGTERM)
    #expect(try first.wait() == 0)
    let again = try ServerProcess.onFreePort(other)
    _ = try again.endpoint()
    #expect(try again.errorObjects().first?["how"] as? String == "resumed")
    again.signal(SIGTERM)
    #expect(try again.wait() == 0)
  }

  @Test("69 for an address that this machine does not have")
  func noSuchAddress() throws {
    let server = try ServerProcess(
      ["--data-dir", data, "--zmq-port", "auto", "--bind", "192.0.2.1"],
      environment: ["MFH_API_KEY": "0123456789abcdef0123456789abcdef"])
    try end(server, 69, naming: "192.0.2.1", "--bind")
  }

  @Test("73 for a directory that can not be made, or that holds something else")
  func canNotCreate() throws {
    let file = scratch.path + "/file"
    try "x".write(toFile: file, atomically: true, encoding: .utf8)
    try end(try ServerProcess.onFreePort(file + "/data"), 73, naming: file)
    try end(try ServerProcess.onFreePort(file), 73, naming: file)
    let foreign = scratch.path + "/foreign"
    try FileManager.default.createDirectory(atPath: foreign, withIntermediateDirectories: true)
    try "x".write(toFile: foreign + "/notes.txt", atomically: true, encoding: .utf8)
    try end(try ServerProcess.onFreePort(foreign), 73, naming: foreign)
    #expect(try FileManager.default.contentsOfDirectory(atPath: foreign).contains("notes.txt"))
  }

  /// Stores twenty keys, `k7` twice, and spoils the newer value of that one; returns the file and what is in it now.
  private func damage() throws -> (path: String, bytes: Data) {
    let first = try ServerProcess.onFreePort(data)
    try put(first, "k7", "the older one")
    for number in 0..<20 { try put(first, "k\(number)", "find-me-\(number)") }
    first.signal(SIGTERM)
    #expect(try first.wait() == 0)
    let (path, offset) = try #require(try find("find-me-7"))
    var bytes = try Data(contentsOf: URL(fileURLWithPath: path))
    bytes[offset] ^= 1
    try bytes.write(to: URL(fileURLWithPath: path))
    return (path, bytes)
  }

  @Test("65 for a damaged store: what is damaged, what is lost, what to type; and nothing of it is changed")
  func damaged() throws {
    let (path, bytes) = try damage()
    let names = try FileManager.default.subpathsOfDirectory(atPath: data)
    let server = try ServerProcess.onFreePort(data)
    try end(
      server, 65, naming: "segment 1 offset", "revisions lost: 9 (1)", "Nothing was changed",
      "logstore-dump \(data)", "restore a backup", "mfh-server --salvage --data-dir \(data)")
    #expect(try server.errorObjects().contains { ($0["message"] as? String)?.contains("revision 9 is lost") == true })
    #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == bytes)
    #expect(try FileManager.default.subpathsOfDirectory(atPath: data) == names)
  }

  @Test("--salvage opens what can be read, says what was lost and where the damaged files are, and is needed once")
  func salvage() throws {
    let (_, bytes) = try damage()
    let salvaging = try ServerProcess.onFreePort(data, ["--salvage"])
    let client = try Client(try salvaging.endpoint(), context)
    #expect(try client.ask(#"{"action":"get","key":"k7"}"#).text.contains("the older one"))
    #expect(try client.ask(#"{"action":"list_keys"}"#).result["count"] as? Int == 20)
    try client.put("later")
    let told = try #require(try salvaging.errorObjects().first { $0["revisions_lost"] != nil })
    #expect(told["level"] as? String == "warning" && told["lost"] as? String == "9")
    let quarantine = try #require(told["quarantine"] as? String)
    #expect((told["message"] as? String)?.contains("\(data)/\(quarantine)") == true)
    #expect(FileManager.default.contents(atPath: "\(data)/\(quarantine)/0000000001-0000.seg") == bytes)
    #expect(FileManager.default.contents(atPath: "\(data)/\(quarantine)/REPORT.txt") != nil)
    salvaging.signal(SIGTERM)
    #expect(try salvaging.wait() == 0)

    for flags in [[], ["--salvage"]] {
      let sound = try ServerProcess.onFreePort(data, flags)
      #expect(try Client(try sound.endpoint(), context).ask(#"{"action":"exists","key":"later"}"#).isSuccess)
      let messages = try sound.errorObjects().compactMap { $0["message"] as? String }
      #expect(messages.contains("nothing to salvage: the store is sound") == !flags.isEmpty)
      sound.signal(SIGTERM)
      #expect(try sound.wait() == 0)
    }
  }

  /// The file and the place in it where a text lies.
  private func find(_ text: String) throws -> (String, Int)? {
    for name in try FileManager.default.subpathsOfDirectory(atPath: data) {
      let path = data + "/" + name
      guard let bytes = FileManager.default.contents(atPath: path) else { continue }
      if let range = bytes.range(of: Data(text.utf8)) { return (path, range.lowerBound) }
    }
    return nil
  }

  @Test("kill -9 under load: the next start recovers, and what was acknowledged is there")
  func killed() throws {
    let first = try ServerProcess.onFreePort(data)
    let client = try Client(try first.endpoint(), context)
    for number in 0..<50 { try client.put("k\(number)") }
    for number in 50..<500 { try client.send(#"{"action":"put","key":"k\#(number)","item":{"content":"x"}}"#) }
    first.signal(SIGKILL)
    #expect(try first.wait() == -SIGKILL)
    let second = try ServerProcess.onFreePort(data)
    let reader = try Client(try second.endpoint(), context)
    for number in 0..<50 {
      #expect(try reader.ask(#"{"action":"exists","key":"k\#(number)"}"#).result["exists"] as? Bool == true)
    }
    #expect(try second.errorObjects().first?["how"] as? String == "recovered")
    second.signal(SIGTERM)
    #expect(try second.wait() == 0)
  }
}
