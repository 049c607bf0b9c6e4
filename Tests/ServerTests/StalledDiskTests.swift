/// A disk that does not answer for a long time: no acknowledgement, and whatever needs no disk is answered. FAULTS: row 22.
import Foundation
import Testing

@Suite("Stalled disk", .timeLimit(.minutes(10)))
struct StalledDiskTests {
  private func put(_ key: String, _ content: String, _ id: Int) -> String {
    #"{"action":"put","key":"\#(key)","item":{"content":"\#(content)"},"request_id":"\#(id)"}"#
  }

  /// What must be answered while nothing is written.
  private func expectAnswers(_ client: Client, _ location: SourceLocation = #_sourceLocation) throws {
    for request in [
      #"{"action":"get","key":"before"}"#, #"{"action":"list_keys"}"#, #"{"action":"batch_get","keys":["before"]}"#,
      #"{"action":"ping"}"#, #"{"action":"stats"}"#, #"{"action":"exists","key":"before"}"#,
    ] {
      let reply = try client.ask(request)
      #expect(reply.isSuccess, "\(reply.text)", sourceLocation: location)
    }
  }

  private func waitForDegraded(_ client: Client) throws -> [String: Any] {
    var found: [String: Any] = [:]
    try poll("health is degraded") {
      let health = try client.ask(#"{"action":"health"}"#).result
      found = (health["components"] as? [String: [String: Any]])?["log"] ?? [:]
      return health["status"] as? String == "degraded"
    }
    return found
  }

  @Test("While fsyncs stall nothing is acknowledged, reads and health are answered, and writes wait for their turn")
  func commits() throws {
    let hub = try HubFixture()
    let (client, other) = (try Client(hub), try Client(hub))
    try client.put("before")
    hub.disk.hold()
    // More than the log takes at once.
    let content = String(repeating: "x", count: 100_000)
    for id in 0..<64 { try client.send(put("k\(id)", content, id)) }
    try client.send(#"{"action":"get","key":"k63","request_id":"64"}"#)
    hub.disk.waitUntilHeld()
    try expectAnswers(other)
    let log = try waitForDegraded(other)
    #expect(log["healthy"] as? Bool == false)
    let waits = (log["info"] as? [String: String])?["oldest_write_waits_ms"].flatMap { Int($0) }
    #expect((waits ?? 0) >= 1_000)
    #expect(try other.ask(#"{"action":"stats"}"#).result["durable_revision"] as? Int == 1)
    // A write of another client waits too, and what comes behind it waits with it.
    try other.send(put("late", "x", 100))
    try other.send(#"{"action":"ping","request_id":"101"}"#)
    hub.disk.letGo()
    for id in 0...64 {
      let reply = try client.receive()
      try #require(reply.requestID == "\(id)" && reply.isSuccess, "\(id): \(reply.text.prefix(200))")
    }
    #expect(try other.receive().requestID == "100")
    #expect(try other.receive().requestID == "101")
    #expect(try other.ask(#"{"action":"health"}"#).result["status"] as? String == "healthy")
  }

  @Test("When as many writes of a client wait as may, its next are overloaded; reads, health and others go on")
  func full() throws {
    let hub = try HubFixture { $0.requestsMax = 100 }
    let (client, other) = (try Client(hub), try Client(hub))
    try client.put("before")
    hub.disk.hold()
    let content = String(repeating: "x", count: 100_000)
    for id in 0..<100 { try client.send(put("k\(id)", content, id)) }
    try poll("the last are overloaded") { try other.requestCount("error_overloaded") == 50 }
    try expectAnswers(other)
    _ = try waitForDegraded(other)
    hub.disk.letGo()
    for id in 0..<100 {
      let reply = try client.receive()
      try #require(reply.requestID == "\(id)", "\(id): \(reply.text.prefix(200))")
      #expect(reply.isSuccess == (id < 50) && (reply.isSuccess || reply.code == "overloaded"))
    }
    #expect(try other.ask(#"{"action":"list_keys","prefix":"k","limit":1000}"#).result["count"] as? Int == 50)
  }

  @Test("While the next segment is being made writes that need it wait, and everything else is answered")
  func preparation() throws {
    let hub = try HubFixture { $0.firstSegmentBytes = 256 << 10 }
    let (client, other) = (try Client(hub), try Client(hub))
    try client.put("before")
    hub.disk.hold(newFilesOnly: true)
    let content = String(repeating: "x", count: 4_000)
    for id in 0..<100 { try client.send(put("k\(id)", content, id)) }
    // These go into the segment that is there.
    for id in 0..<20 { #expect(try client.receive().requestID == "\(id)") }
    hub.disk.waitUntilHeld()
    let log = try waitForDegraded(other)
    #expect(log["healthy"] as? Bool == false)
    try expectAnswers(other)
    #expect(try other.ask(#"{"action":"list_keys","prefix":"k","limit":1000}"#).result["count"] as? Int ?? 100 < 100)
    hub.disk.letGo()
    for id in 20..<100 {
      let reply = try client.receive()
      try #require(reply.requestID == "\(id)" && reply.isSuccess, "\(id): \(reply.text.prefix(200))")
    }
    #expect(try other.ask(#"{"action":"health"}"#).result["status"] as? String == "healthy")
  }

  @Test("When the disk breaks while writes wait for it, all of them get storage_error in their order")
  func brokenMeanwhile() throws {
    let hub = try HubFixture()
    let (client, other) = (try Client(hub), try Client(hub))
    try client.put("before")
    hub.disk.hold()
    let content = String(repeating: "x", count: 100_000)
    for id in 0..<64 { try client.send(put("k\(id)", content, id)) }
    _ = try waitForDegraded(other)
    hub.disk.breakDown()
    hub.disk.letGo()
    for id in 0..<64 {
      let reply = try client.receive()
      #expect(reply.requestID == "\(id)" && reply.code == "storage_error", "\(reply.text.prefix(200))")
    }
    try expectAnswers(other)
    #expect(try other.ask(#"{"action":"health"}"#).result["status"] as? String == "unhealthy")
    #expect(try other.ask(#"{"action":"stats"}"#).result["writes"] as? String == "storage_error")
    #expect(hub.stop() != nil)
  }
}
