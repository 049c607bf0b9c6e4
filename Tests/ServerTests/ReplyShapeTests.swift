/// The exact text of every action's reply. CONTRACT: section 2.
import Foundation
import LogStore
import Testing

@Suite("Replies", .timeLimit(.minutes(10)))
struct ReplyShapeTests {
  let hub: HubFixture
  let client: Client

  init() throws {
    hub = try HubFixture()
    client = try Client(hub)
  }

  private func expect(_ request: String, _ reply: String, _ location: SourceLocation = #_sourceLocation) throws {
    let found = try client.ask(request)
    #expect(found.timeless == reply, sourceLocation: location)
  }

  @Test("put, get, exists and delete say what they did, member for member in the contract's order")
  func single() throws {
    let item =
      #"{"key":"a","content":"hello","memory_type":"conversation","timestamp":"T","updated_at":null,"metadata":{},"#
      + #""tags":[],"source_agent":null,"expiry_timestamp":null}"#
    try expect(
      #"{"action":"get","key":"a"}"#,
      #"{"success":true,"action":"get","result":{"found":false,"item":null,"revision":0},"timestamp":"T"}"#)
    try expect(
      #"{"action":"put","key":"a","item":{"content":"hello"},"request_id":"r-1"}"#,
      #"{"success":true,"action":"put","result":{"stored":true,"created":true,"revision":1,"durability":"fsync"},"#
        + #""timestamp":"T","request_id":"r-1"}"#)
    try expect(
      #"{"action":"get","key":"a","request_id":"\u00e9\"\\"}"#,
      #"{"success":true,"action":"get","result":{"found":true,"item":\#(item),"revision":1},"timestamp":"T","#
        + #""request_id":"\u00e9\"\\"}"#)
    try expect(
      #"{"action":"put","key":" a\t","item":{"content":"hello"}}"#,
      #"{"success":true,"action":"put","result":{"stored":true,"created":false,"revision":2,"durability":"fsync"},"#
        + #""timestamp":"T"}"#)
    try expect(
      #"{"action":"exists","key":"a"}"#,
      #"{"success":true,"action":"exists","result":{"exists":true},"timestamp":"T"}"#)
    try expect(
      #"{"action":"delete","key":"a"}"#,
      #"{"success":true,"action":"delete","result":{"deleted":true,"found":true,"revision":3},"timestamp":"T"}"#)
    try expect(
      #"{"action":"delete","key":"a"}"#,
      #"{"success":true,"action":"delete","result":{"deleted":false,"found":false,"revision":3},"timestamp":"T"}"#)
    try expect(
      #"{"action":"exists","key":"a"}"#,
      #"{"success":true,"action":"exists","result":{"exists":false},"timestamp":"T"}"#)
  }

  @Test("list_keys gives keys in byte order, and says whether there are more")
  func list() throws {
    for key in ["b", "a/2", "a/1", "é", "a", "Z"] { try client.put(key) }
    try expect(
      #"{"action":"list_keys"}"#,
      #"{"success":true,"action":"list_keys","result":{"keys":["Z","a","a/1","a/2","b","é"],"count":6,"more":false},"#
        + #""timestamp":"T"}"#)
    try expect(
      #"{"action":"list_keys","prefix":"a","limit":2}"#,
      #"{"success":true,"action":"list_keys","result":{"keys":["a","a/1"],"count":2,"more":true},"timestamp":"T"}"#)
    try expect(
      #"{"action":"list_keys","prefix":"a","limit":2,"start_after":"a/1"}"#,
      #"{"success":true,"action":"list_keys","result":{"keys":["a/2"],"count":1,"more":false},"timestamp":"T"}"#)
    try expect(
      #"{"action":"list_keys","prefix":" a"}"#,
      #"{"success":true,"action":"list_keys","result":{"keys":[],"count":0,"more":false},"timestamp":"T"}"#)
  }

  @Test("batch and batch_get name what they did by operation and by key")
  func batch() throws {
    try expect(
      #"{"action":"batch","operations":[{"op":"put","key":"a","item":{"content":"1"}},"#
        + #"{"op":"delete","key":"none"},{"op":"put","key":"a","item":{"content":"2"}},{"op":"delete","key":"a"},"#
        + #"{"op":"put","key":"b","item":{"content":{"deep":[1.50,1e400]}}}]}"#,
      #"{"success":true,"action":"batch","result":{"revision":4,"results":["#
        + #"{"stored":true,"created":true,"revision":1,"durability":"fsync"},"#
        + #"{"deleted":false,"found":false,"revision":1},"#
        + #"{"stored":true,"created":false,"revision":2,"durability":"fsync"},"#
        + #"{"deleted":true,"found":true,"revision":3},"#
        + #"{"stored":true,"created":true,"revision":4,"durability":"fsync"}]},"timestamp":"T"}"#)
    let item =
      #"{"key":"b","content":{"deep":[1.50,1e400]},"memory_type":"conversation","timestamp":"T","updated_at":null,"#
      + #""metadata":{},"tags":[],"source_agent":null,"expiry_timestamp":null}"#
    try expect(
      #"{"action":"batch_get","keys":["b","a"," b ","c"]}"#,
      #"{"success":true,"action":"batch_get","result":{"items":{"b":\#(item)},"revisions":{"b":4},"#
        + #""missing_keys":["a","c"],"total_requested":4,"found_count":1,"revision":4},"timestamp":"T"}"#)
    try expect(
      #"{"action":"batch_get","keys":[]}"#,
      #"{"success":true,"action":"batch_get","result":{"items":{},"revisions":{},"missing_keys":[],"#
        + #""total_requested":0,"found_count":0,"revision":4},"timestamp":"T"}"#)
  }

  @Test("checksum, ping, health and stats describe the hub")
  func status() throws {
    try expect(
      #"{"action":"checksum"}"#,
      #"{"success":true,"action":"checksum","result":{"revision":0,"keys":0,"#
        + #""checksum":"00000000000000000000000000000000"},"timestamp":"T"}"#)
    try expect(
      #"{"action":"ping"}"#,
      #"{"success":true,"action":"ping","result":{"pong":true,"server":"mfh-server","version":"0.1.0","epoch":1,"#
        + #""timestamp":"T"},"timestamp":"T"}"#)
    try client.put("a")
    let sum = try #require(try client.ask(#"{"action":"checksum"}"#).result["checksum"] as? String)
    #expect(sum.contains(/^[0-9a-f]{32}$/) && sum != String(repeating: "0", count: 32))

    let health = try client.ask(#"{"action":"health"}"#).result
    #expect(Set(health.keys) == ["service", "status", "timestamp", "components", "metrics"])
    #expect(health["status"] as? String == "healthy")
    let components = try #require(health["components"] as? [String: [String: Any]])
    #expect(!components.isEmpty)
    for (name, component) in components {
      #expect(component["healthy"] as? Bool == true && component["info"] is [String: String], "\(name)")
    }

    let stats = try client.ask(#"{"action":"stats"}"#).result
    #expect(stats["revision"] as? Int == 1 && stats["keys"] as? Int == 1 && stats["epoch"] as? Int == 1)
    #expect((stats["events"] as? [String: Int])?["CREATE"] == 1)
    #expect((stats["items"] as? [String: Int])?["memory_item"] == 1)
    #expect(try client.requestCount("put") == 1)
    #expect(try client.requestCount("checksum") == 2)
  }

  @Test("durability in the reply is the mode the hub runs in")
  func durability() throws {
    let weaker = try HubFixture { $0.durability = .interval }
    let reply = try Client(weaker).ask(#"{"action":"put","key":"a","item":{"content":"x"}}"#)
    #expect(reply.result["durability"] as? String == "interval")
  }
}
