/// Conditions, repeats, expiry and waiting reads, as a client sees them.
import Foundation
import Testing

@Suite("Writes and conditions over the wire", .timeLimit(.minutes(10)))
struct WriteTests {
  let hub: HubFixture
  let client: Client

  init() throws {
    hub = try HubFixture()
    client = try Client(hub)
  }

  private let item = #""item":{"content":"x"}"#

  @Test("A conflict tells what is there: revision 0 and null when nothing is")
  func conflict() throws {
    let absent = try client.ask(#"{"action":"put","key":"k",\#(item),"if_revision":5}"#)
    #expect(absent.code == "conflict")
    #expect(absent.text.contains(#""code":"conflict","current":{"revision":0,"item":null},"timestamp":"#))
    try client.put("k", "first")
    for request in [
      #"{"action":"put","key":"k",\#(item),"if_revision":0}"#, #"{"action":"delete","key":"k","if_revision":7}"#,
    ] {
      let reply = try client.ask(request)
      let current = reply.object["current"] as? [String: Any]
      #expect(reply.code == "conflict" && current?["revision"] as? Int == 1, "\(reply.text)")
      #expect((current?["item"] as? [String: Any])?["content"] as? String == "first")
      #expect(reply.object["index"] == nil)
    }
    #expect(try client.ask(#"{"action":"put","key":"k",\#(item),"if_revision":1}"#).result["revision"] as? Int == 2)
    #expect(try client.ask(#"{"action":"delete","key":"k","if_revision":2}"#).isSuccess)
  }

  @Test("A batch with a conflict changes nothing and names the operation")
  func batchConflict() throws {
    try client.put("b", "there")
    let reply = try client.ask(
      #"{"action":"batch","operations":[{"op":"put","key":"a",\#(item)},{"op":"put","key":"b",\#(item),"if_revision":0}]}"#
    )
    #expect(reply.code == "conflict" && reply.object["index"] as? Int == 1, "\(reply.text)")
    #expect((reply.object["current"] as? [String: Any])?["revision"] as? Int == 1)
    // Behind the next write, so that what the batch had left would be there by now.
    try client.put("c", "there")
    #expect(try client.ask(#"{"action":"list_keys"}"#).result["keys"] as? [String] == ["b", "c"])
  }

  @Test("A conflict with a write that is not durable yet waits for it")
  func pendingConflict() throws {
    let other = try Client(hub)
    hub.disk.hold()
    try client.send(#"{"action":"put","key":"k",\#(item)}"#)
    hub.disk.waitUntilHeld()
    try poll("the write has come") { try other.requestCount("put") == 1 }
    let second = try Client(hub)
    try second.send(#"{"action":"put","key":"k",\#(item),"if_revision":0}"#)
    try poll("both have come") { try other.requestCount("put") == 2 }
    #expect(try other.requestCount("error_conflict") == 0)
    hub.disk.letGo()
    let reply = try second.receive()
    #expect(reply.code == "conflict" && (reply.object["current"] as? [String: Any])?["revision"] as? Int == 1)
  }

  @Test("A repeat with the same agent and request id gives the first outcome, also after a restart")
  func repeats() throws {
    let directory = NSTemporaryDirectory() + "/mfh-server-tests-" + UUID().uuidString
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let put = #"{"action":"put","key":"k","item":{"content":"x"},"agent_id":"a","request_id":"1"}"#
    let delete = #"{"action":"delete","key":"k","agent_id":"a","request_id":"2"}"#
    let batch =
      #"{"action":"batch","operations":[{"op":"put","key":"k",\#(item)},{"op":"delete","key":"none"},"#
      + #"{"op":"delete","key":"k"}],"agent_id":"a","request_id":"3"}"#
    var first: [String] = []
    for round in 0..<3 {
      let hub = try HubFixture { $0.directory = directory }
      let client = try Client(hub)
      for _ in 0..<2 {
        let replies = try [put, delete, batch].map { try client.ask($0).timeless }
        if first.isEmpty { first = replies }
        #expect(replies == first, "round \(round)")
      }
      let other = try client.ask(put.replacingOccurrences(of: "\"x\"", with: "\"y\""))
      #expect(other.code == "invalid_request" && other.error.contains("request_id"), "\(other.text)")
      #expect(try client.ask(#"{"action":"checksum"}"#).result["revision"] as? Int == 4)
      #expect(hub.stop() == nil)
    }
  }

  @Test("Without an agent a request id is only echoed; another agent's is another")
  func noRepeats() throws {
    for revision in 1...2 {
      let reply = try client.ask(#"{"action":"put","key":"k",\#(item),"request_id":"1"}"#)
      #expect(reply.result["revision"] as? Int == revision)
    }
    for (agent, revision) in [("a", 3), ("b", 4), ("a", 3)] {
      let reply = try client.ask(#"{"action":"put","key":"k",\#(item),"request_id":"1","agent_id":"\#(agent)"}"#)
      #expect(reply.result["revision"] as? Int == revision)
    }
  }

  @Test("A key with a time to live is there, then is not, and an EXPIRE event takes a revision")
  func expiry() throws {
    #expect(try client.ask(#"{"action":"put","key":"k",\#(item),"ttl_seconds":0.3}"#).isSuccess)
    #expect(try client.ask(#"{"action":"put","key":"later",\#(item),"ttl_seconds":3600}"#).isSuccess)
    try poll("it expires") { try client.ask(#"{"action":"exists","key":"k"}"#).result["exists"] as? Bool == false }
    #expect(try client.ask(#"{"action":"get","key":"k"}"#).result["found"] as? Bool == false)
    #expect(try client.ask(#"{"action":"list_keys"}"#).result["keys"] as? [String] == ["later"])
    #expect(try client.ask(#"{"action":"checksum"}"#).result["revision"] as? Int == 3)
    let events = try client.ask(#"{"action":"stats"}"#).result["events"] as? [String: Int]
    #expect(events?["EXPIRE"] == 1)
    #expect(try client.ask(#"{"action":"put","key":"k",\#(item),"if_revision":0}"#).result["created"] as? Bool == true)
  }

  @Test("min_revision waits until the revision is there; later replies of the same client wait behind it")
  func waiting() throws {
    let other = try Client(hub)
    try client.send(#"{"action":"get","key":"k","min_revision":2,"wait_ms":30000,"request_id":"1"}"#)
    try client.send(#"{"action":"ping","request_id":"2"}"#)
    try other.put("k")
    #expect(try other.ask(#"{"action":"ping"}"#).isSuccess)
    try other.put("k")
    let reply = try client.receive()
    #expect(reply.requestID == "1" && reply.result["revision"] as? Int == 2, "\(reply.text)")
    #expect(try client.receive().requestID == "2")
  }

  @Test("min_revision that does not come is lagging after wait_ms, at once with 0")
  func lagging() throws {
    for read in [#"get","key":"k"#, #"exists","key":"k"#, "list_keys", "checksum"] {
      for wait in [0, 20] {
        let reply = try client.ask(#"{"action":"\#(read)","min_revision":1,"wait_ms":\#(wait)}"#)
        #expect(reply.code == "lagging" && reply.error.contains("min_revision"), "\(reply.text)")
      }
      #expect(try client.ask(#"{"action":"\#(read)","min_revision":0}"#).isSuccess)
    }
    #expect(try client.ask(#"{"action":"batch_get","keys":[],"min_revision":1,"wait_ms":1}"#).code == "lagging")
    for wait in ["30001", "99999999999"] {
      let reply = try client.ask(#"{"action":"get","key":"k","wait_ms":\#(wait)}"#)
      #expect(reply.code == "invalid_request" && reply.error.contains("30000"), "\(reply.text)")
    }
    #expect(try client.ask(#"{"action":"get","key":"k","wait_ms":30000}"#).isSuccess)
    // A write does not wait for itself.
    #expect(try client.ask(#"{"action":"put","key":"k",\#(item),"min_revision":1000}"#).isSuccess)
  }

  @Test("Waiting reads end one by one, each at its own time")
  func deadlines() throws {
    let clients = try (0..<20).map { _ in try Client(hub) }
    for (number, waiting) in clients.enumerated() {
      try waiting.send(
        #"{"action":"get","key":"k","min_revision":\#(1 + number % 2 * 1000),"wait_ms":\#(300 + number)}"#)
    }
    try client.put("k")
    for (number, waiting) in clients.enumerated() {
      let reply = try waiting.receive()
      #expect(reply.code == (number % 2 == 0 ? nil : "lagging"), "\(number): \(reply.text)")
    }
  }
}
