/// Replays of damaged sources: refused as a rule, with everything that is sound when that is asked for.
import Foundation
import Hub
import LogStore
import StoreTools
import TestSupport
import Testing

@Suite struct ReplaySalvageTests {
  private let fixture: ReplayFixture
  private var path: String { fixture.path }

  init() throws {
    var generator = SeededGenerator(seed: 11)
    fixture = try ReplayFixture(events: 250, crashes: false, &generator)
    try fixture.hub.hub.log.close()
  }

  /// Inverts a bit inside of the payload of a revision.
  private func damage(_ revision: UInt64) throws {
    var place: RecordPosition?
    try fixture.hub.hub.log.replay { (header, position, _) in
      if header.fields.revision.value == revision { place = position }
    }
    let found = try #require(place)
    let file = "\(path)/\(StoreNames.segment(found.segment, generation: 0))"
    var bytes = Array(try Data(contentsOf: URL(fileURLWithPath: file)))
    bytes[Int(found.offset + found.length) - 9] ^= 1
    try Data(bytes).write(to: URL(fileURLWithPath: file))
  }

  private func target() -> URL { HubFixture.memory.appending(path: "mfh-replay-\(UUID().uuidString)") }

  @Test("Without the wish to salvage a damaged source gives no target; with it all but what is lost is there")
  func salvage() throws {
    let lost = try #require(fixture.records.first { $0.revision > 100 && $0.operation.isPut && !$0.continues }).revision
    try damage(lost)
    var plan = ReplayFixture.plan()
    let target = target()
    defer { try? FileManager.default.removeItem(at: target) }
    let storage = try PosixStorage(path: target.path, creating: true)
    #expect(throws: ReplayFailure.damaged) {
      try ReplayFixture.replay(from: PosixStorage(path: path, creating: false), plan, into: storage)
    }
    #expect(try storage.list("").filter { $0 != "segments" } == [])
    plan.salvages = true
    let outcome = try ReplayFixture.replay(from: PosixStorage(path: path, creating: false), plan, into: storage)
    #expect(outcome.lost == 1 && outcome.revision.value == fixture.last)
    var expected = PlainState()
    for record in fixture.records where record.revision != lost { expected.apply(record) }
    let (state, checksum, records) = try ReplayFixture.state(of: target)
    #expect(state.live == expected.live && checksum == outcome.checksum && checksum == expected.checksum)
    #expect(records.filter { $0.operation == .gap }.count == 1)
    #expect(
      records.filter(\.operation.takesRevision).map(\.revision) == fixture.records.map(\.revision).filter { $0 != lost }
    )
  }

  @Test("Damage behind the point does no harm; damage before it does")
  func behindThePoint() throws {
    let lost = try #require(fixture.records.first { $0.revision > 150 && $0.operation.isPut && !$0.continues }).revision
    try damage(lost)
    for revision in [lost - 1, lost] {
      let target = target()
      defer { try? FileManager.default.removeItem(at: target) }
      let storage = try PosixStorage(path: target.path, creating: true)
      let plan = ReplayFixture.plan(.revision(Revision(revision)))
      if revision < lost {
        let outcome = try ReplayFixture.replay(from: PosixStorage(path: path, creating: false), plan, into: storage)
        #expect(outcome.checksum == fixture.states[Int(revision)].checksum && outcome.lost == 0)
      } else {
        #expect(throws: ReplayFailure.damaged) {
          try ReplayFixture.replay(from: PosixStorage(path: path, creating: false), plan, into: storage)
        }
      }
    }
  }

  @Test("A missing segment is one gap, and a replay to a point inside of it ends there")
  func missingSegment() throws {
    var revisions: [SegmentNumber: [UInt64]] = [:]
    try fixture.hub.hub.log.replay { (header, position, _) in
      if header.fields.operation.takesRevision {
        revisions[position.segment, default: []].append(header.fields.revision.value)
      }
    }
    // One that no recovery has begun, and not the first: the segment before it ends with its seal.
    let segments = try StoreInspection.open(PosixStorage(path: path, creating: false)).segments.compactMap(\.readable)
    let whole = segments.dropFirst().map(\.file.header).filter { $0.predecessorEnd == 0 }.map(\.number)
    let missing = try #require(whole.max { revisions[$0, default: []].count < revisions[$1, default: []].count })
    let lost = revisions[missing, default: []]
    try #require(lost.count > 3)
    try FileManager.default.removeItem(atPath: "\(path)/\(StoreNames.segment(missing, generation: 0))")
    var plan = ReplayFixture.plan()
    plan.salvages = true
    let all = try ReplayFixture.replay(from: PosixStorage(path: path, creating: false), plan, into: nil)
    #expect(all.lost == UInt64(lost.count))
    #expect(all.events + all.lost == fixture.last)
    let target = target()
    defer { try? FileManager.default.removeItem(at: target) }
    plan.point = .revision(Revision(lost[1]))
    let inside = try ReplayFixture.replay(
      from: PosixStorage(path: path, creating: false), plan, into: PosixStorage(path: target.path, creating: true))
    #expect(inside.lost == 2 && inside.checksum == fixture.states[Int(lost[0]) - 1].checksum)
    let hub = try HubFixture(existing: target)
    #expect(hub.hub.log.lastRevision.value == lost[1])
  }
}
