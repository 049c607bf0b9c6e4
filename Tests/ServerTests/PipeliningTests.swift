/// Many requests in flight: replies in order, a read after a write sees it, and limits that refuse at once.
import Foundation
import Hub
import TestSupport
import Testing

@Suite("Requests in flight", .timeLimit(.minutes(10)))
struct PipeliningTests {
  private func put(_ key: String, _ content: String, _ id: Int) -> String {
    #"{"action":"put","key":"\#(key)","item":{"content":"\#(content)"},"request_id":"\#(id)"}"#
  }

  @Test("Thousands of mixed requests on one connection: replies in order, and each read sees the writes before it")
  func mixed() throws {
    let hub = try HubFixture()
    let client = try Client(hub)
    var random = SeededGenerator.fromEnvironment("pipelining")
    var model: [String: String] = [:]
    var expected: [(Reply) -> Bool] = []
    for id in 0..<4_000 {
      let key = "k\(Int.random(in: 0..<25, using: &random))"
      // A list waits for all before it, and so does all behind it: only the second half has some.
      switch Int.random(in: 0..<(id < 2_000 ? 9 : 10), using: &random) {
      case 0..<4:
        let isNew = model[key] == nil
        model[key] = "c\(id)"
        try client.send(put(key, "c\(id)", id))
        expected.append { $0.result["created"] as? Bool == isNew }
      case 4:
        let wasThere = model.removeValue(forKey: key) != nil
        try client.send(#"{"action":"delete","key":"\#(key)","request_id":"\#(id)"}"#)
        expected.append { $0.result["deleted"] as? Bool == wasThere }
      case 5..<8:
        let content = model[key]
        try client.send(#"{"action":"get","key":"\#(key)","request_id":"\#(id)"}"#)
        expected.append { ($0.result["item"] as? [String: Any])?["content"] as? String == content }
      case 8:
        let isThere = model[key] != nil
        try client.send(#"{"action":"exists","key":"\#(key)","request_id":"\#(id)"}"#)
        expected.append { $0.result["exists"] as? Bool == isThere }
      default:
        let keys = model.keys.sorted()
        try client.send(#"{"action":"list_keys","request_id":"\#(id)"}"#)
        expected.append { $0.result["keys"] as? [String] == keys }
      }
    }
    for (id, isRight) in expected.enumerated() {
      let reply = try client.receive()
      try #require(reply.requestID == "\(id)" && isRight(reply), "\(id): \(reply.text)")
    }
  }

  @Test("The revision that a connection is told never goes back, also by what changes nothing behind a write under way")
  func revisionsGoUp() throws {
    let hub = try HubFixture()
    let (client, other) = (try Client(hub), try Client(hub))
    hub.disk.hold()
    try client.send(put("k", "x", 1))
    try client.send(#"{"action":"delete","key":"not there"}"#)
    try client.send(#"{"action":"batch","operations":[{"op":"delete","key":"not there"}]}"#)
    try poll("all have come") { try other.requestCount("batch") == 1 }
    hub.disk.letGo()
    for _ in 0..<3 {
      let reply = try client.receive()
      #expect(reply.isSuccess && reply.result["revision"] as? Int == 1, "\(reply.text)")
    }
  }

  @Test("Of one connection 4,096 requests may wait; the next are overloaded, in their turn and with their ids")
  func inFlight() throws {
    let hub = try HubFixture()
    let client = try Client(hub)
    hub.disk.hold()
    for id in 0..<4_106 { try client.send(put("k\(id % 7)", "x", id)) }
    try client.send(#"{"action":"ping","request_id":"last"}"#)
    hub.disk.waitUntilHeld()
    // Another connection is not concerned; when it is answered, the hub has had time to see them all.
    let other = try Client(hub)
    try poll("all have come") { try other.requestCount("put") == 4_096 }
    hub.disk.letGo()
    for id in 0..<4_106 {
      let reply = try client.receive()
      try #require(reply.requestID == "\(id)", "\(reply.text)")
      guard id >= 4_096 else {
        try #require(reply.isSuccess, "\(id): \(reply.text)")
        continue
      }
      #expect(reply.code == "overloaded" && (reply.object["retry_after_ms"] as? Int ?? 0) > 0, "\(reply.text)")
      #expect(reply.object["action"] as? String == "put" && reply.error.contains("in_flight_per_connection"))
    }
    #expect(try client.receive().requestID == "last")
    #expect(try client.ask(#"{"action":"list_keys"}"#).result["count"] as? Int == 7)
  }

  @Test("Refusals wait for their turn too; beyond as many of them as requests, they are dropped and counted")
  func refusals() throws {
    let hub = try HubFixture { $0.limits.inFlightPerConnection = 16 }
    let (client, other) = (try Client(hub), try Client(hub))
    hub.disk.hold()
    for id in 0..<100 { try client.send(put("k", "x", id)) }
    try poll("the rest is dropped") { try other.requestCount("replies_dropped") == 68 }
    hub.disk.letGo()
    for id in 0..<32 {
      let reply = try client.receive()
      #expect(reply.requestID == "\(id)" && reply.isSuccess == (id < 16), "\(reply.text)")
    }
    #expect(try client.ask(put("k", "x", 1_000)).requestID == "1000")
  }

  @Test("Floods of writes are refused what others need: each of three newcomers has its write done")
  func bulkhead() throws {
    let hub = try HubFixture { $0.requestsMax = 100 }
    let floods = try (0..<4).map { _ in try Client(hub) }
    let newcomers = try (0..<3).map { _ in try Client(hub) }
    let stranger = try Client(hub)
    hub.disk.hold()
    for flood in floods { for id in 0..<30 { try flood.send(put("k", "x", id)) } }
    var refused = 0
    try poll("all have come") {
      refused = try stranger.requestCount("error_overloaded")
      return try stranger.requestCount("put") + refused == 120
    }
    for newcomer in newcomers { try newcomer.send(put("n", "x", 0)) }
    try poll("they are let in") { try stranger.requestCount("put") == 123 - refused }
    hub.disk.letGo()
    for newcomer in newcomers { #expect(try newcomer.receive().isSuccess) }
    var seen = 0
    for flood in floods {
      for id in 0..<30 {
        let reply = try flood.receive()
        #expect(reply.requestID == "\(id)" && (reply.isSuccess || reply.code == "overloaded"), "\(reply.text)")
        guard !reply.isSuccess else { continue }
        seen += 1
        #expect((reply.object["retry_after_ms"] as? Int ?? 0) > 0)
        #expect(reply.error.contains("bulkhead.max_concurrent") && reply.error.contains("wait for replies"))
      }
    }
    #expect(seen == refused && seen > 20)
  }

  @Test("When nothing is left, what would have to wait is refused at once; what can be answered at once, is")
  func full() throws {
    let hub = try HubFixture { $0.requestsMax = 4 }
    let clients = try (0..<4).map { _ in try Client(hub) }
    let newcomer = try Client(hub)
    hub.disk.hold()
    for client in clients { try client.send(put("k", "x", 0)) }
    try poll("the hub is full") { try newcomer.requestCount("put") == 4 }
    let refusal = try newcomer.ask(#"{"action":"get","key":"k","min_revision":1000}"#)
    #expect(refusal.code == "overloaded" && refusal.error.contains("bulkhead.max_concurrent"))
    #expect(try newcomer.ask(put("n", "x", 0)).code == "overloaded")
    for action in ["ping", "health", "stats", "list_keys"] {
      #expect(try newcomer.ask(#"{"action":"\#(action)"}"#).isSuccess, "\(action)")
    }
    #expect(try newcomer.ask(#"{"action":"get","key":"k"}"#).isSuccess)
    hub.disk.letGo()
    for client in clients { #expect(try client.receive().isSuccess) }
    #expect(try newcomer.ask(put("n", "x", 0)).isSuccess)
  }

  @Test("Requests that wait for others may hold 16 MiB; the next are overloaded")
  func parkedBytes() throws {
    let hub = try HubFixture()
    let client = try Client(hub)
    let content = String(repeating: "x", count: 1_000_000)
    hub.disk.hold()
    try client.send(put("a", "x", -2))
    // Waits for the write before it, and all that follows waits for this.
    try client.send(#"{"action":"checksum","request_id":"-1"}"#)
    for id in 0..<20 { try client.send(put("k\(id)", content, id)) }
    hub.disk.waitUntilHeld()
    let other = try Client(hub)
    try poll("some are refused") { try other.requestCount("error_overloaded") == 3 }
    hub.disk.letGo()
    for id in -2..<20 {
      let reply = try client.receive()
      #expect(reply.requestID == "\(id)" && reply.isSuccess == (id < 17), "\(id): \(reply.text.prefix(200))")
    }
  }

  @Test("A read of a large item that waits for its turn gives the version of that turn")
  func largeReads() throws {
    let hub = try HubFixture()
    let client = try Client(hub)
    let content = String(repeating: "x", count: 500_000)
    try client.put("large", content)
    hub.disk.hold()
    try client.send(put("a", "x", 0))
    for id in 1...40 { try client.send(#"{"action":"get","key":"large","request_id":"\#(id)"}"#) }
    try client.send(put("large", "small", 41))
    try client.send(#"{"action":"get","key":"large","request_id":"42"}"#)
    hub.disk.waitUntilHeld()
    hub.disk.letGo()
    #expect(try client.receive().isSuccess)
    for id in 1...40 {
      let reply = try client.receive()
      #expect(reply.requestID == "\(id)" && reply.result["revision"] as? Int == 1, "\(reply.text.prefix(200))")
      #expect(((reply.result["item"] as? [String: Any])?["content"] as? String)?.utf8.count == 500_000)
    }
    #expect(try client.receive().result["revision"] as? Int == 3)
    #expect(try client.receive().result["revision"] as? Int == 3)
  }

  @Test("Three hundred connections that write at the same time are all answered, each with its own reply")
  func manyConnections() throws {
    let hub = try HubFixture()
    let clients = try (0..<300).map { _ in try Client(hub) }
    for round in 0..<3 {
      for (number, client) in clients.enumerated() { try client.send(put("k\(number)", "r\(round)", number)) }
      for (number, client) in clients.enumerated() {
        let reply = try client.receive()
        #expect(reply.requestID == "\(number)" && reply.result["created"] as? Bool == (round == 0), "\(reply.text)")
      }
    }
    #expect(try clients[0].ask(#"{"action":"checksum"}"#).result["revision"] as? Int == 900)
  }

  @Test("What one connection has not had acknowledged, another does not see")
  func isolation() throws {
    let hub = try HubFixture()
    let (writer, reader) = (try Client(hub), try Client(hub))
    try writer.put("k", "old")
    hub.disk.hold()
    try writer.send(put("k", "new", 1))
    try writer.send(#"{"action":"get","key":"k","request_id":"2"}"#)
    hub.disk.waitUntilHeld()
    try poll("the write has come") { try reader.requestCount("put") == 2 }
    #expect(try reader.ask(#"{"action":"get","key":"k"}"#).result["revision"] as? Int == 1)
    hub.disk.letGo()
    #expect(try writer.receive().result["revision"] as? Int == 2)
    #expect(try writer.receive().result["revision"] as? Int == 2)
    #expect(try reader.ask(#"{"action":"get","key":"k"}"#).result["revision"] as? Int == 2)
  }
}

/// Looks again and again until `isSo`, and fails when that never comes.
func poll(
  _ what: String, _ location: SourceLocation = #_sourceLocation, _ isSo: () throws -> Bool
) throws {
  let deadline = ContinuousClock.now + .seconds(20)
  while try !isSo() {
    try #require(ContinuousClock.now < deadline, "\(what): it never came", sourceLocation: location)
    usleep(2_000)
  }
}
