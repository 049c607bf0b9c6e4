/// Every filter, alone and together, against the same question put to the model.
import Foundation
import LogStore
import TestSupport
import Testing

@Suite("Filters")
struct FilterTests {
  let fixture: StoreFixture

  init() throws { fixture = try StoreFixture.closed(events: 200) }

  private func check(_ options: [String], _ wanted: (ModelEvent) -> Bool) throws {
    let expected = fixture.model.filter(wanted).map(\.revision)
    let run = try ToolRun([fixture.directory.path, "--format", "json"] + options)
    #expect(run.status == 0)
    #expect(try run.revisions() == expected, "\(options)")
    let reversed = try ToolRun([fixture.directory.path, "--format", "json", "--reverse"] + options)
    #expect(try reversed.revisions() == expected.reversed(), "\(options)")
    for limit in [1, 3, expected.count + 1] {
      let some = ["--limit", String(limit)]
      let first = try ToolRun([fixture.directory.path, "--format", "json"] + options + some)
      #expect(try first.revisions() == Array(expected.prefix(limit)))
      let last = try ToolRun([fixture.directory.path, "--format", "json", "--reverse"] + options + some)
      #expect(try last.revisions() == Array(expected.reversed().prefix(limit)))
    }
  }

  @Test("Without a filter everything comes")
  func none() throws { try check([]) { _ in true } }

  @Test("A key is matched whole, a prefix by its bytes")
  func keys() throws {
    try check(["--key", "project/1/note/2"]) { $0.key == "project/1/note/2" }
    try check(["--key", " project/1/note/2\t"]) { $0.key == "project/1/note/2" }
    try check(["--key", "project/1/note"]) { _ in false }
    try check(["--prefix", "project/1/"]) { $0.key.hasPrefix("project/1/") }
    try check(["--prefix", ""]) { _ in true }
    try check(["--prefix", "project/1/", "--key", "project/2/note/1"]) { _ in false }
  }

  @Test("An agent is matched whole, the empty one stands for none")
  func agents() throws {
    try check(["--agent", "coder"]) { $0.agent == "coder" }
    try check(["--agent", "code"]) { _ in false }
    try check(["--agent", ""]) { $0.agent == nil }
  }

  @Test("Types are matched one by one or together", arguments: ["CREATE", "UPDATE", "DELETE", "EXPIRE"])
  func types(_ type: String) throws {
    try check(["--type", type]) { $0.type == type }
    try check(["--type", type.lowercased(), "--type", "CREATE"]) { $0.type == type || $0.type == "CREATE" }
  }

  @Test("Revisions are matched with both ends")
  func revisions() throws {
    try check(["--from-revision", "50"]) { $0.revision >= 50 }
    try check(["--to-revision", "50"]) { $0.revision <= 50 }
    try check(["--from-revision", "50", "--to-revision", "50"]) { $0.revision == 50 }
    try check(["--from-revision", "51", "--to-revision", "50"]) { _ in false }
    try check(["--from-revision", "18446744073709551615"]) { _ in false }
  }

  @Test("Times are matched with both ends, in any zone")
  func times() throws {
    let low = fixture.model[40].time
    let high = fixture.model[60].time
    try check(["--since", text(of: low)]) { $0.time >= low }
    try check(["--until", text(of: high)]) { $0.time <= high }
    try check(["--since", text(of: low), "--until", text(of: high)]) { $0.time >= low && $0.time <= high }
    try check(["--since", "2025-08-07T19:31:00+02:00"]) { $0.time >= StoreFixture.firstTime + 60_000_000 }
    try check(["--since", "2025-08-07T17:31:00"]) { $0.time >= StoreFixture.firstTime + 60_000_000 }
  }

  @Test("Filters are combined by and")
  func combined() throws {
    try check(["--prefix", "project/2/", "--agent", "critic", "--type", "UPDATE", "--from-revision", "20"]) {
      $0.key.hasPrefix("project/2/") && $0.agent == "critic" && $0.type == "UPDATE" && $0.revision >= 20
    }
  }

