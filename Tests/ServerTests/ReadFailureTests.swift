/// A disk on which something can not be read any more: a typed error that names the place, never wrong bytes. FAULTS: row 16.
import Foundation
import Testing

@Suite("Reads that fail", .timeLimit(.minutes(10)))
struct ReadFailureTests {
  /// A hub that has just started, with two keys of which only the second can be read.
  private func damaged(_ directory: String) throws -> (HubFixture, Client) {
    var boundary = 0
    do {
      let hub = try HubFixture { $0.directory = directory }
      let client = try Client(hub)
      try client.put("bad", "bad")
      boundary = try #require(try client.ask(#"{"action":"stats"}"#).result["active_offset"] as? Int)
      try client.put("good", "good")
      #expect(hub.stop() == nil)
    }
    let hub = try HubFixture { $0.directory = directory }
    hub.disk.loseBytes(below: UInt64(boundary))
    return (hub, try Client(hub))
  }

  @Test("get, batch_get, a conflict and a write over it get storage_error with segment and offset; others go on")
  func everyAction() throws {
    let directory = try ScratchDirectory()
    let (hub, client) = try damaged(directory.path)
    for request in [
      #"{"action":"get","key":"bad"}"#, #"{"action":"batch_get","keys":["good","bad"]}"#,
      #"{"action":"put","key":"bad","item":{"content":"new"}}"#, #"{"action":"delete","key":"bad"}"#,
      #"{"action":"put","key":"bad","item":{"content":"new"},"if_revision":7}"#,
      #"{"action":"batch","operations":[{"op":"put","key":"n","item":{"content":"x"}},{"op":"delete","key":"bad"}]}"#,
    ] {
      let reply = try client.ask(request)
      #expect(reply.code == "storage_error", "\(reply.text)")
      #expect(reply.error.contains(/segment 1 offset \d+: .*Input\/output error/), "\(reply.error)")
      #expect(reply.object["current"] == nil && reply.object["result"] == nil)
    }
    #expect(try client.ask(#"{"action":"checksum"}"#).result["revision"] as? Int == 2, "nothing was written")
    let read = try client.ask(#"{"action":"get","key":"good"}"#)
    #expect((read.result["item"] as? [String: Any])?["content"] as? String == "good")
    #expect(try client.put("good", "newer") == 3)
    #expect(try client.put("n") == 4)
    #expect(try client.ask(#"{"action":"health"}"#).result["status"] as? String == "healthy")

    // A conflict whose item can not be read: the condition is met by what the hub remembers of its own write.
    hub.disk.loseBytes(below: .max)
    let conflict = try client.ask(#"{"action":"put","key":"good","item":{"content":"x"},"if_revision":1}"#)
    #expect(conflict.code == "storage_error" && conflict.object["current"] == nil, "\(conflict.text)")
    hub.disk.loseBytes(below: 0)
    let readable = try client.ask(#"{"action":"put","key":"good","item":{"content":"x"},"if_revision":1}"#)
    #expect(readable.code == "conflict" && (readable.object["current"] as? [String: Any])?["revision"] as? Int == 3)
    #expect(try client.ask(#"{"action":"get","key":"bad"}"#).result["revision"] as? Int == 1)
  }
}
