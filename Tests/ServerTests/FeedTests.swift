/// The change feed over the wire: its reply, its limits, long polls, and who else is disturbed.
import Foundation
import Hub
import LogStore
import TestSupport
import Testing
import ZeroMQ

@Suite("Change feed over the wire", .timeLimit(.minutes(10)))
struct FeedTests {
  private func events(_ from: Int, prefix: String = "", wait: Int = 0, id: String? = nil) -> String {
    let echo = id.map { #","request_id":"\#($0)""# } ?? ""
    return #"{"action":"events","from_revision":\#(from),"prefix":"\#(prefix)","wait_ms":\#(wait)\#(echo)}"#
  }

  private func revisions(_ reply: Reply) -> [Int] {
    (reply.result["events"] as? [[String: Any]] ?? []).map { $0["sequence_number"] as? Int ?? -1 }
  }

  private func stats(_ client: Client) throws -> [String: Any] { try client.ask(#"{"action":"stats"}"#).result }

  @Test("A reply has the events as logstore-dump prints them, and where to go on")
  func shape() throws {
    let hub = try HubFixture()
    let client = try Client(hub)
    _ = try client.ask(
      #"{"action":"put","key":"a","item":{"content":"x"},"agent_id":"A","correlation_id":"c-1"}"#)
    _ = try client.ask(#"{"action":"delete","key":"a","agent_id":"B"}"#)
    let item =
      #"{"key":"a","content":"x","memory_type":"conversation","timestamp":"T","updated_at":null,"metadata":{},"#
      + #""tags":[],"source_agent":null,"expiry_timestamp":null}"#
    let reply = try client.ask(#"{"action":"events","request_id":"r"}"#)
    let ids = (reply.result["events"] as? [[String: Any]] ?? []).compactMap { $0["event_id"] as? String }
    #expect(ids.count == 2 && Set(ids).count == 2)
    let text = ids.reduce(reply.timeless) { $0.replacing($1, with: "ID") }
    #expect(
      text == #"{"success":true,"action":"events","result":{"events":["#
        + #"{"event_id":"ID","event_type":"CREATE","target_key":"a","timestamp":"T","agent_id":"A","payload":\#(item),"#
        + #""previous_value":null,"sequence_number":1,"correlation_id":"c-1"},"#
        + #"{"event_id":"ID","event_type":"DELETE","target_key":"a","timestamp":"T","agent_id":"B","payload":null,"#
        + #""previous_value":\#(item),"sequence_number":2,"correlation_id":null}"#
        + #"],"next_revision":3,"more":false,"revision":2,"epoch":1},"timestamp":"T","request_id":"r"}"#)
    #expect(try client.ask(events(1)).result["next_revision"] as? Int == 3)
    #expect(revisions(try client.ask(events(2))) == [2])
    #expect(revisions(try client.ask(#"{"action":"events","limit":1}"#)) == [1])
    let missed = try client.ask(events(3, wait: 30))
    #expect(revisions(missed).isEmpty && missed.result["next_revision"] as? Int == 3 && missed.isSuccess)
  }

  @Test("from_time begins with the first event of that time or later")
  func fromTime() throws {
    let hub = try HubFixture()
    let client = try Client(hub)
    for _ in 0..<3 { try client.put("k") }
    let all = try client.ask(#"{"action":"events"}"#).result["events"] as? [[String: Any]] ?? []
    let second = try #require(all.dropFirst().first?["timestamp"] as? String)
    #expect(revisions(try client.ask(#"{"action":"events","from_time":"\#(second)"}"#)) == [2, 3])
    #expect(try client.ask(#"{"action":"events","from_time":"1999-01-01"}"#).code == "invalid_request")
    #expect(revisions(try client.ask(#"{"action":"events","from_time":"1999-01-01T00:00:00Z"}"#)) == [1, 2, 3])
    let future = try client.ask(#"{"action":"events","from_time":"9999-01-01T00:00:00Z"}"#)
    #expect(revisions(future).isEmpty && future.result["next_revision"] as? Int == 4)
    #expect(
      try client.ask(#"{"action":"events","from_time":"\#(second)","from_revision":1}"#).code == "invalid_request")
  }

  @Test("Limits of the request: each names what is wrong")
  func malformed() throws {
    let hub = try HubFixture()
    let client = try Client(hub)
    for (field, value, code) in [
      ("limit", "0", "invalid_request"), ("limit", "10001", "too_large"), ("limit", "1.5", "invalid_request"),
      ("limit", #""7""#, "invalid_request"), ("wait_ms", "30001", "invalid_request"),
      ("wait_ms", "-1", "invalid_request"), ("from_revision", "-1", "invalid_request"),
      ("from_revision", #""1""#, "invalid_request"), ("from_revision", "18446744073709551616", "invalid_request"),
      ("prefix", "7", "invalid_request"), ("prefix", "\"\(String(repeating: "p", count: 1_025))\"", "too_large"),
      ("from_time", "7", "invalid_request"), ("from_time", #""yesterday""#, "invalid_request"),
    ] {
      let reply = try client.ask(#"{"action":"events","\#(field)":\#(value)}"#)
      #expect(reply.code == code && reply.error.contains(field), "\(field) \(value): \(reply.text)")
    }
    #expect(try client.ask(#"{"action":"events","limit":10000,"wait_ms":null}"#).isSuccess)
    #expect(try client.ask(events(Int.max)).result["next_revision"] as? Int == Int.max)
  }

  @Test("A thousand waiting readers, with one prefix and with many, each get the new event, and only they")
  func thousand() throws {
    let hub = try HubFixture()
    let (client, other) = (try Client(hub), try Client(hub))
    for number in 0..<1_000 {
      let prefix = number % 2 == 0 ? "shared/" : "own/\(number)/"
      try client.send(
        frames: [Array("c\(number)".utf8), [], Array(events(0, prefix: prefix, wait: 30_000, id: "\(number)").utf8)])
    }
    try poll("all wait") { try stats(other)["feed_waiting"] as? Int == 1_000 }
    let before = try #require(try stats(other)["feed_read_bytes"] as? Int)
    // Idle, and busy with what nobody waits for: neither costs the readers anything.
    for number in 0..<200 { try other.put("elsewhere/\(number)") }
    #expect(try stats(other)["feed_read_bytes"] as? Int == before)
    #expect(try stats(other)["feed_waiting"] as? Int == 1_000)
    let shared = try other.put("shared/x")
    var seen = Set<String>()
    func take(_ revision: Int, _ isExpected: (Int) -> Bool) throws {
      let frames = try client.receiveFrames()
      let reply = Reply(frames[2])
      let id = try #require(reply.requestID.flatMap { Int($0) })
      #expect(frames[0] == Array("c\(id)".utf8) && isExpected(id))
      #expect(revisions(reply) == [revision] && reply.result["next_revision"] as? Int == revision + 1, "\(reply.text)")
      seen.insert("\(id)")
    }
    for _ in 0..<500 { try take(shared) { $0 % 2 == 0 } }
    for number in stride(from: 1, to: 1_000, by: 2) {
      let revision = try other.put("own/\(number)/y")
      try take(revision) { $0 == number }
    }
    #expect(seen.count == 1_000)
    #expect(try stats(other)["feed_waiting"] as? Int == 0)
  }

  @Test("A reader that goes on behind each event it got sees every event of its prefix, once, while others write")
  func follow() throws {
    let hub = try HubFixture()
    let (writer, reader) = (try Client(hub), try Client(hub))
    var random = SeededGenerator.fromEnvironment("feed follow")
    var expected: [Int] = []
    var seen: [Int] = []
    var next = 0
    var sent = 0
    func read() throws {
      let reply = try reader.ask(events(next, prefix: "a", wait: 1))
      seen += revisions(reply)
      next = try #require(reply.result["next_revision"] as? Int)
    }
    for round in 0..<150 {
      let count = Int.random(in: 1..<20, using: &random)
      for number in 0..<count {
        let key = ["a", "a/1", "b"].randomElement(using: &random)!
        try writer.send(#"{"action":"put","key":"\#(key)","item":{"content":"\#(round) \#(number)"}}"#)
        if key.hasPrefix("a") { expected.append(sent + number + 1) }
      }
      sent += count
      if round % 3 == 0 { try read() }
      for _ in 0..<count { #expect(try writer.receive().isSuccess) }
      if round % 2 == 0 { try read() }
    }
    try read()
    #expect(seen == expected && next == sent + 1)
  }

  @Test("What comes behind a waiting reader on its connection waits too, and is answered in its turn")
  func order() throws {
    let hub = try HubFixture()
    let (reader, writer) = (try Client(hub), try Client(hub))
    try reader.send(events(1, wait: 30_000, id: "0"))
    try reader.send(#"{"action":"get","key":"k","request_id":"1"}"#)
    try reader.send(events(1, wait: 30_000, id: "2"))
    try reader.send(#"{"action":"ping","request_id":"3"}"#)
    try poll("it waits") { try stats(writer)["feed_waiting"] as? Int == 1 }
    try writer.put("k")
    for id in 0..<4 { #expect(try reader.receive().requestID == "\(id)") }
    // A read of the feed sees the writes before it on its connection.
    try reader.send(#"{"action":"put","key":"k","item":{"content":"y"}}"#)
    try reader.send(events(2))
    #expect(try reader.receive().result["revision"] as? Int == 2)
    #expect(revisions(try reader.receive()) == [2])
  }

  @Test("At the end of its time a reader is told that it has missed nothing")
  func deadlines() throws {
    let hub = try HubFixture()
    let (reader, writer) = (try Client(hub), try Client(hub))
    for wait in [1, 400, 90, 200] {
      try reader.send(frames: [Array("w\(wait)".utf8), [], Array(events(0, prefix: "n", wait: wait).utf8)])
    }
    try poll("they wait") { try stats(writer)["feed_waiting"] as? Int ?? 0 >= 2 }
    for number in 0..<5 { try writer.put("other/\(number)") }
    for wait in [1, 90, 200, 400] {
      let frames = try reader.receiveFrames()
      let reply = Reply(frames[2])
      #expect(frames[0] == Array("w\(wait)".utf8) && reply.isSuccess && revisions(reply).isEmpty, "\(reply.text)")
      if wait == 400 { #expect(reply.result["next_revision"] as? Int == 6) }
    }
  }

  @Test("A stop answers those who wait with an empty page, and ends in time")
  func stop() throws {
    let hub = try HubFixture()
    let (reader, other) = (try Client(hub), try Client(hub))
    for number in 0..<300 {
      try reader.send(frames: [Array("c\(number)".utf8), [], Array(events(9, wait: 30_000).utf8)])
    }
    try poll("they wait") { try stats(other)["feed_waiting"] as? Int == 300 }
    hub.askToStop()
    for _ in 0..<300 {
      let reply = Reply(try reader.receiveFrames()[2])
      #expect(reply.isSuccess && revisions(reply).isEmpty && reply.result["next_revision"] as? Int == 9)
    }
    #expect(hub.stop() == nil)
  }

  @Test("Of what may wait, readers take half: writes find room, however many wait for events")
  func bulkhead() throws {
    let hub = try HubFixture { $0.requestsMax = 100 }
    let (reader, other) = (try Client(hub), try Client(hub))
    for number in 0..<60 {
      try reader.send(frames: [Array("c\(number)".utf8), [], Array(events(0, prefix: "n", wait: 30_000).utf8)])
    }
    for _ in 0..<10 {
      let reply = Reply(try reader.receiveFrames()[2])
      #expect(reply.code == "overloaded" && reply.error.contains("bulkhead"), "\(reply.text)")
    }
    #expect(try stats(other)["feed_waiting"] as? Int == 50)
    try other.put("k")
    #expect(try other.ask(events(0)).isSuccess)
  }

  @Test("Long pages come whole, several at a time, and a reader that never reads loses its replies and nobody else's")
  func slowReader() throws {
    let hub = try HubFixture { $0.durability = .interval }
    let (slow, quick) = (try Client(hub) { try $0.set(.receiveHighWater, 1) }, try Client(hub))
    let content = String(repeating: "x", count: 100_000)
    for number in 0..<150 { try quick.put("k\(number)", content) }
    for _ in 0..<100 { try slow.send(events(0)) }
    for _ in 0..<20 {
      let reply = try quick.ask(events(0))
      #expect(revisions(reply).count == 83 && reply.result["more"] as? Bool == true, "\(reply.text.count)")
      #expect(try quick.ask(#"{"action":"get","key":"k1"}"#).isSuccess)
    }
    try poll("the slow one is refused") { try quick.requestCount("error_overloaded") > 0 }
    #expect(revisions(try quick.ask(events(84))) == Array(84...150))
  }

  @Test("Several readers that catch up and one that follows are all answered, each with its own")
  func lines() throws {
    let hub = try HubFixture { $0.durability = .none }
    let (client, other) = (try Client(hub), try Client(hub))
    for start in stride(from: 0, to: 6_000, by: 1_000) {
      for number in start..<start + 1_000 {
        try client.send(
          #"{"action":"put","key":"k\#(number)","item":{"content":"\#(String(repeating: "x", count: 300))"}}"#)
      }
      for _ in 0..<1_000 { #expect(try client.receive().isSuccess) }
    }
    for number in 0..<20 {
      let request = #"{"action":"events","from_revision":\#(number * 10),"limit":10000,"request_id":"\#(number)"}"#
      try client.send(frames: [Array("c\(number)".utf8), [], Array(request.utf8)])
    }
    #expect(revisions(try other.ask(events(6_000))) == [6_000])
    var pages: [Int: Reply] = [:]
    for _ in 0..<20 {
      let reply = Reply(try client.receiveFrames()[2])
      pages[Int(reply.requestID ?? "") ?? -1] = reply
    }
    for number in 0..<20 {
      let reply = try #require(pages[number])
      #expect(revisions(reply) == Array(max(1, number * 10)...6_000) && reply.result["more"] as? Bool == false)
    }
  }
}
