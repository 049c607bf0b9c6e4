/// Point-in-time recovery against the plain fold of the log's records.
import Foundation
import Hub
import LogStore
import StoreTools
import TestSupport
import Testing

@Suite struct ReplayTests {
  private static func check(
    _ fixture: ReplayFixture, _ point: ReplayPoint, is revision: Int, isOpened: Bool = true
  ) throws {
    let expected = fixture.states[revision]
    let (target, outcome) = try fixture.replay(ReplayFixture.plan(point))
    defer { try? FileManager.default.removeItem(at: target) }
    #expect(outcome.revision.value == expected.revision && outcome.keys == expected.live.count)
    #expect(outcome.checksum == expected.checksum && outcome.events == UInt64(revision))
    guard isOpened else { return }
    let (state, checksum, records) = try ReplayFixture.state(of: target)
    #expect(state.revision == expected.revision && state.live == expected.live, "\(point)")
    #expect(checksum == expected.checksum)
    var copied = Array(fixture.records[..<revision])
    // A batch that was cut ends where the log ends.
    if let last = copied.indices.last { copied[last].continues = false }
    #expect(records.filter(\.operation.takesRevision) == copied)
  }

  @Test("At 300 random points of a random past, over many segments and crashes, the replayed state is the model's")
  func randomPoints() throws {
    var generator = SeededGenerator.fromEnvironment("HubTests.ReplayTests.randomPoints")
    let fixture = try ReplayFixture(events: 1_500, &generator)
    #expect(fixture.crashes > 0 && fixture.hub.hub.log.status.segments > 5)
    for _ in 0..<150 {
      let revision = Int.random(in: 0...Int(fixture.last), using: &generator)
      try Self.check(fixture, .revision(Revision(UInt64(revision))), is: revision)
    }
    for _ in 0..<150 {
      let times = fixture.states[1].time - 10...fixture.states[Int(fixture.last)].time + 10
      let time = Int64.random(in: times, using: &generator)
      let revision = fixture.states.lastIndex { $0.time <= time } ?? 0
      try Self.check(fixture, .time(time), is: revision)
    }
    try Self.check(fixture, .everything, is: Int(fixture.last))
  }

  @Test("At every revision of a past, and just before and at the time of each, the replayed state is the model's")
  func everyPoint() throws {
    var generator = SeededGenerator.fromEnvironment("HubTests.ReplayTests.everyPoint")
    let fixture = try ReplayFixture(events: 300, &generator)
    for revision in 0...Int(fixture.last) {
      try Self.check(fixture, .revision(Revision(UInt64(revision))), is: revision, isOpened: false)
    }
    for time in Set(fixture.states.dropFirst().flatMap { [$0.time - 1, $0.time] }) {
      let revision = fixture.states.lastIndex { $0.time <= time } ?? 0
      try Self.check(fixture, .time(time), is: revision, isOpened: false)
    }
  }

