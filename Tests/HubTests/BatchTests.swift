/// Atomic batches. CONTRACT: section 2, `batch`.
import Hub
import LogStore
import Testing

@Suite struct BatchTests {
  private static let item = WriteTests.item

  private static func conflict(_ fixture: HubFixture, _ operations: [BatchOperation]) -> HubError.Conflict? {
    WriteTests.conflict { () throws(HubError) in try fixture.batch(operations) }
  }

  @Test("Operations on one key see each other, in order, and each takes a revision of its own")
  func sameKey() throws {
    let fixture = try HubFixture()
    let outcome = try fixture.batch([
      .put("a", Self.item),
      .put("a", Self.item, ifRevision: 1), .delete("a", ifRevision: 2), .delete("a"),
      .put("a", Self.item, ifRevision: 0),
      .delete("b"), .put("b", Self.item),
    ])
    #expect(outcome.results.map(\.hit) == [true, false, true, false, true, false, true])
    #expect(outcome.results.map(\.revision.value) == [1, 2, 3, 3, 4, 4, 5] && outcome.revision.value == 5)
    try fixture.acknowledge()
    let records = try fixture.records()
    #expect(records.map(\.operation) == [.create, .update, .delete, .create, .create])
    #expect(records.map(\.previous) == [0, 1, 2, 3, 0])
    #expect(records.map(\.continues) == [true, true, true, true, false])
    #expect(fixture.keys() == ["a", "b"] && fixture.hub.state.countByKind[1] == 2)
  }

  @Test("One operation that fails leaves nothing of the others, wherever it stands")
  func allOrNothing() throws {
    let fixture = try HubFixture()
    try fixture.put("there", Self.item)
    try fixture.acknowledge()
    let checksum = fixture.checksum
    for position in 0..<4 {
      for failing in [
        BatchOperation.put("there", Self.item, ifRevision: 99), .put("x", Self.item, ifRevision: 7),
        .delete("there", ifRevision: 9), .delete("x", ifRevision: 1), .put("x", #"{"content":1}"#),
      ] {
        var operations: [BatchOperation] = [.put("a", Self.item), .delete("there"), .put("there", Self.item)]
        operations.insert(failing, at: position)
        #expect(throws: HubError.self) { try fixture.batch(operations) }
        try fixture.acknowledge()
        #expect(fixture.revision == 1 && fixture.checksum == checksum && fixture.keys() == ["there"])
        #expect(try fixture.get("there")?.revision == 1 && !fixture.isThere("a", seesPending: true))
      }
    }
  }

  @Test("A conflict in a batch names the operation and tells what is there without the batch")
  func conflicts() throws {
    let fixture = try HubFixture()
    try fixture.put("a", Self.item)
    try fixture.acknowledge()
    let first = Self.conflict(fixture, [.put("b", Self.item), .put("a", Self.item, ifRevision: 9)])
    #expect(first?.index == 1 && first?.current?.entry.revision.value == 1 && first?.ticket == 0)
    // The batch itself would have deleted it, replaced it, or made it: that is not told.
    let deleted = Self.conflict(fixture, [.delete("a"), .put("a", Self.item, ifRevision: 1)])
    #expect(deleted?.index == 1 && deleted?.current?.entry.revision.value == 1)
    let replaced = Self.conflict(fixture, [.put("a", Self.item), .delete("a", ifRevision: 1)])
    #expect(replaced?.index == 1 && replaced?.current?.entry.revision.value == 1)
    let made = Self.conflict(fixture, [.put("b", Self.item), .put("b", Self.item, ifRevision: 0)])
    #expect(made?.index == 1 && made != nil && made?.current == nil)
    let pending = try fixture.put("a", Self.item)
    let underWay = Self.conflict(fixture, [.put("a", Self.item, ifRevision: 1)])
    #expect(underWay?.current?.entry.revision.value == 2 && underWay?.ticket == pending.ticket)
  }

  @Test("A put over a due key in a batch brings its EXPIRE along, in the same commit")
  func expiry() throws {
    let fixture = try HubFixture()
    try fixture.put("a", Self.item, ttl: 1_000)
    try fixture.put("b", Self.item, ttl: 1_000)
    try fixture.acknowledge()
    fixture.clock.time += 1_000
    let outcome = try fixture.batch([
      .delete("a"), .put("a", Self.item, ifRevision: 0),
      .put("c", #"{"content":"x","expiry_timestamp":"2020-01-01T00:00:00Z"}"#),
      .put("c", Self.item, ifRevision: 0), .delete("b"),
    ])
    #expect(outcome.results.map(\.hit) == [false, true, true, true, false])
    #expect(outcome.results.map(\.revision.value) == [2, 4, 5, 7, 7] && outcome.revision.value == 7)
    try fixture.acknowledge()
    let records = try fixture.records().suffix(5)
    #expect(records.map(\.operation) == [.expire, .create, .create, .expire, .create])
    #expect(records.map(\.previous) == [1, 3, 0, 5, 6] && records.map(\.continues) == [true, true, true, true, false])
    #expect(fixture.keys() == ["a", "c"])
  }

  @Test("A batch beyond what a commit can hold is too_large and leaves nothing")
  func tooLarge() throws {
    let fixture = try HubFixture()
    let large = #"{"content":"\#(String(repeating: "x", count: 60_000))"}"#
    do {
      try fixture.batch((0..<5).map { .put("key\($0)", large) })
      Issue.record("a commit larger than a segment was taken")
    } catch {
      #expect(error.code == .tooLarge && error.message.contains("limit"))
    }
    try fixture.acknowledge()
    #expect(fixture.revision == 0 && fixture.keys() == [])
    try fixture.batch((0..<3).map { .put("key\($0)", large) })
    try fixture.acknowledge()
    #expect(fixture.revision == 3)
  }

  @Test("1,024 operations are one commit")
  func manyOperations() throws {
    let fixture = try HubFixture(
      options: LogOptions(durability: .none, firstSegmentBytes: 2 << 20, usesThreads: false))
    let outcome = try fixture.batch((0..<1_024).map { .put("key\($0 % 700)", Self.item) })
    #expect(outcome.results.filter(\.hit).count == 700 && outcome.revision.value == 1_024)
    try fixture.acknowledge()
    #expect(try fixture.records().filter { !$0.continues }.count == 1 && fixture.hub.state.keyCount == 700)
    try fixture.reopen()
    #expect(fixture.revision == 1_024 && fixture.hub.state.keyCount == 700)
  }
}
