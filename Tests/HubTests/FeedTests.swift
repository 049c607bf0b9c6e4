/// The change feed: every acknowledged event once, in order, from anywhere, however it is cut into pages and pieces.
import Foundation
import LogStore
import TestSupport
import Testing

@testable import Hub

@Suite("Change feed")
struct FeedTests {
  private static let keys = ["a", "a/1", "a/2", "ab", "b", "b/é", "c", "c/long/" + String(repeating: "x", count: 200)]

  private func item(_ number: Int, bytes: Int = 10) -> String {
    #"{"content":"\#(number) \#(String(repeating: "y", count: bytes))"}"#
  }

  /// Writes, deletes, batches, expiries, restarts.
  private func workload(_ fixture: HubFixture, steps: Int, _ random: inout SeededGenerator) throws {
    for step in 0..<steps {
      let key = FeedTests.keys.randomElement(using: &random)!
      let author = Author(agent: ["A", "B", ""].randomElement(using: &random)!)
      switch Int.random(in: 0..<20, using: &random) {
      case 0..<9: try fixture.put(key, item(step, bytes: Int.random(in: 0..<300, using: &random)), by: author)
      case 9..<12: try fixture.delete(key, by: author)
      case 12..<14: try fixture.put(key, item(step), ttl: 500, by: author)
      case 14..<16:
        let operations = (0..<Int.random(in: 1..<9, using: &random)).map { index in
          let key = FeedTests.keys.randomElement(using: &random)!
          return index % 3 == 2 ? BatchOperation.delete(key) : .put(key, item(step))
        }
        try fixture.batch(operations, by: author)
      case 16:
        fixture.clock.time += 1_000
        try fixture.hub.sweep(limit: 100)
      case 17 where step % 7 == 0:
        try fixture.acknowledge()
        try fixture.reopen(withSnapshot: Bool.random(using: &random))
      default: try fixture.acknowledge()
      }
    }
    try fixture.acknowledge()
  }

  @Test("From every revision, with prefixes, limits and pieces of any size: each event once, in order, to the end")
  func model() throws {
    var random = SeededGenerator.fromEnvironment("feed")
    for round in 0..<2 {
      let fixture = try HubFixture(in: HubFixture.memory)
      try workload(fixture, steps: 200, &random)
      if round == 1 { try fixture.crash() }
      let expected = try fixture.expectedFeed()
      let end = fixture.revision + 1
      #expect(UInt64(expected.count) == fixture.revision)
      // From the end backwards: what an event replaces has been passed by nobody before.
      for from in (0...(end + 2)).reversed() {
        let prefix = ["", "a", "a/", "ab", "b", "c/long/", "nothing"].randomElement(using: &random)!
        let limit = Int.random(in: 1...(from % 5 == 0 ? 1_000 : 40), using: &random)
        let work = from % 3 == 0 ? Int.random(in: 1..<2_000, using: &random) : 1 << 20
        let (events, next, pages) = try fixture.follow(from: from, prefix: prefix, limit: limit, work: work)
        let wanted = expected.filter { $0.revision >= from && $0.key.hasPrefix(prefix) }
        try #require(events == wanted, "from \(from), \(prefix), limit \(limit), work \(work)")
        try #require(next == max(from, end))
        // `more` is never said in vain.
        try #require(pages == max(1, (wanted.count + limit - 1) / limit))
      }
    }
  }

  @Test("A page stops before the event that it has no room for, and its next revision is that of this event")
  func limit() throws {
    let fixture = try HubFixture()
    for number in 1...10 { try fixture.put(number % 2 == 0 ? "even" : "odd", item(number)) }
    try fixture.acknowledge()
    let page = try fixture.page(from: 1, prefix: "even", limit: 2)
    #expect(page.events.map(\.revision) == [2, 4] && page.next == 6 && page.more)
    let last = try fixture.page(from: 6, prefix: "even", limit: 3)
    #expect(last.events.map(\.revision) == [6, 8, 10] && last.next == 11 && !last.more)
    let odd = try fixture.page(from: 8, prefix: "odd", limit: 1)
    #expect(odd.events.map(\.revision) == [9] && odd.next == 11 && !odd.more, "what was filtered out is passed")
  }

