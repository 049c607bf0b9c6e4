/// What a sound store shows, in every form of output and in every state of its life.
import Foundation
import LogStore
import TestSupport
import Testing

@Suite("A healthy store")
struct HealthyStoreTests {
  @Test("Every event is one JSON line with exactly the fields of a MemoryEvent, segment and offset")
  func jsonLines() throws {
    let fixture = try StoreFixture.closed(events: 300)
    let run = try ToolRun.json(fixture)
    #expect(run.status == 0)
    #expect(run.errors.isEmpty)
    let objects = try run.objects()
    #expect(objects.count == 300)
    var identities: Set<String> = []
    for (object, event) in zip(objects, fixture.model) {
      #expect(
        Set(object.keys) == [
          "event_id", "event_type", "target_key", "timestamp", "agent_id", "payload", "previous_value",
          "sequence_number", "correlation_id", "segment", "offset",
        ])
      #expect(object["event_type"] as? String == event.type)
      #expect(object["target_key"] as? String == event.key)
      #expect(object["sequence_number"] as? UInt64 == event.revision)
      #expect(object["agent_id"] as? String == event.agent)
      #expect(object["correlation_id"] as? String == event.correlation)
      #expect(object["timestamp"] as? String == text(of: event.time))
      #expect(try value(object["payload"]) == event.payload.map(canonical))
      #expect(try value(object["previous_value"]) == event.previous.map(canonical))
      let position = fixture.position(event.revision)
      #expect(object["segment"] as? UInt32 == position.segment.value)
      #expect(object["offset"] as? UInt32 == position.offset)
      identities.insert(try #require(object["event_id"] as? String))
    }
    #expect(identities.count == 300)
    #expect(Set(fixture.model.map(\.type)) == ["CREATE", "UPDATE", "DELETE", "EXPIRE"], "the fixture has every type")
  }

  @Test("An item is spliced in as it is stored, digit by digit")
  func rawItems() throws {
    let fixture = try StoreFixture()
    let item = #"{"content":"a\u0041é","n":123456789012345678901234567890.10e-2,"z":{"b":1,"a":2}}"#
    try fixture.append(.create, "k", content: item)
    try fixture.append(.update, "k", content: #"{"content":1}"#)
    try fixture.commit()
    try fixture.log.close()
    let run = try ToolRun.json(fixture)
    #expect(run.lines[0].contains(#""payload":"# + item + ","))
    #expect(run.lines[1].contains(#""previous_value":"# + item + ","))
  }

  @Test("Names of any characters come back as they were")
  func namesAreEscaped() throws {
    let fixture = try StoreFixture()
    let key = "a\"b\\c/日本語 👩‍💻 \u{7F}"
    try fixture.append(.create, key, agent: "agent \"x\"", correlation: "\\n")
    try fixture.commit()
    try fixture.log.close()
    let object = try #require(try ToolRun.json(fixture).objects().first)
    #expect(object["target_key"] as? String == key)
    #expect(object["agent_id"] as? String == "agent \"x\"")
    #expect(object["correlation_id"] as? String == "\\n")
  }

  @Test("A store that is open, one that was killed and one that was closed and resumed show the same")
  func states() throws {
    let fixture = try StoreFixture()
    try fixture.fill(events: 90)
    #expect(try ToolRun.json(fixture).revisions() == Array(1...90))
    fixture.log.abandon()
    let killed = try ToolRun.json(fixture)
    #expect(try killed.revisions() == Array(1...90))
    #expect(killed.status == 0 && killed.errors.isEmpty)
    try fixture.reopen()
    #expect(fixture.log.recovery.kind == .recovered)
    try fixture.fill(events: 60)
    #expect(try ToolRun.json(fixture).revisions() == Array(1...150), "what recovery copied is shown once")
    try fixture.log.close()
    try fixture.reopen()
    try fixture.fill(events: 10)
    try fixture.log.close()
    let run = try ToolRun.json(fixture)
    #expect(try run.revisions() == Array(1...160))
    #expect(run.status == 0 && run.errors.isEmpty)
    for (object, event) in zip(try run.objects(), fixture.model) {
      #expect(try value(object["previous_value"]) == event.previous.map(canonical))
    }
  }

  @Test("Event ids do not change when recovery moves a record")
  func stableIdentities() throws {
    let fixture = try StoreFixture()
    try fixture.fill(events: 30)
    fixture.log.abandon()
    let before = try ToolRun.json(fixture).objects().map { $0["event_id"] as? String }
    try fixture.reopen()
    try fixture.log.close()
    let after = try ToolRun.json(fixture).objects()
    #expect(after.map { $0["event_id"] as? String } == before)
  }

  @Test("A store without an event shows nothing and is no error")
  func empty() throws {
    let fixture = try StoreFixture()
    try fixture.log.close()
    let run = try ToolRun.json(fixture)
    #expect(run.status == 0 && run.output.isEmpty && run.errors.isEmpty)
    let stats = try #require(try ToolRun.json(fixture, "--stats").objects().first)
    #expect(stats["events"] as? Int == 0)
    #expect(stats["first_revision"] is NSNull)
  }

  @Test("A new epoch after a crash in a weak mode shows among the records, not among the events")
  func epochs() throws {
    let fixture = try StoreFixture(durability: .none)
    try fixture.fill(events: 20)
    fixture.log.abandon()
    try fixture.reopen()
    #expect(fixture.log.recovery.epochRaised)
    try fixture.fill(events: 5)
    try fixture.log.close()
    #expect(try ToolRun.json(fixture).revisions() == Array(1...25))
    let records = try ToolRun.json(fixture, "--records").objects()
    #expect(records.count == 26)
    let epoch = try #require(records.first { $0["operation"] as? String == "EPOCH" })
    #expect(epoch["revision"] is NSNull)
    #expect(epoch["epoch"] as? Int == 2)
    let stats = try #require(try ToolRun.json(fixture, "--stats").objects().first)
    #expect(stats["epochs"] as? [Int] == [1, 2])
    #expect(stats["epoch_records"] as? Int == 1)
    let created = try ToolRun.json(fixture, "--records", "--type", "CREATE").objects()
    #expect(!created.isEmpty && created.allSatisfy { $0["operation"] as? String == "CREATE" })
  }
}

func text(of time: Int64) -> String {
  let formatter = ISO8601DateFormatter()
  formatter.formatOptions = [.withInternetDateTime]
  let seconds = formatter.string(from: Date(timeIntervalSince1970: Double(time / 1_000_000)))
  let fraction = String(1_000_000 + time % 1_000_000).dropFirst()
  return seconds.dropLast() + ".\(fraction)Z"
}

/// JSON text with its names in order, for comparison.
func canonical(_ text: String) -> String {
  let object = try? JSONSerialization.jsonObject(with: Data(text.utf8))
  let data = object.flatMap { try? JSONSerialization.data(withJSONObject: $0, options: [.sortedKeys]) }
  return data.map { String(decoding: $0, as: UTF8.self) } ?? "no JSON: \(text)"
}

/// A member's value as `canonical` text; nil for null.
func value(_ member: Any?) throws -> String? {
  let member = try #require(member)
  if member is NSNull { return nil }
  let data = try JSONSerialization.data(withJSONObject: member, options: [.sortedKeys])
  return String(decoding: data, as: UTF8.self)
}
