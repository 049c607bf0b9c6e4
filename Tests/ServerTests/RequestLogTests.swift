/// What the log says of requests, through the handler that the server uses.
import Foundation
import Hub
import LogStore
import Logging
import Testing
import Threads

@testable import Server

@Suite("The log of requests", .timeLimit(.minutes(10)))
struct RequestLogTests {
  private func logged(_ level: Logger.Level, _ body: (Client) throws -> Void) throws -> LogFile {
    let log = try LogFile()
    let hub = try HubFixture {
      $0.logLevel = level
      $0.logDescriptor = log.descriptor
    }
    try body(try Client(hub))
    hub.stop()
    return log
  }

  private func converse(_ client: Client) throws {
    let ids = #""agent_id":"agent","correlation_id":"c-1","request_id":"r-1""#
    _ = try client.ask(#"{"action":"put","key":"secret-key","item":{"content":"secret-content"},\#(ids)}"#)
    _ = try client.ask(#"{"action":"get","key":"secret-key","correlation_id":"c-2"}"#)
    _ = try client.ask(#"{"action":"delete","key":"secret-key","if_revision":9,"correlation_id":"c-3"}"#)
    _ = try client.ask("{secret-content")
    _ = try client.ask(#"{"action":"checksum","correlation_id":"a\n{\"level\":\"x\"}"}"#)
  }

  @Test("At debug each request has one line, with its ids, the key's length, the outcome and the time it took")
  func debug() throws {
    let log = try logged(.debug, converse)
    let lines = try log.objects().filter { $0["message"] as? String == "request" }
    try #require(lines.count == 5)
    let put = lines[0]
    #expect(put["action"] as? String == "put" && put["outcome"] as? String == "ok")
    #expect(put["agent_id"] as? String == "agent" && put["correlation_id"] as? String == "c-1")
    #expect(put["request_id"] as? String == "r-1" && put["key_bytes"] as? String == "10")
    #expect(put["revision"] as? String == "1" && put["level"] as? String == "debug")
    #expect(Int(put["microseconds"] as? String ?? "") ?? -1 >= 0)
    #expect(lines[1]["correlation_id"] as? String == "c-2" && lines[1]["revision"] as? String == "1")
    #expect(lines[2]["outcome"] as? String == "conflict" && lines[2]["revision"] == nil)
    #expect(lines[3]["outcome"] as? String == "invalid_json")
    #expect(lines[4]["correlation_id"] as? String == "a\n{\"level\":\"x\"}")
    #expect(!(try log.text()).contains("secret"), "neither keys nor items are logged")
  }

  @Test("At info no request has a line")
  func info() throws { #expect(try logged(.info, converse).lines().isEmpty) }

  @Test("Requests that waited for others have one line each, in the order of their replies")
  func waiting() throws {
    let log = try LogFile()
    let hub = try HubFixture {
      $0.logLevel = .debug
      $0.logDescriptor = log.descriptor
    }
    let client = try Client(hub)
    hub.disk.hold()
    try client.send(#"{"action":"put","key":"k","item":{"content":"x"},"request_id":"1"}"#)
    try client.send(#"{"action":"list_keys","request_id":"2"}"#)
    try client.send(#"{"action":"get","key":"k","request_id":"3"}"#)
    hub.disk.waitUntilHeld()
    hub.disk.letGo()
    for id in 1...3 { #expect(try client.receive().requestID == "\(id)") }
    hub.stop()
    #expect(try log.objects().compactMap { $0["request_id"] as? String } == ["1", "2", "3"])
  }

  @Test("A request is followed from its line to its commit, and to its record in the log, by its correlation id")
  func correlation() throws {
    let log = try LogFile()
    let hub = try HubFixture {
      $0.logLevel = .debug
      $0.logDescriptor = log.descriptor
    }
    let client = try Client(hub)
    try client.put("before")
    let put = try client.ask(
      #"{"action":"batch","correlation_id":"trace-7","operations":[{"op":"put","key":"a","item":{"content":"x"}},{"op":"put","key":"b","item":{"content":"x"}}]}"#
    )
    #expect(put.isSuccess)
    let history = try client.ask(#"{"action":"history","key":"b"}"#)
    hub.stop()
    let lines = try log.objects()
    let request = try #require(lines.first { $0["correlation_id"] as? String == "trace-7" })
    #expect(request["revision"] as? String == "3" && request["outcome"] as? String == "ok")
    let commits = lines.filter { $0["message"] as? String == "commit" }
    #expect(commits.map { $0["first_revision"] as? String } == ["1", "2"])
    #expect(commits.map { $0["last_revision"] as? String } == ["1", "3"])
    #expect(try commits.map { try #require(Int($0["commit"] as? String ?? "")) }.sorted().count == 2)
    let event = try #require((history.result["events"] as? [[String: Any]])?.first)
    #expect(event["correlation_id"] as? String == "trace-7" && event["sequence_number"] as? Int == 3)
  }

  @Test("A failure's line names what kind of failure it is")
  func categories() throws {
    let log = try logged(.debug) { client in
      _ = try client.ask(#"{"action":"delete","key":"k","if_revision":9}"#)
      _ = try client.ask(#"{"action":"get"}"#)
      _ = try client.ask(#"{"action":"get","key":"k","min_revision":9,"wait_ms":0}"#)
      _ = try client.ask(#"{"action":"ping"}"#)
    }
    let lines = try log.objects().filter { $0["message"] as? String == "request" }
    #expect(lines.map { $0["category"] as? String } == ["data", "request", "load", nil])
    for code in ErrorCode.allCases { _ = ErrorCategory(code) }
  }

  // MARK: Slow requests

  /// What is logged at `info` while the disk is held up for longer than a request may take.
  private func stalled(_ slowMilliseconds: Int, _ send: (Client) throws -> Int) throws -> LogFile {
    let log = try LogFile()
    let hub = try HubFixture {
      $0.logLevel = .info
      $0.logDescriptor = log.descriptor
      $0.slowMilliseconds = slowMilliseconds
    }
    let client = try Client(hub)
    hub.disk.hold()
    let count = try send(client)
    hub.disk.waitUntilHeld()
    usleep(60_000)
    hub.disk.letGo()
    for _ in 0..<count { _ = try client.receive() }
    hub.stop()
    return log
  }

  @Test("A slow request has one line with who, what and how long, at every level up to warning; a quick one has none")
  func slow() throws {
    let log = try stalled(50) { client in
      try client.send(
        #"{"action":"put","key":"secret-key","item":{"content":"secret"},"agent_id":"agent","correlation_id":"c","request_id":"r"}"#
      )
      return 1
    }
    let lines = try log.objects()
    try #require(lines.count == 1)
    let line = lines[0]
    #expect(line["message"] as? String == "slow request" && line["level"] as? String == "warning")
    #expect(line["action"] as? String == "put" && line["outcome"] as? String == "ok")
    #expect(line["agent_id"] as? String == "agent" && line["correlation_id"] as? String == "c")
    #expect(line["request_id"] as? String == "r" && line["revision"] as? String == "1")
    #expect(line["key_bytes"] as? String == "10" && line["suppressed"] as? String == "0")
    #expect(Int(line["microseconds"] as? String ?? "") ?? 0 >= 50_000)
    #expect(!(try log.text()).contains("secret"))
    #expect(
      try stalled(3_600_000) {
        try $0.send(#"{"action":"put","key":"k","item":{"content":"x"}}"#); return 1
      }
      .lines().isEmpty)
    #expect(
      try stalled(0) {
        try $0.send(#"{"action":"put","key":"k","item":{"content":"x"}}"#); return 1
      }
      .lines().isEmpty)
  }

  @Test("Who asks for a wait is not slow; a thousand slow requests have ten lines")
  func slowLimits() throws {
    let log = try stalled(50) { client in
      try client.send(#"{"action":"put","key":"k","item":{"content":"x"}}"#)
      try client.send(#"{"action":"get","key":"k","min_revision":1,"wait_ms":20000,"correlation_id":"waits"}"#)
      return 2
    }
    #expect(try log.objects().map { $0["action"] as? String } == ["put"])
    let flood = try stalled(50) { client in
      for number in 0..<1_000 { try client.send(#"{"action":"put","key":"k\#(number)","item":{"content":"x"}}"#) }
      return 1_000
    }
    #expect(try (10...30).contains(flood.lines().count), "ten a second, and the disk is slow for a moment only")
  }

  @Test("A wait that its client has chosen counts for nothing: neither as slow nor in the durations")
  func chosenWaits() throws {
    let log = try LogFile()
    let hub = try HubFixture {
      $0.logLevel = .info
      $0.logDescriptor = log.descriptor
      $0.slowMilliseconds = 400
    }
    let (client, writer) = (try Client(hub), try Client(hub))
    let get = #"{"action":"get","key":"k","min_revision":1,"wait_ms":"#
    let events = #"{"action":"events","from_revision":"#
    // Waits that end without what was asked for, and such as end with it.
    #expect(try client.ask(get + "600}").code == "lagging")
    #expect(try client.ask(events + #"1,"wait_ms":600}"#).isSuccess)
    try client.send(get + "20000}")
    usleep(600_000)
    try writer.put("k")
    #expect(try client.receive().isSuccess)
    try client.send(events + #"2,"wait_ms":20000}"#)
    usleep(600_000)
    try writer.put("k")
    #expect(try client.receive().isSuccess)
    let told = Monitor<HubFigures?>(nil)
    #expect(hub.gate.observe { figures in told.with(waking: true) { $0 = figures } } == nil)
    let figures = try #require(told.wait(milliseconds: 20_000) { $0 })
    hub.stop()
    figures.requests.forEach { name, _, durations in
      guard name == "get" || name == "events" else { return }
      #expect(durations.total == 2 && (0..<400_000).contains(durations.sum), "\(name): \(durations.sum) us")
    }
    #expect(try log.objects().filter { $0["action"] as? String != "put" }.isEmpty)
  }

  // MARK: Secrets

  /// Stands for what must never be in a log: keys, contents, metadata, API keys.
  static let canary = "canary-5d1c"

  @Test("Neither keys, items nor API keys are in any line, at any level", arguments: [Logger.Level.info, .trace])
  func canary(level: Logger.Level) throws {
    let (log, canary) = (try LogFile(), RequestLogTests.canary)
    let hub = try HubFixture {
      $0.logLevel = level
      $0.logDescriptor = log.descriptor
      $0.apiKey = canary + "-right"
      $0.slowMilliseconds = 1
    }
    let client = try Client(hub)
    let key = #""api_key":"\#(canary)-right""#
    let item = #"{"content":"\#(canary)","metadata":{"\#(canary)":"\#(canary)"},"tags":["\#(canary)"]}"#
    for request in [
      #"{"action":"put","key":"\#(canary)","item":\#(item),\#(key)}"#,
      #"{"action":"put","key":"\#(canary)","item":{"content":7,"session_id":"\#(canary)"},\#(key)}"#,
      #"{"action":"put","key":"\#(canary)\n","item":\#(item),\#(key)}"#,
      #"{"action":"put","key":"\#(canary)","if_revision":99,"item":\#(item),\#(key)}"#,
      #"{"action":"get","key":"\#(canary)",\#(key)}"#,
      #"{"action":"get","key":"\#(canary)","at_time":"\#(canary)",\#(key)}"#,
      #"{"action":"list_keys","prefix":"\#(canary)",\#(key)}"#, #"{"action":"history","key":"\#(canary)",\#(key)}"#,
      #"{"action":"batch_get","keys":["\#(canary)"],\#(key)}"#, #"{"action":"events","prefix":"\#(canary)",\#(key)}"#,
      #"{"action":"batch","operations":[{"op":"\#(canary)"}],\#(key)}"#,
      #"{"action":"delete","key":"\#(canary)",\#(key)}"#,
      #"{"action":"\#(canary)",\#(key)}"#, #"{"action":"get","key":"k","api_key":"\#(canary)-wrong"}"#,
      #"{"\#(canary)":1,"action":"ping",\#(key)}"#, #"{"action":"ping","\#(canary)"#, canary,
    ] {
      let reply = try client.ask(request).text
      #expect(!reply.contains(canary + "-right") && !reply.contains(canary + "-wrong"), "no reply repeats a key")
    }
    // A write that the disk makes slow, and then one that it makes fail.
    hub.disk.hold()
    try client.send(#"{"action":"put","key":"\#(canary)/slow","item":\#(item),\#(key)}"#)
    hub.disk.waitUntilHeld()
    usleep(20_000)
    hub.disk.breakDown()
    hub.disk.letGo()
    #expect(try client.receive().code == "storage_error")
    hub.stop()
    let text = try log.text()
    #expect(text.contains("slow request") && text.contains("writes are refused"), "there was something to tell")
    #expect(level == .info || text.contains(#""message":"request""#))
    #expect(!text.contains(canary), "\(text.split(separator: "\n").first { $0.contains(canary) } ?? "")")
  }
}
