/// A hub whose disk has no room: writes are refused and come back by themselves, everything else goes on.
import Foundation
import Logging
import Testing

@Suite("Full disk", .timeLimit(.minutes(10)))
struct FullDiskTests {
  private let item = #""item":{"content":"x"}"#
  private let content = String(repeating: "x", count: 4_000)

  private func status(_ client: Client) throws -> (status: String, space: [String: Any], log: [String: Any]) {
    let health = try client.ask(#"{"action":"health"}"#).result
    let components = try #require(health["components"] as? [String: [String: Any]])
    return (
      try #require(health["status"] as? String), try #require(components["space"]), try #require(components["log"])
    )
  }

  @Test("On a full disk writes get read_only, the rest goes on, health is degraded; with room writes go on, no restart")
  func readOnly() throws {
    let directory = try ScratchDirectory()
    let logFile = try LogFile()
    var acknowledged: [String] = []
    do {
      let hub = try HubFixture {
        $0.directory = directory.path
        $0.firstSegmentBytes = 256 << 10
        $0.logLevel = .notice
        $0.logDescriptor = logFile.descriptor
      }
      let (client, other) = (try Client(hub), try Client(hub))
      hub.disk.setFull(true)
      let first = #"{"action":"put","key":"first",\#(item),"agent_id":"a","request_id":"1"}"#
      #expect(try client.ask(first).result["revision"] as? Int == 1)
      var refusal: Reply?
      for number in 0..<100 where refusal == nil {
        let reply = try client.ask(#"{"action":"put","key":"\#(number)","item":{"content":"\#(content)"}}"#)
        if reply.isSuccess { acknowledged.append("\(number)") } else { refusal = reply }
      }
      #expect(acknowledged.count > 20)
      let refused = try #require(refusal)
      #expect(refused.code == "read_only")
      for part in ["segments/0000000002-0000.seg", "No space left on device", "free some space"] {
        #expect(refused.error.contains(part), "\(refused.error)")
      }
      let large = #""item":{"content":"\#(content)"}"#
      for request in [
        #"{"action":"put","key":"0",\#(large)}"#,
        #"{"action":"batch","operations":[{"op":"put","key":"0",\#(large)}]}"#,
      ] { #expect(try other.ask(request).code == "read_only") }
      // A repeat tells of what was done, a read of what is there, and neither takes room.
      #expect(try client.ask(first).result["revision"] as? Int == 1)
      #expect(try other.ask(#"{"action":"get","key":"0"}"#).result["revision"] as? Int == 2)
      #expect(try other.ask(#"{"action":"checksum"}"#).result["revision"] as? Int == acknowledged.count + 1)
      #expect(try other.ask(#"{"action":"stats"}"#).result["writes"] as? String == "read_only")
      let health = try status(other)
      #expect(health.status == "degraded" && health.log["healthy"] as? Bool == true)
      #expect(health.space["healthy"] as? Bool == false)
      #expect((health.space["info"] as? [String: String])?["writes"] == "read_only")

      hub.disk.setFull(false)
      try poll("writes go on") { try client.ask(#"{"action":"put","key":"0",\#(large)}"#).isSuccess }
      try poll("health is told") { try status(other).status == "healthy" }
      try poll("the log tells it") { try logFile.text().contains("writes are taken") }
      for number in 100..<200 { try client.put("\(number)", content) }
      acknowledged += (100..<200).map { "\($0)" }
      #expect(hub.stop() == nil)
    }
    let lines = try logFile.lines()
    for part in ["writes are refused until the next segment", "writes are taken"] {
      #expect(lines.filter { $0.contains(part) }.count == 1, "\(part): \(lines)")
    }
    let again = try HubFixture { $0.directory = directory.path }
    let client = try Client(again)
    for key in acknowledged {
      let reply = try client.ask(#"{"action":"get","key":"\#(key)"}"#)
      #expect((reply.result["item"] as? [String: Any])?["content"] as? String == content, "\(key)")
    }
  }

  @Test("Keys expire on a full disk: the hub's own events go into the reserve")
  func expiry() throws {
    let hub = try HubFixture { $0.firstSegmentBytes = 256 << 10 }
    let client = try Client(hub)
    hub.disk.setFull(true)
    for number in 0..<20 {
      _ = try client.ask(#"{"action":"put","key":"t\#(number)",\#(item),"ttl_seconds":0.2}"#)
    }
    var isRefused = false
    for number in 0..<100 where !isRefused {
      isRefused = try !client.ask(#"{"action":"put","key":"\#(number)","item":{"content":"\#(content)"}}"#).isSuccess
    }
    #expect(isRefused)
    try poll("they expire") {
      (try client.ask(#"{"action":"stats"}"#).result["events"] as? [String: Int])?["EXPIRE"] == 20
    }
    #expect(try client.ask(#"{"action":"put","key":"n","item":{"content":"\#(content)"}}"#).code == "read_only")
  }

  @Test("A stop on a full disk is a clean one")
  func stop() throws {
    let directory = try ScratchDirectory()
    do {
      let hub = try HubFixture {
        $0.directory = directory.path
        $0.firstSegmentBytes = 256 << 10
      }
      let client = try Client(hub)
      try client.put("k")
      hub.disk.setFull(true)
      #expect(hub.stop() == nil)
    }
    let again = try HubFixture { $0.directory = directory.path }
    #expect(try Client(again).ask(#"{"action":"exists","key":"k"}"#).result["exists"] as? Bool == true)
  }
}
