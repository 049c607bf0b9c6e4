/// Which requests are recorded as reads, what is told of them, and that nothing is when it is not asked for.
import Bytes
import Foundation
import LogStore
import Testing

@testable import Server

@Suite("Recorded reads", .timeLimit(.minutes(10)))
struct ReadAuditTests {
  let hub: HubFixture
  let client: Client

  init() throws {
    hub = try HubFixture { $0.readAudit = ReadAuditOptions() }
    client = try Client(hub)
  }

  /// `action key revision-first count agent correlation`, with `-` for what is not there.
  static func told(_ directory: String) throws -> [String] {
    let inspection = try StoreInspection.open(try PosixStorage(path: directory, creating: false))
    var lines: [String] = []
    var issues: [InspectionIssue] = []
    ReadStream(inspection) { issues.append($0) }.read { read, bytes, _ in
      let fields = read.fields
      func name(_ range: Range<Int>) -> String { range.isEmpty ? "-" : bytes.extracting(range).text() }
      lines.append(
        "\(fields.action.name) \(name(read.keyRange)) \(fields.revision)-\(fields.firstRevision) \(fields.count) "
          + "\(name(read.agentRange)) \(name(read.correlationRange))")
      return true
    }
    #expect(issues == [])
    return lines
  }

  private func toldAtTheEnd() throws -> [String] {
    #expect(hub.stop() == nil)
    return try Self.told(hub.directory)
  }

