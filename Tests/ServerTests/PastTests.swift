/// `history` and reads of the past over the wire: the exact replies, and what they wait for.
import Foundation
import Hub
import LogStore
import Testing

@Suite("The past over the wire", .timeLimit(.minutes(10)))
struct PastTests {
  let hub: HubFixture
  let client: Client

  init() throws {
    hub = try HubFixture()
    client = try Client(hub)
  }

  private func revision(_ request: String) throws -> Int? { try client.ask(request).result["revision"] as? Int }

  @Test("history gives every event of a key as a MemoryEvent, newest first, in pages, deleted or not")
  func history() throws {
    for text in [
      #"{"action":"put","key":"k","item":{"content":"1"},"agent_id":"a","correlation_id":"c"}"#,
      #"{"action":"put","key":"other","item":{"content":"x"}}"#, #"{"action":"put","key":"k","item":{"content":"2"}}"#,
      #"{"action":"delete","key":"k","agent_id":"b"}"#,
    ] { _ = try client.ask(text) }
    let page = try client.ask(#"{"action":"history","key":"k","limit":2,"request_id":"r"}"#)
    let text = page.timeless.replacing(/"event_id":"[0-9a-f-]{36}"/, with: #""event_id":"E""#)
    func item(_ content: String, updated: String) -> String {
      #"{"key":"k","content":"\#(content)","memory_type":"conversation","timestamp":"T","updated_at":\#(updated),"#
        + #""metadata":{},"tags":[],"source_agent":null,"expiry_timestamp":null}"#
    }
    #expect(
      text == #"{"success":true,"action":"history","result":{"events":[{"event_id":"E","event_type":"DELETE","#
        + #""target_key":"k","timestamp":"T","agent_id":"b","payload":null,"previous_value":"#
        + item("2", updated: #""T""#)
        + #","sequence_number":4,"correlation_id":null},{"event_id":"E","event_type":"UPDATE","target_key":"k","#
        + #""timestamp":"T","agent_id":null,"payload":"# + item("2", updated: #""T""#) + #","previous_value":"#
        + item("1", updated: "null")
        + #","sequence_number":3,"correlation_id":null}],"more":true},"timestamp":"T","request_id":"r"}"#)
    let rest = try client.ask(#"{"action":"history","key":"k","before_revision":3}"#)
    let events = try #require(rest.result["events"] as? [[String: Any]])
    #expect(events.count == 1 && rest.result["more"] as? Bool == false)
    #expect(events[0]["event_type"] as? String == "CREATE" && events[0]["previous_value"] is NSNull)
    #expect(events[0]["agent_id"] as? String == "a" && events[0]["correlation_id"] as? String == "c")
    let none = #"{"success":true,"action":"history","result":{"events":[],"more":false},"timestamp":"T"}"#
    for empty in [#""key":"nobody's""#, #""key":"k","before_revision":1"#, #""key":"k","before_revision":0"#] {
      #expect(try client.ask("{\"action\":\"history\",\(empty)}").timeless == none)
    }
  }

  @Test("get at a revision and at a time gives what was there then")
  func past() throws {
    func now() throws -> String {
      let text = try #require(try client.ask(#"{"action":"ping"}"#).object["timestamp"] as? String)
      usleep(2)
      return text
    }
    let before = try now()
    try client.put("k", "1")
    let first = try now()
    try client.put("k", "2")
    _ = try client.ask(#"{"action":"delete","key":"k"}"#)
    let absent = #"{"success":true,"action":"get","result":{"found":false,"item":null,"revision":0},"timestamp":"T"}"#
    for (moment, expected) in [
      (#""at_revision":0"#, nil), (#""at_revision":1"#, 1), (#""at_revision":2"#, 2), (#""at_revision":3"#, nil),
      (#""at_time":"\#(before)""#, nil), (#""at_time":"\#(first)""#, 1), (#""at_time":"\#(try now())""#, nil),
      (#""at_time":"0001-01-01T00:00:00Z""#, nil), (#""min_revision":3,"at_revision":2"#, 2),
    ] {
      let reply = try client.ask("{\"action\":\"get\",\"key\":\"k\",\(moment)}")
      if let expected {
        #expect(reply.result["revision"] as? Int == expected, "\(moment): \(reply.text)")
        #expect((reply.result["item"] as? [String: Any])?["content"] as? String == "\(expected)")
      } else {
        #expect(reply.timeless == absent, "\(moment)")
      }
    }
  }

  @Test("The future, two moments at once, and what is no time are invalid_request and say why")
  func refusals() throws {
    try client.put("k")
    for (moment, word) in [
      (#""at_revision":2"#, "revision 1"), (#""at_revision":18446744073709551615"#, "at_revision"),
      (#""at_time":"9999-12-31T23:59:59Z""#, "future"), (#""at_time":"yesterday""#, "RFC 3339"),
      (#""at_time":5"#, "at_time"), (#""at_revision":"1""#, "at_revision"),
      (#""at_revision":1,"at_time":"2020-01-01T00:00:00Z""#, "both"),
    ] {
      let reply = try client.ask("{\"action\":\"get\",\"key\":\"k\",\(moment)}")
      #expect(reply.code == "invalid_request" && reply.error.contains(word), "\(reply.text)")
    }
    #expect(try client.ask(#"{"action":"history","key":"k","limit":10001}"#).code == "too_large")
    #expect(try client.ask(#"{"action":"history","key":"k","limit":0}"#).code == "invalid_request")
    #expect(try client.ask(#"{"action":"history"}"#).code == "invalid_request")
    #expect(
      try client.ask(#"{"action":"get","key":"k","at_revision":1,"min_revision":9,"wait_ms":0}"#).code == "lagging")
  }

  @Test("Behind writes of the same connection a read of the past and a history see them")
  func pipelined() throws {
    for round in 0..<50 {
      let revision = round * 2 + 1
      try client.send(#"{"action":"put","key":"k","item":{"content":"a"}}"#)
      try client.send(#"{"action":"get","key":"k","at_revision":\#(revision)}"#)
      try client.send(#"{"action":"put","key":"k","item":{"content":"b"}}"#)
      try client.send(#"{"action":"history","key":"k","limit":1}"#)
      _ = try client.receive()
      #expect(try client.receive().result["revision"] as? Int == revision)
      _ = try client.receive()
      let events = try client.receive().result["events"] as? [[String: Any]]
      #expect(events?.first?["sequence_number"] as? Int == revision + 1)
    }
  }

  @Test("at_time waits for another client's write of before that time, and is lagging when the disk does not come")
  func unsettled() throws {
    try client.put("k", "1")
    let writer = try Client(hub)
    hub.disk.hold()
    try writer.send(#"{"action":"put","key":"k","item":{"content":"2"}}"#)
    hub.disk.waitUntilHeld()
    let now = try #require(try client.ask(#"{"action":"ping"}"#).object["timestamp"] as? String)
    let late = try client.ask(#"{"action":"get","key":"k","at_time":"\#(now)","wait_ms":20}"#)
    #expect(late.code == "lagging")
    #expect(try revision(#"{"action":"get","key":"k","at_revision":1}"#) == 1)
    try client.send(#"{"action":"get","key":"k","at_time":"\#(now)","wait_ms":30000}"#)
    hub.disk.letGo()
    #expect(try writer.receive().result["revision"] as? Int == 2)
    #expect(try client.receive().result["revision"] as? Int == 2)
  }

  @Test("A history that does not fit into one reply comes in several, none above the limit")
  func large() throws {
    let text = String(repeating: "x", count: 600_000)
    for _ in 0..<12 { try client.put("k", text) }
    var found: [Int] = []
    var before = 1_000
    while true {
      let reply = try client.ask(#"{"action":"history","key":"k","before_revision":\#(before)}"#)
      let events = try #require(reply.result["events"] as? [[String: Any]])
      #expect(reply.text.utf8.count <= 8 << 20 && !events.isEmpty)
      found += events.compactMap { $0["sequence_number"] as? Int }
      before = found.last ?? 0
      if reply.result["more"] as? Bool == false { break }
      #expect(reply.text.utf8.count > 6 << 20)
    }
    #expect(found == Array((1...12).reversed()))
  }
}
