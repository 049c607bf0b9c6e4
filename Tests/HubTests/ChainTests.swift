/// Skip links: an old version of a key with very many is found with few reads, and writing them costs none.
import Bytes
import Hub
import LogStore
import TestSupport
import Testing

@Suite("Skip links")
struct ChainTests {
  private static func item(_ number: Int) -> String { #"{"content":"\#(number)"}"# }

  /// Puts `count` versions, `wave` of them at a time under way together.
  private static func write(_ fixture: HubFixture, _ count: Int, wave: Int, key: String = "k") throws {
    for number in 1...count {
      try fixture.put(key, item(number))
      if number % wave == 0 { try fixture.acknowledge() }
    }
    try fixture.acknowledge()
  }

  /// Looks up random revisions of a key that has every revision. Returns the most reads that one took.
  private static func mostReads(_ fixture: HubFixture, _ random: inout SeededGenerator) throws -> UInt64 {
    var most: UInt64 = 0
    let last = fixture.revision
    for revision in (0..<500).map({ _ in UInt64.random(in: 1...last, using: &random) }) + [1, 2, last - 1, last] {
      let before = fixture.hub.pastReads
      #expect(try fixture.get("k", at: .revision(Revision(revision)))?.revision == revision)
      most = max(most, fixture.hub.pastReads - before)
    }
    return most
  }

  @Test("Among 100,000 versions each is found with at most 60 reads, and writing them reads next to nothing")
  func manyVersions() throws {
    var random = SeededGenerator.fromEnvironment("chain, many versions")
    let fixture = try HubFixture()
    try Self.write(fixture, 100_000, wave: 300)
    #expect(fixture.hub.linkReads <= 6)
    let most = try Self.mostReads(fixture, &random)
    #expect(most <= 60 && most > 10, "\(most) reads")
    #expect(try ChainCheck.check(try fixture.records()) > 2_000)
    // Versions that come by the thousand in one batch are no further away.
    for _ in 0..<40 { try fixture.batch((0..<500).map { .put("k", Self.item($0)) }) }
    try fixture.acknowledge()
    #expect(try Self.mostReads(fixture, &random) <= 60)
    // After a restart the heads are read again where they are wanted, and the links go on as before.
    try fixture.reopen(withSnapshot: true)
    try Self.write(fixture, 1_000, wave: 7)
    #expect(fixture.hub.linkReads <= 12)
    #expect(try Self.mostReads(fixture, &random) <= 60)
    try ChainCheck.check(try fixture.records())
  }

  @Test("Which heads skip over two is told from their depth alone, as following the links tells it")
  func skipsOverTwo() {
    // The skip of each head, by number; the first has none.
    var skips = [0]
    for number in 1..<200_000 {
      let last = skips[number - 1]
      let isOverTwo = last > 0 && skips[number - 1 - last] == last
      skips.append(isOverTwo ? 2 * last + 1 : 1)
      #expect(ChainLink.skipsOverTwo(depth: UInt32(number) * ChainLink.stride) == isOverTwo)
    }
    #expect(!ChainLink.skipsOverTwo(depth: 0))
  }

  @Test("With deletes and expiries between, batches of many writes to one key, and keys by the thousand")
  func mixed() throws {
    var random = SeededGenerator.fromEnvironment("chain, mixed")
    let fixture = try HubFixture()
    for round in 0..<400 {
      for key in 0..<20 {
        let name = "k\(key)"
        switch Int.random(in: 0..<10, using: &random) {
        case 0: try fixture.delete(name)
        case 1: try fixture.put(name, Self.item(round), ttl: 5)
        case 2: try fixture.batch((0..<40).map { .put(name, Self.item($0)) })
        case 3:
          #expect(throws: HubError.self) {
            try fixture.batch((0..<20).map { .put(name, Self.item($0)) } + [.put(name, Self.item(0), ifRevision: 1)])
          }
        default: try fixture.put(name, Self.item(round))
        }
      }
      fixture.clock.time += 3
      if round % 5 == 0 { try fixture.acknowledge() }
      if round % 150 == 149 {
        try fixture.acknowledge()
        try fixture.reopen(withSnapshot: round % 2 == 0)
      }
    }
    try fixture.acknowledge()
    #expect(try ChainCheck.check(try fixture.records()) > 100)
    for number in 0..<(RecentHeadsLimit.keys + 10) { try fixture.put("many/\(number)", Self.item(number)) }
    try fixture.acknowledge()
    for _ in 0..<20 {
      for number in stride(from: 0, to: RecentHeadsLimit.keys + 10, by: 97) {
        try fixture.put("many/\(number)", Self.item(number))
      }
      try fixture.acknowledge()
    }
    try ChainCheck.check(try fixture.records())
  }

  private enum RecentHeadsLimit { static let keys = 65_536 }

  @Test(
    "Events of format version 1 have no links: they are followed one by one, and what is written on top links to them")
  func withoutLinks() throws {
    var random = SeededGenerator.fromEnvironment("chain, without links")
    let fixture = try HubFixture()
    let (key, payload, nothing) = (Array("k".utf8), Array(Self.item(0).utf8), [UInt8]())
    for revision in 1...200 as ClosedRange<UInt64> {
      var fields = RecordFields(
        operation: revision == 1 ? .create : .update, revision: Revision(revision), time: fixture.clock.time)
      fields.previousRevision = Revision(revision - 1)
      fields.itemKind = 1
      try fixture.hub.log.reserve(1_024)
      _ = fixture.hub.log.append(
        fields,
        RecordNames(
          key: key.span.bytes, agent: nothing.span.bytes, correlation: nothing.span.bytes,
          request: nothing.span.bytes), payload: payload.span.bytes)
      fixture.hub.log.submit()
    }
    try fixture.crash()
    try Self.write(fixture, 2_000, wave: 10)
    let most = try Self.mostReads(fixture, &random)
    #expect(most > 100 && most <= 260, "\(most) reads")
    let newer = fixture.hub.pastReads
    #expect(try fixture.get("k", at: .revision(Revision(201)))?.revision == 201)
    #expect(fixture.hub.pastReads - newer < 60)
  }
}