  private func ask(_ action: String, _ fields: String = "") throws -> Reply {
    try client.ask(
      #"{"action":"\#(action)","agent_id":"a","correlation_id":"c"\#(fields.isEmpty ? "" : ",")\#(fields)}"#)
  }

  @Test("Every successful answer that tells of a key is recorded, absent keys too, with the revision that was read")
  func keys() throws {
    try client.put("k")
    try client.put("k")
    try client.put("other")
    let past = try #require(try client.ask(#"{"action":"ping"}"#).object["timestamp"] as? String)
    for (action, fields) in [
      ("get", #""key":" k ""#), ("get", #""key":"none""#), ("get", #""key":"k","at_revision":1"#),
      ("get", #""key":"k","at_time":"\#(past)""#), ("exists", #""key":"k""#), ("exists", #""key":"none""#),
      ("batch_get", #""keys":["other","none","k","k"]"#), ("history", #""key":"k""#), ("history", #""key":"none""#),
    ] { #expect(try ask(action, fields).isSuccess, "\(action) \(fields)") }
    #expect(
      try toldAtTheEnd() == [
        "get k 2-0 1 a c", "get none 0-0 0 a c", "get k 1-0 1 a c", "get k 2-0 1 a c", "exists k 2-0 1 a c",
        "exists none 0-0 0 a c", "batch_get other 3-0 1 a c", "batch_get k 2-0 1 a c", "batch_get none 0-0 0 a c",
        "history k 2-1 2 a c", "history none 0-0 0 a c",
      ])
  }

  @Test("A page of keys or events is one read of its prefix; a page without events is none")
  func pages() throws {
    for key in ["p/1", "q", "p/2"] { try client.put(key) }
    for (action, fields) in [
      ("list_keys", ""), ("list_keys", #""prefix":"p/","limit":1"#), ("list_keys", #""prefix":"x""#), ("events", ""),
      ("events", #""prefix":"p/","from_revision":2"#), ("events", #""from_revision":4"#),
      ("events", #""from_revision":4,"wait_ms":1"#),
    ] { #expect(try ask(action, fields).isSuccess, "\(action) \(fields)") }
    #expect(
      try toldAtTheEnd() == [
        "list_keys - 0-0 3 a c", "list_keys p/ 0-0 1 a c", "list_keys x 0-0 0 a c", "events - 3-1 3 a c",
        "events p/ 3-2 1 a c",
      ])
  }

  @Test("A read that waits for a write is recorded when it is answered, and only once")
  func waiting() throws {
    for round in 0..<20 {
      try client.send(#"{"action":"put","key":"k","item":{"content":"x"},"agent_id":"w"}"#)
      try client.send(#"{"action":"get","key":"k","agent_id":"a","correlation_id":"\#(round)"}"#)
      try client.send(#"{"action":"exists","key":"k","agent_id":"b"}"#)
      try client.send(#"{"action":"history","key":"k","limit":1}"#)
      try client.send(#"{"action":"get","key":"k","at_revision":\#(round + 1)}"#)
      for _ in 0..<5 { #expect(try client.receive().isSuccess) }
    }
    #expect(
      try toldAtTheEnd()
        == (1...20).flatMap { revision in
          [
            "get k \(revision)-0 1 a \(revision - 1)", "exists k \(revision)-0 1 b -",
            "history k \(revision)-\(revision) 1 - -", "get k \(revision)-0 1 - -",
          ]
        })
  }

  @Test("What a conflict tells of the key is recorded: a write that can not succeed is no way to read unseen")
  func conflicts() throws {
    try client.put("k")
    #expect(try ask("put", #""key":"k","item":{"content":"y"},"if_revision":7"#).code == "conflict")
    #expect(try ask("delete", #""key":"none","if_revision":7"#).code == "conflict")
    let operations = #"[{"op":"put","key":"n","item":{"content":"y"}},{"op":"delete","key":"k","if_revision":9}]"#
    #expect(try ask("batch", #""operations":\#(operations)"#).code == "conflict")
    try client.send(#"{"action":"put","key":"k","item":{"content":"z"}}"#)
    try client.send(#"{"action":"put","key":"k","item":{"content":"y"},"if_revision":1,"agent_id":"late"}"#)
    #expect(try client.receive().isSuccess)
    #expect(try client.receive().code == "conflict")
    #expect(
      try toldAtTheEnd() == [
        "conflict k 1-0 1 a c", "conflict none 0-0 0 a c", "conflict k 1-0 1 a c", "conflict k 2-0 1 late -",
      ])
  }

  @Test("Errors, writes and what tells of no key are not recorded")
  func others() throws {
    try client.put("k")
    hub.disk.loseBytes(below: 1 << 30)
    #expect(try ask("get", #""key":"k""#).code == "storage_error")
    hub.disk.loseBytes(below: 0)
    #expect(try ask("get").code == "invalid_request")
    #expect(try ask("batch_get", #""keys":["k",""]"#).code == "invalid_request")
    #expect(try ask("get", #""key":"k","at_revision":9"#).code == "invalid_request")
    for action in ["ping", "stats", "health", "checksum"] { #expect(try ask(action).isSuccess) }
    #expect(try ask("delete", #""key":"k""#).isSuccess)
    #expect(try toldAtTheEnd() == [])
  }

  @Test("Without the setting there is no stream and no figure of it")
  func off() throws {
    let plain = try HubFixture()
    let client = try Client(plain)
    try client.put("k")
    #expect(try client.ask(#"{"action":"get","key":"k"}"#).isSuccess)
    #expect(try client.ask(#"{"action":"stats"}"#).result["reads_recorded"] == nil)
    #expect(plain.stop() == nil)
    #expect(!FileManager.default.fileExists(atPath: plain.directory + "/" + StoreNames.reads))
  }

  @Test("A disk that takes no records makes the hub degraded and fails no read; it gets over it")
  func trouble() throws {
    // A file where the directory should be.
    let place = hub.directory + "/" + StoreNames.reads
    #expect(FileManager.default.createFile(atPath: place, contents: nil))
    try client.put("k")
    func status() throws -> String? { try client.ask(#"{"action":"health"}"#).result["status"] as? String }
    while try status() == "healthy" { #expect(try client.ask(#"{"action":"get","key":"k"}"#).isSuccess) }
    #expect(try status() == "degraded")
    let health = try client.ask(#"{"action":"health"}"#).text
    #expect(health.contains(#""read_audit":{"healthy":false"#), "\(health)")
    #expect(try client.ask(#"{"action":"get","key":"k"}"#).isSuccess)
    try FileManager.default.removeItem(atPath: place)
    while try status() != "healthy" { usleep(10_000) }
    let stats = try client.ask(#"{"action":"stats"}"#).result
    #expect(stats["reads_lost"] as? Int == 0)
    #expect(try #require(stats["reads_write_failures"] as? Int) > 0)
    let recorded = try #require(stats["reads_recorded"] as? Int)
    #expect(try toldAtTheEnd() == [String](repeating: "get k 1-0 1 - -", count: recorded))
  }
}