  @Test("What is not acknowledged is not told")
  func acknowledged() throws {
    let fixture = try HubFixture()
    try fixture.put("a", item(1))
    try fixture.acknowledge()
    try fixture.put("a", item(2))
    #expect(try fixture.page(from: 0).next == 2)
    fixture.hub.submit()
    #expect(try fixture.page(from: 0).events.count == 1)
    try fixture.hub.settle()
    #expect(try fixture.page(from: 0).events.count == 2)
  }

  @Test("A revision that is not there yet is waited for: an empty page that asks for the same one again")
  func future() throws {
    let fixture = try HubFixture()
    try fixture.put("a", item(1))
    try fixture.acknowledge()
    for from: UInt64 in [2, 3, 1_000, .max] {
      let page = try fixture.page(from: from)
      #expect(page.events.isEmpty && page.next == from && !page.more)
    }
    try fixture.put("a", item(2))
    try fixture.acknowledge()
    #expect(try fixture.page(from: 2).events.map(\.revision) == [2])
    #expect(try fixture.page(from: 3).events.isEmpty)
  }

  @Test("Pages end before the reply grows too large, and an event that is larger than that comes alone")
  func replyLimit() throws {
    var limits = HubLimits()
    limits.replyBytes = 64 << 10
    let fixture = try HubFixture(limits: limits)
    for number in 0..<40 { try fixture.put("k\(number)", item(number, bytes: number == 20 ? 100_000 : 5_000)) }
    try fixture.acknowledge()
    var from: UInt64 = 0
    var seen: [UInt64] = []
    var isMore = true
    while isMore {
      let page = try fixture.page(from: from)
      #expect(page.bytes < limits.replyBytes || page.events.map(\.revision) == [21])
      #expect(!page.events.isEmpty)
      seen += page.events.map(\.revision)
      (from, isMore) = (page.next, page.more)
    }
    #expect(seen == Array(1...40))
  }

  @Test("A piece does not do more than it may, give or take one record")
  func pieces() throws {
    let fixture = try HubFixture(in: HubFixture.memory)
    for number in 0..<3_000 { try fixture.put("k\(number % 500)", item(number, bytes: 400)) }
    try fixture.acknowledge()
    let page = try fixture.hub.beginFeed(FeedQuery(from: .none, prefix: Array("rare".utf8), limit: 1))
    var pieces = 0
    while !page.isComplete {
      var work = 64 << 10
      try fixture.hub.extend(page, work: &work)
      #expect(work > -4_096)
      pieces += 1
    }
    #expect(pieces >= 3_000 * 500 / (64 << 10) && page.next.value == 3_001 && !page.hasMore && page.isEmpty)
  }

