/// The past of keys: at every revision, at every time, event by event; and what is answered where it is gone.
import Bytes
import Foundation
import Hub
import LogStore
import TestSupport
import Testing

@Suite("The past")
struct PastTests {
  static let item = #"{"content":"x"}"#

  /// Random writes: some keys hot, some deleted and put again, some that expire, batches, swept now and then.
  private static func write(_ fixture: HubFixture, _ steps: Int, _ random: inout SeededGenerator) throws {
    for _ in 0..<steps {
      let key = "k\(Int.random(in: 0..<8, using: &random) * Int.random(in: 0..<8, using: &random) / 7)"
      let text = #"{"content":"\#(Int.random(in: 0..<1_000, using: &random))"}"#
      let author = Author(agent: Bool.random(using: &random) ? "a" : "", correlation: "c\(steps)")
      switch Int.random(in: 0..<12, using: &random) {
      case 0, 1: try fixture.delete(key, by: author)
      case 2: try fixture.put(key, text, ttl: Int64.random(in: 1..<400, using: &random), by: author)
      case 3: try fixture.batch([.put(key, text), .delete("k1"), .put("k1", text), .put(key + "+", text)])
      case 4: fixture.clock.time += Int64.random(in: 0..<300, using: &random)
      case 5: try fixture.hub.sweep(limit: 2)
      default: try fixture.put(key, text, by: author)
      }
      if Int.random(in: 0..<3, using: &random) == 0 { try fixture.acknowledge() }
    }
    try fixture.acknowledge()
    fixture.clock.time += 50
  }

  @Test("Every key at every revision and time, and every history, is what a plain reading of the log says")
  func everything() throws {
    var random = SeededGenerator.fromEnvironment("past, everything")
    var options = HubFixture.smallSegments
    options.firstSegmentBytes = 32 << 10
    options.segmentBytes = 32 << 10
    let fixture = try HubFixture(options: options)
    try Self.write(fixture, 150, &random)
    try PlainPast(fixture).check(fixture, "live")
    try fixture.reopen(withSnapshot: true)
    try PlainPast(fixture).check(fixture, "from a snapshot")
    try Self.write(fixture, 60, &random)
    try fixture.crash()
    try Self.write(fixture, 20, &random)
    try fixture.reopen()
    #expect(fixture.hub.log.status.segments > 2)
    try PlainPast(fixture).check(fixture, "from the log")
  }

