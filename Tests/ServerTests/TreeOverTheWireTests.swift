/// `proof` over the wire: what is waited for, what never comes, and what a stop makes of it.
import LogStore
import Testing

@testable import Server

@Suite("Proofs over the wire", .timeLimit(.minutes(10)))
struct TreeOverTheWireTests {
  /// Nothing makes its log durable but a seal, a stop, or who asks for it.
  private static func weakHub() throws -> HubFixture {
    try HubFixture {
      $0.durability = .none
      $0.keepsTree = true
    }
  }

  @Test("What no acknowledgement has made durable is made so for a proof; a deleted key has one too")
  func weakerMode() throws {
    let hub = try Self.weakHub()
    let client = try Client(hub)
    try client.put("k")
    #expect(try client.ask(#"{"action":"proof","key":"k"}"#).result["revision"] as? Int == 1)
    #expect(try client.ask(#"{"action":"delete","key":"k"}"#).isSuccess)
    #expect(try client.ask(#"{"action":"proof","key":"k"}"#).result["revision"] as? Int == 2)
    #expect(try client.ask(#"{"action":"proof","key":"other"}"#).result["found"] as? Bool == false)
    #expect(hub.stop() == nil)
  }

  @Test("Proofs that are asked for just before a stop are answered, and it ends")
  func stop() throws {
    let hub = try Self.weakHub()
    let client = try Client(hub)
    try client.put("k")
    for number in 0..<50 { try client.send(#"{"action":"proof","key":"k","request_id":"\#(number)"}"#) }
    hub.askToStop()
    for _ in 0..<50 { #expect(["shutting_down", nil].contains(try client.receive().code)) }
    #expect(hub.stop() == nil)
  }

  @Test("A proof of what will never be durable is refused, not waited for")
  func brokenDisk() throws {
    let hub = try Self.weakHub()
    let client = try Client(hub)
    try client.put("k")
    hub.disk.breakDown()
    #expect(try client.ask(#"{"action":"proof","key":"k"}"#).code == "storage_error")
    hub.stop()
  }

  @Test("events waits for min_revision as every read does")
  func minRevision() throws {
    let hub = try HubFixture()
    let client = try Client(hub)
    try client.put("k")
    let late = try client.ask(#"{"action":"events","from_revision":1,"min_revision":2,"wait_ms":1}"#)
    #expect(late.code == "lagging")
    try client.send(#"{"action":"events","from_revision":1,"min_revision":2,"wait_ms":20000}"#)
    try Client(hub).put("l")
    #expect((try client.receive().result["events"] as? [Any])?.count == 2)
    #expect(hub.stop() == nil)
  }
}