  @Test("What lies behind damage is not told, what lies before it is, and then the error names the place")
  func damage() throws {
    let fixture = try HubFixture()
    for number in 1...20 { try fixture.put("k\(number)", #"{"content":"number \#(100 + number)"}"#) }
    try fixture.acknowledge()
    let segment = fixture.directory.appending(path: "segments/0000000001-0000.seg")
    let bytes = try Data(contentsOf: segment)
    let place = try #require(bytes.firstRange(of: Data("number 113".utf8)))
    let handle = try FileHandle(forWritingTo: segment)
    try handle.seek(toOffset: UInt64(place.lowerBound))
    try handle.write(contentsOf: Data("N".utf8))
    try handle.close()
    let page = try fixture.page(from: 5)
    #expect(page.events.map(\.revision) == Array(5...12) && page.next == 13 && page.more)
    let error = #expect(throws: HubError.self) { try fixture.page(from: 13) }
    #expect(error?.code == .storageError && error?.message.contains("segment 1") == true)
    #expect(try fixture.page(from: 14).events.count == 7)
  }

  @Test("Revisions that a salvage found lost are passed, and the reader is told which")
  func lost() throws {
    let fixture = try HubFixture(in: HubFixture.memory)
    for number in 0..<2_000 { try fixture.put("k\(number % 100)", item(number, bytes: 300)) }
    try fixture.acknowledge()
    let records = try fixture.expectedFeed()
    try fixture.hub.close()
    let copy = HubFixture.memory.appending(path: "mfh-feed-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: copy) }
    try FileManager.default.copyItem(at: fixture.directory, to: copy)
    try? FileManager.default.removeItem(at: copy.appending(path: "LOCK"))
    try FileManager.default.removeItem(at: copy.appending(path: "segments/0000000002-0000.seg"))
    var options = HubFixture.smallSegments
    options.salvages = true
    let log = try RecordLog(
      PosixStorage(path: copy.path, creating: false), options: options, now: fixture.clock.time)
    defer { log.abandon() }
    let gap = try #require(log.recovery.salvage?.lost.first)
    let hub = try MemoryHub(log: log, limits: HubLimits(), clock: fixture.clock)
    let page = try hub.beginFeed(FeedQuery(from: .none, prefix: [], limit: 10_000))
    var work = Int.max / 2
    try hub.extend(page, work: &work)
    #expect(page.isComplete && page.lost == [gap] && page.next.value == 2_001)
    #expect(page.count == records.count - gap.count)
    let inside = try hub.beginFeed(FeedQuery(from: Revision(gap.lowerBound + 3), prefix: [1], limit: 10))
    try hub.extend(inside, work: &work)
    #expect(inside.lost == [(gap.lowerBound + 3)...gap.upperBound] && inside.count == 0 && inside.next.value == 2_001)
  }

  @Test("A write that a recovery left out is passed, wakes nobody, and is no previous value")
  func void() throws {
    let fixture = try HubFixture()
    try fixture.put("k", item(1))
    try fixture.acknowledge()
    let kept = try fixture.expectedFeed()[0].payload
    func append(_ operation: LogStore.Operation, previous: UInt64) throws {
      let (key, nothing) = (Array("k".utf8), [UInt8]())
      var fields = RecordFields(
        operation: operation, revision: fixture.hub.log.lastRevision.next, time: fixture.clock.time)
      fields.previousRevision = Revision(previous)
      try fixture.hub.log.reserve(1_000)
      _ = fixture.hub.log.append(
        fields,
        RecordNames(
          key: key.span.bytes, agent: nothing.span.bytes, correlation: nothing.span.bytes, request: nothing.span.bytes),
        payload: nothing.span.bytes)
    }
    fixture.hub.feedWatch.add(7, prefix: [], from: .none)
    try append(.void, previous: 1)
    try append(.void, previous: 2)
    try fixture.acknowledge()
    #expect(fixture.hub.feedWatch.takeWoken().isEmpty)
    #expect(try fixture.page(from: 2).events.isEmpty && fixture.page(from: 2).next == 4)
    try fixture.put("other", item(2))
    try fixture.acknowledge()
    #expect(fixture.hub.feedWatch.takeWoken().map(\.number) == [7])
    // An event that a recovery kept still names the revision of the write that it left out.
    try append(.delete, previous: 3)
    fixture.hub.submit()
    try fixture.reopen()
    let events = try fixture.page(from: 0).events
    #expect(events.map(\.revision) == [1, 4, 5] && events[2].type == "DELETE" && events[2].previous == kept)
  }

  @Test("Places of passed items are those of the newest revisions; an older one with the same slot is forgotten")
  func passedPlaces() {
    func position(_ number: UInt64) -> RecordPosition {
      RecordPosition(segment: SegmentNumber(1), offset: UInt32(number) * 8, length: 160)
    }
    var places = PassedPlaces()
    #expect(!places.isInUse && places.place(of: Revision(1)) == nil)
    places.begin()
    let slots: UInt64 = 1 << 17
    for number in 1...slots { places.note(Revision(number), at: position(number)) }
    for number in 1...slots { #expect(places.place(of: Revision(number)) == position(number)) }
    for number in (slots + 1)...(slots + 1_000) { places.note(Revision(number), at: position(number)) }
    for number in 1...1_000 as ClosedRange<UInt64> {
      #expect(places.place(of: Revision(number)) == nil)
      #expect(places.place(of: Revision(number + slots)) == position(number + slots))
    }
    #expect(places.place(of: Revision(1_001)) == position(1_001) && places.place(of: .none) == nil)
  }

  @Test("The first revision not before a time is that of the first event of that time or later")
  func times() throws {
    let fixture = try HubFixture()
    var times: [Int64] = []
    for number in 0..<50 {
      if number % 3 == 0 { fixture.clock.time += 10 }
      times.append(fixture.clock.time)
      try fixture.put("k", item(number))
      if number % 4 == 0 { try fixture.acknowledge() }
    }
    try fixture.acknowledge()
    for time in (times[0] - 2)...(times[49] + 2) {
      let expected = UInt64((times.firstIndex { $0 >= time } ?? 50) + 1)
      #expect(try fixture.hub.firstRevision(notBefore: time).value == expected)
    }
  }
}