  @Test("Writes that are under way have no past yet, and times that they belong to are not settled")
  func underWay() throws {
    let fixture = try HubFixture()
    try fixture.put("k", Self.item)
    try fixture.acknowledge()
    fixture.clock.time += 10
    try fixture.put("k", #"{"content":"y"}"#)
    let time = fixture.clock.time
    #expect(fixture.hub.isUnsettled(.time(time)) && !fixture.hub.isUnsettled(.time(time - 1)))
    #expect(!fixture.hub.isUnsettled(.revision(Revision(1))))
    #expect(try fixture.get("k", at: .time(time - 1))?.revision == 1)
    #expect(try fixture.history("k").events.contains(#""sequence_number":1"#))
    #expect(throws: HubError.self) { try fixture.get("k", at: .revision(Revision(2))) }
    try fixture.acknowledge()
    #expect(!fixture.hub.isUnsettled(.time(time)))
    #expect(try fixture.get("k", at: .time(time))?.revision == 2)
  }

  @Test("The future is refused: a revision that is not there yet, a time that has not come")
  func future() throws {
    let fixture = try HubFixture()
    try fixture.put("k", Self.item)
    try fixture.acknowledge()
    for moment in [MemoryHub.Moment.revision(Revision(2)), .revision(Revision(1 << 62)), .time(fixture.hub.now() + 1)] {
      let error = try #require(throws: HubError.self) { try fixture.get("k", at: moment) }
      #expect(error.code == .invalidRequest)
    }
    #expect(try fixture.get("k", at: .time(fixture.hub.now()))?.revision == 1)
    #expect(try fixture.get("k", at: .time(.min)) == nil && fixture.get("k", at: .revision(.none)) == nil)
  }

  @Test("at_time leaves out what had expired by then, swept or not; at_revision does not look at the clock")
  func expiry() throws {
    let fixture = try HubFixture()
    try fixture.put("k", Self.item, ttl: 100)
    try fixture.acknowledge()
    let start = fixture.clock.time
    fixture.clock.time += 500
    for isSwept in [false, true] {
      if isSwept {
        try fixture.hub.sweepAll()
        try fixture.acknowledge()
      }
      #expect(try fixture.get("k", at: .time(start + 99))?.revision == 1)
      #expect(try fixture.get("k", at: .time(start + 100)) == nil)
      #expect(try fixture.get("k", at: .time(start + 500)) == nil)
      #expect(try fixture.get("k", at: .revision(Revision(1)))?.revision == 1)
    }
    #expect(try fixture.get("k", at: .revision(Revision(2))) == nil)
  }

  @Test("A reply that is full ends the page early; an event that finds no room at all is too_large")
  func replyLimit() throws {
    let fixture = try HubFixture()
    let text = #"{"content":"\#(String(repeating: "x", count: 3_000))"}"#
    for _ in 0..<20 { try fixture.put("k", text) }
    try fixture.acknowledge()
    let all = try fixture.history("k")
    var joined = ""
    var before: UInt64 = 1 << 63
    while true {
      let (events, more) = try fixture.history("k", before: before, replyBytes: 20_000)
      #expect(events.utf8.count <= 20_000 && events.utf8.count > 6_000)
      joined += (joined.isEmpty ? "" : ",") + events
      let numbers = events.matches(of: /"sequence_number":(\d+)/).compactMap { UInt64($0.1) }
      before = numbers.last ?? 0
      if !more { break }
    }
    #expect(joined == all.events && !all.more)
    let error = try #require(throws: HubError.self) { try fixture.history("k", replyBytes: 3_000) }
    #expect(error.code == .tooLarge)
  }

  @Test("A deleted key that had to be forgotten is not called absent where it may have been there")
  func forgotten() throws {
    var limits = HubLimits()
    limits.deadKeys = 5
    let fixture = try HubFixture(limits: limits)
    for number in 0..<12 {
      try fixture.put("key\(number)", Self.item)
      try fixture.delete("key\(number)")
    }
    try fixture.put("living", Self.item)
    try fixture.acknowledge()
    for _ in 0..<2 {
      let floor = fixture.hub.state.forgottenThrough
      #expect(floor.value > 10)
      for number in 0..<12 {
        let key = "key\(number)"
        let then = MemoryHub.Moment.revision(Revision(UInt64(number) * 2 + 1))
        if fixture.hub.state.newestEvent(Array(key.utf8).span.bytes) != nil {
          #expect(try fixture.get(key, at: then) != nil)
        } else {
          let error = try #require(throws: HubError.self) { try fixture.get(key, at: then) }
          #expect(error.code == .revisionCompacted && error.floor == floor)
          #expect(throws: HubError.self) { try fixture.history(key) }
        }
        #expect(try fixture.get(key, at: .revision(Revision(25))) == nil)
      }
      #expect(try fixture.get("living", at: .revision(Revision(25))) != nil)
      try fixture.reopen(withSnapshot: true)
    }
  }

  @Test(
    "Where a salvage found revisions lost, what is newer is told, and what can not be told is refused with the floor")
  func lost() throws {
    var options = HubFixture.smallSegments
    options.salvages = true
    let fixture = try HubFixture(options: options)
    for number in 0..<9 {
      try fixture.put(number % 2 == 0 ? "even" : "odd", #"{"content":"unique \#(number)"}"#)
      try fixture.acknowledge()
    }
    // Revision 5 is the third of "even".
    let path = fixture.directory.appending(path: "segments/0000000001-0000.seg")
    try fixture.reopen()
    var bytes = try Data(contentsOf: path)
    let place = try #require(bytes.firstRange(of: Data("unique 4".utf8)))
    bytes[place.lowerBound] ^= 1
    try bytes.write(to: path)
    try fixture.reopen()
    #expect(
      try fixture.hub.log.find(Revision(5)) != FoundRevision.none && fixture.hub.log.position(of: Revision(5)) == nil)
    let page = try fixture.history("even")
    #expect(page.more && page.events.matches(of: /"sequence_number"/).count == 2)
    #expect(page.events.contains(#""previous_value":null,"sequence_number":7"#))
    #expect(try fixture.get("even", at: .revision(Revision(8)))?.revision == 7)
    // The link of revision 7 leads to the first one, past what is lost.
    #expect(try fixture.get("even", at: .revision(Revision(0))) == nil)
    #expect(try fixture.get("even", at: .revision(Revision(1)))?.revision == 1)
    for revision in 2...6 as ClosedRange<UInt64> {
      let error = try #require(throws: HubError.self) { try fixture.get("even", at: .revision(Revision(revision))) }
      #expect(error.code == .revisionCompacted && error.floor == Revision(7))
    }
    let error = try #require(throws: HubError.self) { try fixture.history("even", before: 7) }
    #expect(error.code == .revisionCompacted && error.floor == Revision(7))
    for revision in 2...9 as ClosedRange<UInt64> {
      #expect(try fixture.get("odd", at: .revision(Revision(revision)))?.revision == min(revision & ~1, 8))
    }
  }

  @Test("A record without effect is passed over: by reads of the past, in a history, and as a previous value")
  func voids() throws {
    let fixture = try HubFixture()
    let now = fixture.clock.time
    try Self.append(fixture.hub.log, .create, 1, previous: 0, #"{"content":"1"}"#, now)
    try Self.append(fixture.hub.log, .void, 2, previous: 1, "", now)
    try Self.append(fixture.hub.log, .update, 3, previous: 2, #"{"content":"3"}"#, now)
    try Self.append(fixture.hub.log, .void, 4, previous: 3, "", now)
    try fixture.crash()
    #expect(try (0...4).map { try fixture.get("k", at: .revision(Revision($0)))?.revision } == [nil, 1, 1, 3, 3])
    try PlainPast(fixture).check(fixture)
    #expect(try fixture.history("k").events.contains(#""previous_value":{"content":"1"},"sequence_number":3"#))
  }

  private static func append(
    _ log: RecordLog, _ operation: LogStore.Operation, _ revision: UInt64, previous: UInt64, _ item: String,
    _ now: Int64
  ) throws {
    var fields = RecordFields(operation: operation, revision: Revision(revision), time: now)
    fields.previousRevision = Revision(previous)
    fields.itemKind = operation.isPut ? 1 : 0
    let (key, payload) = (Array("k".utf8), Array(item.utf8))
    let nothing = [UInt8]()
    try log.reserve(1_024)
    _ = log.append(
      fields,
      RecordNames(
        key: key.span.bytes, agent: nothing.span.bytes, correlation: nothing.span.bytes, request: nothing.span.bytes),
      payload: payload.span.bytes)
    log.submit()
  }

  @Test("A record that has rotted is storage_error with its place, in a history and in a read of the past")
  func rot() throws {
    let fixture = try HubFixture()
    for number in 0..<6 {
      try fixture.put("k", #"{"content":"unique \#(number)"}"#)
      try fixture.acknowledge()
    }
    let path = fixture.directory.appending(path: "segments/0000000001-0000.seg")
    let bytes = try Data(contentsOf: path)
    let place = try #require(bytes.firstRange(of: Data("unique 2".utf8)))
    let file = try FileHandle(forWritingTo: path)
    try file.seek(toOffset: UInt64(place.lowerBound))
    try file.write(contentsOf: Data("U".utf8))
    try file.close()
    for read in [
      { _ = try fixture.history("k") }, { _ = try fixture.get("k", at: .revision(Revision(3))) },
    ] {
      let error = try #require(throws: HubError.self) { try read() }
      #expect(error.code == .storageError && error.message.contains("segment 1 offset"))
    }
    #expect(try fixture.history("k", limit: 2).events.contains(#""sequence_number":5"#))
    #expect(try fixture.get("k", at: .revision(Revision(4)))?.revision == 4)
  }
}
