/// Sizes and counts at their limits, and one beyond. CONTRACT: "Limits".
import Foundation
import Testing
import Threads
import ZeroMQ

@testable import Server

@Suite("Limits", .timeLimit(.minutes(10)))
struct LimitTests {
  let hub: HubFixture
  let client: Client

  init() throws {
    hub = try HubFixture()
    client = try Client(hub)
  }

  private func expectTooLarge(_ reply: Reply, _ limit: String, _ location: SourceLocation = #_sourceLocation) {
    #expect(reply.code == "too_large" && reply.error.contains(limit), "\(reply.text)", sourceLocation: location)
  }

  private func text(_ count: Int) -> String { String(repeating: "x", count: count) }

  @Test("A key has at most 1,024 bytes, counted without the white space around it and in UTF-8")
  func keys() throws {
    for key in [text(1_024), "  " + text(1_024) + "\\t", String(repeating: "é", count: 512)] {
      try client.put(key)
      #expect(try client.ask(#"{"action":"exists","key":"\#(key)"}"#).result["exists"] as? Bool == true)
    }
    for key in [text(1_025), String(repeating: "é", count: 512) + "x"] {
      for request in [
        #"{"action":"put","key":"\#(key)","item":{"content":"x"}}"#, #"{"action":"get","key":"\#(key)"}"#,
        #"{"action":"batch_get","keys":["\#(key)"]}"#,
        #"{"action":"batch","operations":[{"op":"delete","key":"\#(key)"}]}"#,
      ] { expectTooLarge(try client.ask(request), "key_bytes") }
    }
  }

