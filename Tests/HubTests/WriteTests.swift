/// Single writes: what they return, what they leave in the log, and what readers see when.
import Hub
import LogStore
import Testing

@Suite struct WriteTests {
  static let item = #"{"content":"x"}"#

  /// The conflict that a write ended in; nil when it did not.
  static func conflict(_ write: () throws(HubError) -> Void) -> HubError.Conflict? {
    do {
      try write()
      return nil
    } catch {
      return error.code == .conflict ? error.conflict : nil
    }
  }

  @Test("Creates, updates and deletes take the revisions 1, 2, 3, and nothing else takes one")
  func revisions() throws {
    let fixture = try HubFixture()
    let results = [
      try fixture.put("a", Self.item), try fixture.put("a", Self.item), try fixture.delete("none"),
      try fixture.put("b", Self.item), try fixture.delete("a"), try fixture.delete("a"),
      try fixture.put("a", Self.item),
    ].map(\.result)
    try fixture.acknowledge()
    #expect(results.map(\.hit) == [true, false, false, true, true, false, true])
    #expect(
      results.map(\.revision.value).enumerated().filter { ![2, 5].contains($0.offset) }.map(\.element) == [
        1, 2, 3, 4, 5,
      ])
    let records = try fixture.records()
    #expect(records.map(\.revision) == [1, 2, 3, 4, 5])
    #expect(records.map(\.operation) == [.create, .update, .create, .delete, .create])
    #expect(records.map(\.key) == ["a", "a", "b", "a", "a"])
    #expect(fixture.revision == 5 && fixture.hub.state.keyCount == 2)
  }

  @Test("The log says who wrote, and links every event of a key to the one before, across delete and creation")
  func links() throws {
    let fixture = try HubFixture()
    let author = Author(agent: "agent", request: "request", correlation: "correlation")
    try fixture.put("a", Self.item, by: author)
    try fixture.put("b", Self.item)
    try fixture.put("a", Self.item)
    try fixture.delete("a")
    try fixture.acknowledge()
    try fixture.put("a", Self.item)
    try fixture.acknowledge()
    try fixture.delete("a")
    try fixture.put("a", Self.item, ttl: 1_000)
    fixture.clock.time += 1_000
    try fixture.put("a", Self.item)
    try fixture.acknowledge()
    try fixture.reopen()
    try fixture.put("b", Self.item)
    try fixture.delete("a")
    try fixture.acknowledge()
    try fixture.reopen()
    try fixture.put("a", Self.item)
    try fixture.acknowledge()
    let records = try fixture.records()
    #expect(records[0].agent == "agent" && records[0].request == "request" && records[0].correlation == "correlation")
    var newest: [String: UInt64] = [:]
    for record in records {
      #expect(record.previous == newest[record.key, default: 0])
      newest[record.key] = record.revision
    }
    #expect(records.map(\.operation).suffix(5) == [.expire, .create, .update, .delete, .create])
    // The hub's own EXPIRE is nobody's.
    #expect(records.filter { $0.operation == .expire }.allSatisfy { $0.agent == "" && $0.request == "" })
  }

  @Test("Readers see what is acknowledged; a client with writes under way sees those too, and waits for them")
  func visibility() throws {
    let fixture = try HubFixture()
    func located(_ key: String, seesPending: Bool) -> MemoryHub.Located {
      let bytes = Array(key.utf8)
      return fixture.hub.locate(bytes.span.bytes, seesPending: seesPending)
    }
    let first = try fixture.put("a", Self.item)
    #expect(first.ticket > fixture.hub.acknowledgedTicket)
    #expect(located("a", seesPending: false).entry == nil && fixture.revision == 0 && fixture.keys() == [])
    #expect(located("a", seesPending: true).entry?.revision.value == 1)
    #expect(located("a", seesPending: true).ticket == first.ticket)
    try fixture.acknowledge()
    #expect(fixture.hub.acknowledgedTicket == first.ticket)
    #expect(located("a", seesPending: true).ticket == 0 && located("a", seesPending: false).entry?.revision.value == 1)

    let second = try fixture.delete("a")
    #expect(try fixture.get("a")?.revision == 1)
    #expect(located("a", seesPending: true).entry == nil && located("a", seesPending: true).ticket == second.ticket)
    try fixture.acknowledge()
    #expect(try fixture.get("a") == nil)
    // A version decided while an older one is under way stays pending when that one is acknowledged.
    try fixture.put("b", Self.item)
    fixture.hub.submit()
    try fixture.put("b", Self.item)
    try fixture.hub.settle()
    #expect(try fixture.get("b")?.revision == 3 && located("b", seesPending: true).entry?.revision.value == 4)
  }

  @Test("An outcome without a record tells no revision that is not acknowledged when it is told")
  func revisionOfNothing() throws {
    let fixture = try HubFixture()
    try fixture.put("a", Self.item)
    try fixture.acknowledge()
    try fixture.put("b", Self.item)  // under way
    let nothing = try fixture.delete("none")
    #expect(nothing.ticket == fixture.hub.lastTicket && nothing.result.revision.value == 2)
    let batch = try fixture.batch([.delete("none"), .delete("neither")])
    #expect(batch.ticket == nothing.ticket && batch.revision.value == 2)
    #expect(batch.results.allSatisfy { $0.revision.value == 2 })
    try fixture.acknowledge()
    #expect(try fixture.delete("none").ticket == 0)

    try fixture.delete("a")  // under way
    fixture.hub.submit()
    let later = try fixture.put("c", Self.item)  // in a later commit
    let gone = try fixture.delete("a")
    #expect(gone.result.revision.value == 4 && gone.ticket == later.ticket)
    let goneToo = try fixture.batch([.delete("a"), .delete("none")])
    #expect(goneToo.revision.value == 4 && goneToo.ticket == later.ticket)
    try fixture.acknowledge()
    #expect(fixture.revision == 4)
  }

  @Test("if_revision is met by exactly the key's revision, 0 by its absence; else the conflict tells what is there")
  func conditions() throws {
    let fixture = try HubFixture()
    for isAcknowledged in [false, true] {
      let key = "key-\(isAcknowledged)"
      func settle() throws { if isAcknowledged { try fixture.acknowledge() } }
      #expect(Self.conflict { () throws(HubError) in try fixture.put(key, Self.item, ifRevision: 1) } != nil)
      #expect(Self.conflict { () throws(HubError) in try fixture.delete(key, ifRevision: 1) } != nil)
      #expect(try fixture.delete(key, ifRevision: 0).result.hit == false)
      let created = try fixture.put(key, Self.item, ifRevision: 0)
      try settle()
      let revision = created.result.revision.value
      for wrong in [0, revision - 1, revision + 1, UInt64.max] where wrong != revision {
        let byPut = Self.conflict { () throws(HubError) in try fixture.put(key, Self.item, ifRevision: wrong) }
        let byDelete = Self.conflict { () throws(HubError) in try fixture.delete(key, ifRevision: wrong) }
        for conflict in [byPut, byDelete] {
          #expect(conflict?.current?.entry.revision.value == revision && conflict?.index == nil)
          #expect(conflict?.ticket == (isAcknowledged ? 0 : created.ticket))
        }
      }
      let updated = try fixture.put(key, Self.item, ifRevision: revision)
      try settle()
      #expect(updated.result.hit == false)
      #expect(try fixture.delete(key, ifRevision: updated.result.revision.value).result.hit)
      try settle()
      let absent = Self.conflict { () throws(HubError) in
        try fixture.delete(key, ifRevision: updated.result.revision.value)
      }
      #expect(absent != nil && absent?.current == nil)
    }
  }

  @Test("A conflict and a refused item leave nothing behind")
  func refusals() throws {
    let fixture = try HubFixture()
    try fixture.put("a", Self.item)
    try fixture.acknowledge()
    let before = (fixture.checksum, fixture.hub.lastTicket)
    #expect(throws: HubError.self) { try fixture.put("a", #"{"content":5}"#) }
    #expect(throws: HubError.self) { try fixture.put("a", Self.item, ifRevision: 9) }
    #expect(throws: HubError.self) { try fixture.batch([.put("b", Self.item), .put("c", #"{"content":5}"#)]) }
    try fixture.acknowledge()
    #expect(fixture.revision == 1 && (fixture.checksum, fixture.hub.lastTicket) == before && fixture.keys() == ["a"])
    #expect(try fixture.put("a", Self.item, ifRevision: 1).result.revision.value == 2)
  }

  @Test("The creation time carries over on replacement by any kind, not across a delete and not across an expiry")
  func carryOver() throws {
    let fixture = try HubFixture()
    let created = #""2025-08-07T17:30:00.000000Z""#
    func item(_ key: String = "a") throws -> String { try fixture.get(key, seesPending: false)?.item ?? "" }
    try fixture.put("a", Self.item)
    fixture.clock.time += 1_000_000
    try fixture.put("a", Self.item)  // over a pending one
    try fixture.acknowledge()
    #expect(try item().contains(#""timestamp":\#(created),"updated_at":"2025-08-07T17:30:01.000000Z""#))
    try fixture.reopen()
    try fixture.put("a", #"{"session_id":"s"}"#)
    try fixture.acknowledge()
    #expect(try item().contains(#""created_at":\#(created)"#))
    try fixture.delete("a")
    try fixture.put("a", Self.item, ttl: 1_000_000)
    try fixture.acknowledge()
    #expect(try item().contains(#""timestamp":"2025-08-07T17:30:01.000000Z","updated_at":null"#))
    fixture.clock.time += 1_000_000
    try fixture.put("a", Self.item)
    try fixture.acknowledge()
    #expect(try item().contains(#""timestamp":"2025-08-07T17:30:02.000000Z","updated_at":null"#))
  }

  @Test("Time never goes back, whatever the clock does, nor when the store is opened again")
  func clockGoesBack() throws {
    let fixture = try HubFixture()
    try fixture.put("a", Self.item)
    fixture.clock.time -= 5_000_000
    try fixture.put("a", Self.item)
    try fixture.acknowledge()
    try fixture.reopen()
    try fixture.put("a", Self.item, ttl: 1_000_000)
    try fixture.acknowledge()
    #expect(try fixture.records().map(\.time) == [SettableClock.start, SettableClock.start, SettableClock.start])
    #expect(try fixture.get("a")?.item.contains(#""expiry_timestamp":"2025-08-07T17:30:01.000000Z""#) == true)
  }

  @Test(
    "A clock before the year 1 or after 9999 stops nothing",
    arguments: [Int64.min / 2, Timestamp.earliest - 1, -1, 0, Timestamp.latest + 1, Int64.max / 2])
  func extremeClock(_ time: Int64) throws {
    let fixture = try HubFixture()
    fixture.clock.time = time
    try fixture.put("a", Self.item)
    try fixture.put("a", Self.item)
    try fixture.acknowledge()
    try fixture.hub.sweepAll()
    try fixture.acknowledge()
    let seen = try fixture.get("a")
    #expect(seen?.revision == 2)
    try fixture.reopen()
    #expect(try fixture.get("a") == seen)
  }

  @Test("Keys are listed in byte order, by prefix, from behind a key, without what has expired")
  func listing() throws {
    let fixture = try HubFixture()
    for key in ["b", "a", "aa", "a\u{7E}", "é", "B", "ab"] { try fixture.put(key, Self.item) }
    try fixture.put("ac", Self.item, ttl: 10)
    try fixture.acknowledge()
    #expect(fixture.keys() == ["B", "a", "aa", "ab", "ac", "a~", "b", "é"])
    #expect(fixture.keys(prefix: "a") == ["a", "aa", "ab", "ac", "a~"])
    #expect(fixture.keys(prefix: "a", after: "aa") == ["ab", "ac", "a~"])
    #expect(fixture.keys(prefix: "a", after: "b") == [] && fixture.keys(after: "b") == ["é"])
    fixture.clock.time += 10
    #expect(fixture.keys(prefix: "a") == ["a", "aa", "ab", "a~"])
  }
}
