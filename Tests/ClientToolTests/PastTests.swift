/// `mfh history`, and `mfh get` of the past.
import Foundation
import TestSupport
import Testing

@Suite("The past in a shell", .timeLimit(.minutes(10)))
struct PastTests {
  let hub: TestHub

  init() throws {
    hub = try TestHub(["--durability", "none"])
    try hub.ok("put", "k", "one", "--agent", "first")
    try hub.ok("put", "other", "x")
    try hub.ok("put", "k", "two", "--agent", "second")
    try hub.ok("delete", "k", "--agent", "third")
  }

  @Test("history shows a key's events newest first, for people and as JSON, deleted or not")
  func history() throws {
    let table = try hub.ok("history", "k").lines
    #expect(table.count == 4 && table[0].contains("REVISION") && table[0].contains("AGENT"))
    for (line, words) in zip(table.dropFirst(), [["4", "DELETE", "third"], ["3", "UPDATE", "two"], ["1", "CREATE"]]) {
      #expect(words.allSatisfy { line.contains($0) }, "\(line)")
    }
    let events = try hub.ok("history", "k", "--format", "json").objects()
    #expect(events.map { $0["sequence_number"] as? Int } == [4, 3, 1])
    #expect((events[0]["previous_value"] as? [String: Any])?["content"] as? String == "two")
    #expect(events[2]["previous_value"] is NSNull && events[2]["agent_id"] as? String == "first")
  }

  @Test("A history that leaves events out says so and how to go on; one without events is exit code 66")
  func limits() throws {
    let short = try hub.mfh("history", "k", "--limit", "2")
    #expect(short.status == 0 && short.lines.count == 3 && short.errors.contains("--before-revision 3"))
    let rest = try hub.ok("history", "k", "--before-revision", "3", "--format", "json").objects()
    #expect(rest.map { $0["sequence_number"] as? Int } == [1])
    for arguments in [["history", "nothing"], ["history", "k", "--before-revision", "1"]] {
      let run = try hub.mfh(arguments)
      #expect(run.status == 66 && run.errorLines.count == 1 && run.errors.contains("no event"))
    }
    #expect(try hub.mfh("history", "k", "--all", "--limit", "2").status == 64)
    #expect(try hub.mfh("history", "k", "--limit", "0").status == 64)
  }

  @Test("More events than a page of the client come once each")
  func pages() throws {
    let lines = (0..<1_000).map { #"{"op":"put","key":"long","item":{"content":"\#($0)"}}"# }
    for _ in 0..<2 { try hub.ok("batch", "-", input: lines.joined(separator: "\n")) }
    let events = try hub.ok("history", "long", "--all", "--format", "json").objects()
    #expect(events.map { $0["sequence_number"] as? Int } == (5...2_004).reversed().map { $0 })
  }

  @Test("get shows what was there at a revision and at a time, and says when there was nothing")
  func get() throws {
    #expect(try hub.ok("get", "k", "--at-revision", "1", "--raw").output == "one")
    #expect(try hub.ok("get", "k", "--at-revision", "3", "--raw").output == "two")
    let events = try hub.ok("history", "k", "--format", "json").objects()
    let time = try #require(events[1]["timestamp"] as? String)
    #expect(try hub.ok("get", "k", "--at-time", time, "--raw").output == "two")
    for moment in [["--at-revision", "4"], ["--at-revision", "0"], ["--at-time", "2001-01-01T00:00:00Z"]] {
      let run = try hub.mfh(["get", "k"] + moment)
      #expect(run.status == 66 && run.errors.contains("mfh history k"), "\(run.errors)")
    }
    #expect(try hub.mfh("get", "k", "--at-revision", "99").status == 65)
    #expect(try hub.mfh("get", "k", "--at-revision", "1", "--at-time", time).status == 64)
  }
}
