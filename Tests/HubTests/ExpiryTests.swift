/// Expiry: exact to the microsecond, swept or not. CONTRACT: "Expiry", "State checksum".
import Bytes
@testable import Hub
import LogStore
import Testing

@Suite struct ExpiryTests {
  private static let item = WriteTests.item

  @Test("A key is there until the microsecond before its expiry and gone from that microsecond on, for all that look")
  func exact() throws {
    let fixture = try HubFixture()
    let created = try fixture.put("a", Self.item, ttl: 1_000).result.revision.value
    for isAcknowledged in [false, true] {
      if isAcknowledged { try fixture.acknowledge() }
      fixture.clock.time = SettableClock.start + 999
      #expect(try isAcknowledged == false || fixture.get("a") != nil)
      #expect(fixture.isThere("a", seesPending: true))
      fixture.clock.time = SettableClock.start + 1_000
      #expect(!fixture.isThere("a", seesPending: true))
      #expect(try fixture.get("a") == nil && fixture.keys() == [])
      let conflict = WriteTests.conflict { () throws(HubError) in try fixture.put("a", Self.item, ifRevision: created) }
      #expect(conflict != nil && conflict?.current == nil)
      #expect(try fixture.delete("a").result.hit == false)
      #expect(try fixture.delete("a", ifRevision: 0).result.hit == false)
    }
    // Looking at it has written nothing.
    try fixture.acknowledge()
    #expect(fixture.revision == 1)
  }

  @Test("A put over a due key commits the EXPIRE first and is a creation, under way or acknowledged")
  func putOverDue() throws {
    for isAcknowledged in [false, true] {
      let fixture = try HubFixture()
      try fixture.put("a", Self.item, ttl: 1)
      if isAcknowledged { try fixture.acknowledge() }
      fixture.clock.time += 1
      let outcome = try fixture.put("a", Self.item, ifRevision: 0)
      #expect(outcome.result == OperationResult(isPut: true, hit: true, revision: Revision(3)))
      try fixture.acknowledge()
      let records = try fixture.records()
      #expect(records.map(\.operation) == [.create, .expire, .create] && records.map(\.previous) == [0, 1, 2])
      #expect(records[1].continues && !records[2].continues)
      #expect(fixture.hub.state.expiries.count == 0 && fixture.hub.state.keyCount == 1)
    }
  }