  @Test("An item has at most 1 MiB as stored: exactly that is taken, one byte more is not")
  func items() throws {
    try client.put("k", "")
    let stored = try client.ask(#"{"action":"get","key":"k"}"#).text
    let start = try #require(stored.range(of: #""item":"#)).upperBound
    let end = try #require(stored.range(of: #","revision":1}"#)).lowerBound
    // The update's time takes the place of null; each byte of the content is one more.
    let frame = stored[start..<end].utf8.count - 4 + 29
    #expect(try client.put("k", text((1 << 20) - frame)) == 2)
    expectTooLarge(
      try client.ask(#"{"action":"put","key":"k","item":{"content":"\#(text((1 << 20) - frame + 1))"}}"#), "item_bytes")
    #expect(try client.ask(#"{"action":"get","key":"k"}"#).result["revision"] as? Int == 2)
  }

  @Test("Ids have at most 256 bytes")
  func ids() throws {
    for field in ["agent_id", "correlation_id", "request_id"] {
      #expect(try client.ask(#"{"action":"ping","\#(field)":"\#(text(256))"}"#).isSuccess)
      let reply = try client.ask(#"{"action":"ping","\#(field)":"\#(text(257))"}"#)
      expectTooLarge(reply, field)
      #expect(reply.requestID == nil)
    }
    let escaped = String(repeating: "\\u00e9", count: 128)
    #expect(try client.ask(#"{"action":"ping","request_id":"\#(escaped)"}"#).text.contains(escaped))
  }

  @Test("A request of 4 MiB is answered, one byte more is too_large, and so is one of 8 MiB")
  func requests() throws {
    func request(_ count: Int) -> String {
      let frame = #"{"action":"ping","x":""}"#
      return #"{"action":"ping","x":"\#(text(count - frame.utf8.count))"}"#
    }
    #expect(try client.ask(request(4 << 20)).isSuccess)
    expectTooLarge(try client.ask(request((4 << 20) + 1)), "request_bytes")
    expectTooLarge(try client.ask(request(8 << 20)), "request_bytes")
  }

  @Test("Beyond 8 MiB the connection is closed; a new one works")
  func connectionClosed() throws {
    let hostile = try Client(hub) {
      try $0.set(.receiveTimeout, 300)
      try $0.set(.reconnectInterval, 20)
    }
    #expect(try hostile.ask(#"{"action":"ping"}"#).isSuccess)
    try hostile.send(frames: [[], [UInt8](repeating: 0x20, count: (8 << 20) + 1)])
    #expect(throws: NoReply.self) { _ = try hostile.receive() }
    #expect(try client.ask(#"{"action":"ping"}"#).isSuccess)
    #expect(try Client(hub).ask(#"{"action":"ping"}"#).isSuccess)
  }

  @Test("A batch has at most 1,024 operations, batch_get at most 1,024 keys")
  func counts() throws {
    func operations(_ count: Int) -> String {
      (0..<count).map { #"{"op":"put","key":"\#($0)","item":{"content":"x"}}"# }.joined(separator: ",")
    }
    func keys(_ count: Int) -> String { (0..<count).map { "\"\($0)\"" }.joined(separator: ",") }
    expectTooLarge(try client.ask(#"{"action":"batch","operations":[\#(operations(1_025))]}"#), "batch_operations")
    let reply = try client.ask(#"{"action":"batch","operations":[\#(operations(1_024))]}"#)
    #expect(reply.result["revision"] as? Int == 1_024)
    #expect((reply.result["results"] as? [Any])?.count == 1_024)
    expectTooLarge(try client.ask(#"{"action":"batch_get","keys":[\#(keys(1_025))]}"#), "batch_get_keys")
    #expect(try client.ask(#"{"action":"batch_get","keys":[\#(keys(1_024))]}"#).result["found_count"] as? Int == 1_024)
  }

  @Test("limit is 100 unless given, at least 1 and at most 10,000")
  func listLimit() throws {
    let operations = (0..<101).map { #"{"op":"put","key":"\#($0)","item":{"content":"x"}}"# }.joined(separator: ",")
    _ = try client.ask(#"{"action":"batch","operations":[\#(operations)]}"#)
    let first = try client.ask(#"{"action":"list_keys"}"#).result
    #expect(first["count"] as? Int == 100 && first["more"] as? Bool == true)
    let all = try client.ask(#"{"action":"list_keys","limit":10000}"#).result
    #expect(all["count"] as? Int == 101 && all["more"] as? Bool == false)
    expectTooLarge(try client.ask(#"{"action":"list_keys","limit":10001}"#), "list_limit")
    let none = try client.ask(#"{"action":"list_keys","limit":0}"#)
    #expect(none.code == "invalid_request" && none.error.contains("limit"))
  }

  @Test("A list that would be larger than 8 MiB stops early with more, and goes on from there")
  func replyOfList() throws {
    // The longest keys, of which each byte takes two in JSON.
    let pad = String(repeating: #"\""#, count: 1_019)
    var stored = 0
    for start in stride(from: 0, to: 5_000, by: 1_000) {
      let operations = (start..<start + 1_000).map {
        #"{"op":"put","key":"\#(pad)\#($0 + 10_000)","item":{"session_id":"s"}}"#
      }
      // Requests have a limit too.
      for part in [operations[..<500], operations[500...]] {
        let reply = try client.ask(#"{"action":"batch","operations":[\#(part.joined(separator: ","))]}"#)
        #expect(reply.isSuccess, "\(reply.text.prefix(300))")
        stored += part.count
      }
    }
    var keys: [String] = []
    var replies = 0
    var after = ""
    while true {
      let reply = try client.ask(#"{"action":"list_keys","limit":10000,"start_after":"\#(after)"}"#)
      #expect(reply.text.utf8.count <= 8 << 20)
      keys += try #require(reply.result["keys"] as? [String])
      replies += 1
      guard reply.result["more"] as? Bool == true else { break }
      after = try #require(keys.last).replacingOccurrences(of: "\"", with: "\\\"")
    }
    #expect(replies > 1 && keys.count == stored && Set(keys).count == stored)
  }

  @Test("A batch_get that would be larger than 8 MiB is too_large")
  func replyOfBatchGet() throws {
    for number in 0..<9 { try client.put("k\(number)", text(1_000_000)) }
    let eight = (0..<8).map { "\"k\($0)\"" }.joined(separator: ",")
    #expect(try client.ask(#"{"action":"batch_get","keys":[\#(eight)]}"#).result["found_count"] as? Int == 8)
    expectTooLarge(try client.ask(#"{"action":"batch_get","keys":[\#(eight),"k8"]}"#), "reply_bytes")
  }

  @Test("Waiting for a revision takes half of what may wait, with all that is sent behind: writes find room")
  func waitingByChoice() throws {
    let hub = try HubFixture { $0.requestsMax = 100 }
    let (reader, another, other) = (try Client(hub), try Client(hub), try Client(hub))
    let never = #"{"action":"get","key":"k","min_revision":1000,"wait_ms":30000}"#
    func send(_ body: String, as name: String, to reader: Client) throws {
      try reader.send(frames: [Array(name.utf8), [], Array(body.utf8)])
    }
    for number in 0..<30 { try send(never, as: "c\(number)", to: reader) }
    // Behind one of them: what is within the half waits, and the refusals of the others wait for their turn.
    for _ in 0..<60 { try send(#"{"action":"ping"}"#, as: "c0", to: reader) }
    try poll("all have come") { try other.requestCount("error_overloaded") == 40 }
    for number in 30..<40 {
      try send(never, as: "c\(number)", to: another)
      let reply = Reply(try another.receiveFrames()[2])
      #expect(reply.code == "overloaded" && reply.error.contains("wait for revisions and events"), "\(reply.text)")
      #expect(reply.text.contains("retry_after_ms"))
    }
    let call = GateAnswer()
    #expect(hub.gate.submit(GateCall(Array(never.utf8)) { call.give($0) }) == nil)
    #expect(try call.wait().contains("overloaded"))
    for number in 1...20 { try other.put("k\(number)") }
    #expect(try other.requestCount("error_overloaded") == 10 + 40 + 1)
  }
}

/// What a call at the gate is answered.
private final class GateAnswer: Sendable {
  private let text = Monitor<String?>(nil)

  func give(_ bytes: [UInt8]) { text.with(waking: true) { $0 = String(decoding: bytes, as: UTF8.self) } }
  func wait() throws -> String { try #require(text.wait(milliseconds: 10_000) { $0 }) }
}