  @Test("The new store names its parent, has a higher epoch, goes on behind the point, and remembers requests")
  func goesOn() throws {
    let source = try HubFixture()
    try source.put("a", #"{"content":"1"}"#, by: .idempotent("first"))
    try source.put("b", #"{"content":"2"}"#, by: .idempotent("second"))
    try source.acknowledge()
    let target = HubFixture.memory.appending(path: "mfh-replay-\(UUID().uuidString)")
    let storage = try PosixStorage(path: target.path, creating: true)
    _ = try ReplayFixture.replay(
      from: PosixStorage(path: source.directory.path, creating: false), ReplayFixture.plan(.revision(Revision(1))),
      into: storage)
    let inspection = try StoreInspection.open(storage)
    #expect(inspection.manifest?.parentLineage == source.hub.log.status.lineage)
    #expect(inspection.manifest?.parentRevision == Revision(1))
    #expect(inspection.store != source.hub.log.status.store && inspection.lineage != source.hub.log.status.lineage)
    let restored = try HubFixture(existing: target)
    #expect(restored.hub.log.epoch == source.hub.log.epoch + 1)
    #expect(restored.hub.log.recovery.kind == .resumed)
    let repeated = try restored.put("a", #"{"content":"1"}"#, by: .idempotent("first"))
    #expect(repeated.result.revision == Revision(1))
    let anew = try restored.put("b", #"{"content":"2"}"#, by: .idempotent("second"))
    try restored.acknowledge()
    #expect(anew.result.revision == Revision(2) && restored.revision == 2)
  }

  @Test("A revision that does not exist yet is refused with the newest one, and nothing is left")
  func beyondEnd() throws {
    let source = try HubFixture()
    try source.put("a", #"{"content":"1"}"#)
    try source.acknowledge()
    let target = try ScratchDirectory.made()
    #expect(throws: ReplayFailure.beyondEnd(Revision(1))) {
      try ReplayFixture.replay(
        from: PosixStorage(path: source.directory.path, creating: false), ReplayFixture.plan(.revision(Revision(2))),
        into: PosixStorage(path: target.path, creating: false))
    }
    let left = FileManager.default.subpaths(atPath: target.path) ?? []
    #expect(left.filter { $0 != "segments" } == [])
  }

  // MARK: Without one agent

  /// The past without an agent, by the rules in words: its events are void, and the others' mean what they still can.
  private static func without(_ agent: String, _ records: [LoggedRecord]) -> (PlainState, voided: Int) {
    var state = PlainState()
    var expiries: [String: Int64] = [:]
    var voided = 0
    for record in records {
      state.revision = record.revision
      let isThere = state.live[record.key] != nil
      let isOverdue = expiries[record.key].map { $0 <= record.time } ?? false
      let counts =
        switch record.operation {
        case .create, .update: true
        case .delete: isThere
        case .expire: isThere && isOverdue
        case .void, .dropped, .epoch, .gap, .redaction: false
        }
      guard record.agent != agent, counts else {
        voided += 1
        continue
      }
      state.apply(record)
      expiries[record.key] = record.expiry == 0 ? nil : record.expiry
    }
    return (state, voided)
  }

  @Test("Without one agent the values of the others are what the rules say, and every revision stays")
  func excluded() throws {
    var generator = SeededGenerator.fromEnvironment("HubTests.ReplayTests.excluded")
    let fixture = try ReplayFixture(events: 800, &generator)
    for agent in ReplayFixture.agents {
      let (expected, voided) = Self.without(agent, fixture.records)
      let (target, outcome) = try fixture.replay(ReplayFixture.plan(excluding: [agent]))
      defer { try? FileManager.default.removeItem(at: target) }
      #expect(outcome.voided == UInt64(voided) && voided > 100)
      #expect(outcome.checksum == expected.checksum && outcome.revision.value == fixture.last)
      let (state, checksum, records) = try ReplayFixture.state(of: target)
      #expect(state.live == expected.live && checksum == expected.checksum)
      let events = records.filter(\.operation.takesRevision)
      #expect(events.map(\.revision) == fixture.records.map(\.revision))
      #expect(events.map(\.key) == fixture.records.map(\.key) && events.map(\.time) == fixture.records.map(\.time))
      #expect(events.map(\.agent) == fixture.records.map(\.agent))
      Self.checkLinks(events)
    }
  }

  /// Links lead to the key's newest earlier event that counts; each operation is possible.
  private static func checkLinks(_ events: [LoggedRecord]) {
    var newest: [String: LoggedRecord] = [:]
    for event in events where event.operation != .void {
      #expect(event.previous == newest[event.key]?.revision ?? 0)
      #expect((event.operation == .create) == (newest[event.key]?.operation.isPut != true))
      newest[event.key] = event
    }
    #expect(events.allSatisfy { $0.operation != .void || $0.payload.isEmpty && $0.previous == 0 })
  }

  @Test("An agent that wrote nothing takes nothing away")
  func nobodyExcluded() throws {
    var generator = SeededGenerator.fromEnvironment("HubTests.ReplayTests.nobodyExcluded")
    let fixture = try ReplayFixture(events: 200, &generator)
    let (target, outcome) = try fixture.replay(ReplayFixture.plan(excluding: ["stranger"]))
    defer { try? FileManager.default.removeItem(at: target) }
    #expect(outcome.voided == 0 && outcome.checksum == fixture.states[Int(fixture.last)].checksum)
  }
}