  @Test("An item that is already due when it is put is stored, and absent at once")
  func alreadyDue() throws {
    let fixture = try HubFixture()
    let outcome = try fixture.put("a", #"{"content":"x","expiry_timestamp":"2001-01-01T00:00:00Z"}"#)
    #expect(outcome.result.hit)
    try fixture.acknowledge()
    #expect(try fixture.get("a") == nil && fixture.hub.state.keyCount == 1)
    try fixture.hub.sweep(limit: 10)
    try fixture.acknowledge()
    #expect(fixture.hub.state.keyCount == 0 && fixture.revision == 2)
  }

  @Test("The sweeper takes the longest due first, as many as it may, each once")
  func sweeper() throws {
    let fixture = try HubFixture()
    for (index, ttl) in [30, 10, 20, 40, 50].enumerated() { try fixture.put("key\(index)", Self.item, ttl: Int64(ttl)) }
    try fixture.put("stays", Self.item)
    try fixture.acknowledge()
    fixture.clock.time += 9
    try fixture.hub.sweep(limit: 10)
    try fixture.acknowledge()
    #expect(fixture.revision == 6)
    fixture.clock.time += 31
    try fixture.hub.sweep(limit: 2)
    try fixture.hub.sweep(limit: 2)  // those two are under way: nothing twice
    try fixture.acknowledge()
    try fixture.hub.sweep(limit: 2)
    try fixture.acknowledge()
    let expired = try fixture.records().filter { $0.operation == .expire }
    #expect(expired.map(\.key) == ["key1", "key2", "key0", "key3"])
    #expect(expired.map(\.previous) == [2, 3, 1, 4])
    #expect(fixture.keys() == ["key4", "stays"])
    #expect(fixture.hub.state.eventCounts == .init(create: 6, update: 0, delete: 0, expire: 4))
    #expect(fixture.hub.state.expiries.nextExpiry == SettableClock.start + 50)
  }

  @Test("Keys with writes under way are swept by what those writes made of them")
  func pendingWrites() throws {
    let fixture = try HubFixture()
    for key in ["replaced", "renewed", "deleted", "put again", "due"] { try fixture.put(key, Self.item, ttl: 10) }
    try fixture.acknowledge()
    fixture.clock.time += 5
    try fixture.put("replaced", Self.item)
    try fixture.put("renewed", Self.item, ttl: 100)
    try fixture.delete("deleted")
    try fixture.put("put again", Self.item, ttl: 2)
    fixture.clock.time += 5
    try fixture.hub.sweep(limit: 100)
    try fixture.acknowledge()
    #expect(fixture.keys() == ["renewed", "replaced"])
    #expect(try fixture.records().filter { $0.operation == .expire }.map(\.key).sorted() == ["due", "put again"])
    try fixture.hub.sweep(limit: 100)
    try fixture.acknowledge()
    #expect(fixture.hub.state.keyCount == 2 && fixture.hub.state.expiries.count == 1)
  }

  @Test("Before a checksum everything due becomes an EXPIRE, what is not acknowledged too")
  func beforeChecksum() throws {
    let fixture = try HubFixture()
    try fixture.put("old", Self.item, ttl: 10)
    try fixture.acknowledge()
    try fixture.put("new", Self.item, ttl: 5)
    try fixture.put("new", Self.item, ttl: 6)
    try fixture.put("gone", Self.item, ttl: 5)
    try fixture.delete("gone")
    try fixture.put("old", Self.item, ttl: 7)
    try fixture.put("later", Self.item, ttl: 11)
    fixture.hub.submit()
    try fixture.put("stays", Self.item)
    fixture.clock.time += 10
    try fixture.hub.sweepAll()
    try fixture.hub.sweepAll()
    try fixture.acknowledge()
    #expect(fixture.hub.state.keyCount == 2 && fixture.keys() == ["later", "stays"])
    #expect(try fixture.records().filter { $0.operation == .expire }.map(\.key) == ["old", "new"])
    fixture.clock.time += 1
    try fixture.hub.sweepAll()
    try fixture.acknowledge()
    #expect(fixture.hub.state.keyCount == 1 && fixture.hub.state.expiries.count == 0)
  }

  @Test("More due keys than a segment holds are swept in commits that fit")
  func manyDue() throws {
    let fixture = try HubFixture()
    let tail = String(repeating: "k", count: 1_000)
    for number in 0..<3_000 {
      try fixture.put("\(number)\(tail)", Self.item, ttl: 10)
      if number % 50 == 0 { try fixture.acknowledge() }
    }
    try fixture.put("stays", Self.item)
    try fixture.acknowledge()
    fixture.clock.time += 10
    try fixture.hub.sweepAll()
    try fixture.acknowledge()
    #expect(fixture.keys() == ["stays"] && fixture.hub.state.eventCounts.expire == 3_000)
    #expect(fixture.hub.state.countByKind.reduce(0, +) == 1)
    try fixture.reopen()
    #expect(fixture.keys() == ["stays"] && fixture.revision == 6_001)
  }

  @Test("Replacing, deleting and expiring an item of one kind by one of another keeps the counts by kind")
  func countsByKind() throws {
    let fixture = try HubFixture()
    let items = [
      Self.item, #"{"session_id":"s"}"#, #"{"knowledge_id":"i","title":"t","content":"x","category":"c"}"#,
    ]
    for (index, item) in items.enumerated() {
      try fixture.put("replaced", item, ttl: 5)
      try fixture.put("deleted\(index)", item)
      try fixture.put("expired\(index)", item, ttl: 5)
      try fixture.put("kept\(index)", item)
    }
    for index in items.indices { try fixture.delete("deleted\(index)") }
    fixture.clock.time += 5
    try fixture.hub.sweepAll()
    try fixture.put("replaced", items[1])
    try fixture.acknowledge()
    for _ in 0..<2 {
      #expect(fixture.hub.state.countByKind[1...3] == [1, 2, 1])
      #expect(fixture.hub.state.countByKind.reduce(0, +) == fixture.hub.state.keyCount)
      try fixture.reopen()
    }
  }
}

@Suite struct ExpiryQueueTests {
  @Test("The queue is in order of time, before 1970 too, and in byte order within a microsecond")
  func order() {
    let queue = ExpiryQueue()
    func set(_ key: String, _ expiry: Int64) {
      let bytes = Array(key.utf8)
      queue.set(bytes.span.bytes, expiry: expiry)
    }
    func due(_ now: Int64, limit: Int = .max) -> [String] {
      var keys: [String] = []
      queue.forEachDue(at: now, limit: limit) { keys.append($0.text()) }
      return keys
    }
    #expect(queue.nextExpiry == nil && due(.max) == [])
    for (key, expiry) in [("c", 5), ("b", 5), ("a", -7), ("d", Int64.min), ("e", Int64.max), ("f", 0), ("g", -1)] {
      set(key, expiry)
    }
    #expect(due(.max) == ["d", "a", "g", "f", "b", "c", "e"] && queue.nextExpiry == .min)
    #expect(due(-1) == ["d", "a", "g"] && due(4) == ["d", "a", "g", "f"] && due(.max, limit: 2) == ["d", "a"])
    set("d", 6)
    set("a", 5)
    #expect(due(6) == ["g", "f", "a", "b", "c", "d"] && queue.count == 7)
    func expiry(_ key: String) -> Int64? {
      let bytes = Array(key.utf8)
      return queue.expiry(of: bytes.span.bytes)
    }
    #expect(expiry("a") == 5 && expiry("absent") == nil)
    for key in ["a", "b", "c", "d", "e", "f", "g", "absent", "a"] {
      let bytes = Array(key.utf8)
      queue.remove(bytes.span.bytes)
    }
    #expect(queue.count == 0 && queue.nextExpiry == nil)
  }
}