  @Test("The value before the event comes although that event is filtered out")
  func previousValues() throws {
    let run = try ToolRun.json(fixture, "--type", "DELETE", "--reverse", "--limit", "5")
    let expected = fixture.model.filter { $0.type == "DELETE" }.suffix(5).reversed()
    for (object, event) in zip(try run.objects(), expected) {
      #expect(object["payload"] is NSNull)
      #expect(try value(object["previous_value"]) == event.previous.map(canonical))
      #expect(event.previous != nil)
    }
  }

  @Test("A store without a stream of reads: nothing is printed, standard error says why, the exit code is 0")
  func reads() throws {
    let run = try ToolRun.json(fixture, "--type", "READ")
    #expect(run.status == 0 && run.output.isEmpty)
    #expect(run.errorLines.count == 1)
    #expect(run.errors.contains("READ"))
    try check(["--type", "READ", "--type", "DELETE"]) { $0.type == "DELETE" }
  }

  @Test("The physical records take the same filters")
  func records() throws {
    let run = try ToolRun.json(fixture, "--records", "--type", "DELETE", "--reverse")
    let expected = fixture.model.filter { $0.type == "DELETE" }.map(\.revision).reversed()
    #expect(try run.objects().map { $0["revision"] as? UInt64 } == Array(expected))
    for object in try run.objects() {
      let position = fixture.position(try #require(object["revision"] as? UInt64))
      #expect(object["segment"] as? UInt32 == position.segment.value)
      #expect(object["offset"] as? UInt32 == position.offset)
      #expect(object["record_bytes"] as? UInt32 == position.length)
      #expect(object["codec"] as? String == "plain")
      let frame = try #require(object["frame_offset"] as? UInt32)
      #expect(frame < position.offset)
    }
  }

  @Test("The summary counts what passes the filters")
  func stats() throws {
    let all = try #require(try ToolRun.json(fixture, "--stats").objects().first)
    #expect(all["events"] as? Int == 200)
    #expect(all["keys"] as? Int == Set(fixture.model.map(\.key)).count)
    #expect(all["damages"] as? Int == 0)
    #expect(all["closed"] as? Bool == true)
    #expect(all["first_revision"] as? Int == 1)
    #expect(all["last_revision"] as? Int == 200)
    #expect(all["last_time"] as? String == text(of: fixture.model[199].time))
    let byType = try #require(all["by_type"] as? [String: Int])
    for type in ["CREATE", "UPDATE", "DELETE", "EXPIRE"] {
      #expect(byType[type] == fixture.model.filter { $0.type == type }.count)
    }
    let byAgent = try #require(all["by_agent"] as? [[String: Any]])
    let counts = byAgent.compactMap { $0["events"] as? Int }
    #expect(counts == counts.sorted(by: >))
    #expect(counts.reduce(0, +) == 200)
    for agent in byAgent {
      let name = agent["agent_id"] as? String
      let own = fixture.model.filter { $0.agent == name }
      #expect(agent["events"] as? Int == own.count)
      #expect(agent["payload_bytes"] as? Int == own.reduce(0) { $0 + ($1.payload?.utf8.count ?? 0) })
      #expect(agent["first_time"] as? String == own.first.map { text(of: $0.time) })
      #expect(agent["last_time"] as? String == own.last.map { text(of: $0.time) })
      #expect(agent["kinds"] as? [String: Int] == ["memory_item": own.filter { $0.payload != nil }.count])
    }
    let table = try ToolRun(fixture.directory.path, "--stats").lines
    let head = try #require(table.firstIndex { $0.hasPrefix("AGENT ") })
    #expect(table[head].split(separator: " ") == ["AGENT", "EVENTS", "SHARE", "BYTES", "FIRST", "LAST", "ITEMS"])
    for line in table[(head + 1)...] {
      let name = line.split(separator: " ").first.map(String.init)
      let own = fixture.model.filter { $0.agent == (name == "-" ? nil : name) }
      #expect(line.contains(text(of: try #require(own.first).time)) && line.contains(text(of: own[own.count - 1].time)))
      #expect(line.hasSuffix(" \(own.filter { $0.payload != nil }.count) memory_item"), "\(line)")
    }
    let some = try #require(try ToolRun.json(fixture, "--stats", "--agent", "coder").objects().first)
    #expect(some["events"] as? Int == fixture.model.filter { $0.agent == "coder" }.count)
    #expect(some["file_bytes"] as? Int == all["file_bytes"] as? Int)
  }
}
