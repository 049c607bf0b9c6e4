/// Starting from a snapshot gives what reading the whole log gives, whatever happens while it is taken and after.
import Foundation
import Hub
import LogStore
import TestSupport
import Testing

@Suite("Snapshots")
struct SnapshotTests {
  private static let synced = LogOptions(
    durability: .fsync, segmentBytes: 512 << 10, firstSegmentBytes: 64 << 10, usesThreads: false)

  private func snapshotNames(_ hub: HubFixture) throws -> [String] {
    let path = hub.directory.path + "/snapshots"
    guard FileManager.default.fileExists(atPath: path) else { return [] }
    return try FileManager.default.contentsOfDirectory(atPath: path).sorted()
  }

  /// What the whole log says, without any snapshot.
  private func pictureOfLog(_ hub: HubFixture) throws -> Picture {
    try hub.crash()
    try? FileManager.default.removeItem(atPath: hub.directory.path + "/snapshots")
    try hub.crash()
    try #require(hub.hub.snapshots.revision == nil)
    return try Picture(hub.hub)
  }

  private func fill(_ hub: HubFixture, _ count: Int, round: Int = 0) throws {
    for number in 0..<count {
      try hub.put("key/\(number)", #"{"content":"\#(number)"}"#, by: .idempotent("request-\(round)-\(number)"))
      if number % 5 == 0 { try hub.delete("key/\(number / 2)") }
      if number % 7 == 0 { try hub.put("due/\(number)", #"{"content":"soon"}"#, ttl: 1_000_000) }
    }
    try hub.acknowledge()
  }

  @Test("A stop in good order leaves a snapshot, and the next start reads no more of the log than its end")
  func stopAndStart() throws {
    let hub = try HubFixture(options: Self.synced, in: HubFixture.memory)
    try fill(hub, 500)
    let before = try Picture(hub.hub)
    try hub.restart()
    #expect(hub.hub.snapshots.revision?.value == before.revision)
    #expect(hub.hub.snapshots.replayedBytes < 4_096)
    #expect(try Picture(hub.hub) == before)
    #expect(
      try hub.put("key/499", #"{"content":"499"}"#, by: .idempotent("request-0-499")).result.revision.value
        <= before.revision)
    #expect(try pictureOfLog(hub) == before)
  }

  @Test("Nothing new, no new snapshot; the newest two are kept")
  func kept() throws {
    let hub = try HubFixture(options: Self.synced, in: HubFixture.memory)
    for round in 1...4 {
      try hub.put("k", #"{"content":"\#(round)"}"#)
      try hub.acknowledge()
      try hub.restart()
      try hub.restart()
    }
    #expect(try snapshotNames(hub) == [3, 4].map { String(repeating: "0", count: 19) + "\($0).snap" })
  }

  /// One write of any kind.
  private func disturb(_ hub: HubFixture, _ random: inout SeededGenerator) throws {
    let key = "key/\(Int.random(in: 0..<900, using: &random))"
    let author = Author.idempotent("r\(UInt64.random(in: 0 ... .max, using: &random))")
    switch Int.random(in: 0..<10, using: &random) {
    case 0, 1: try hub.delete(key, by: author)
    case 2: try hub.put(key, #"{"content":"due"}"#, ttl: Int64.random(in: 1...5_000, using: &random))
    case 3:
      try hub.batch(
        [.put(key, #"{"session_id":"s"}"#), .delete("key/1"), .put("key/2", #"{"content":[]}"#)], by: author)
    case 4:
      hub.clock.time += Int64.random(in: 1...5_000, using: &random)
      try hub.hub.sweep(limit: 100)
    default: try hub.put(key, #"{"content":"\#(UInt64.random(in: 0...9_999, using: &random))"}"#, by: author)
    }
    if Int.random(in: 0..<4, using: &random) == 0 { try hub.acknowledge() }
  }

  @Test("Writes of every kind while a snapshot is taken, then a kill: snapshot and log together are exact")
  func whileWriting() throws {
    var random = SeededGenerator.fromEnvironment("SnapshotTests.whileWriting")
    for _ in 0..<12 {
      let hub = try HubFixture(options: Self.synced, in: HubFixture.memory)
      for _ in 0..<1_500 { try disturb(hub, &random) }
      try hub.acknowledge()
      hub.hub.beginSnapshot()
      var turns = 0
      while hub.hub.stepSnapshot() != .done {
        for _ in 0..<Int.random(in: 0..<60, using: &random) { try disturb(hub, &random) }
        try hub.acknowledge()
        turns += 1
      }
      #expect(hub.hub.snapshots.failure == nil && turns > 3)
      for _ in 0..<Int.random(in: 0..<200, using: &random) { try disturb(hub, &random) }
      try hub.acknowledge()
      let before = try Picture(hub.hub)
      try hub.crash()
      #expect(hub.hub.snapshots.revision != nil, "the snapshot was used")
      #expect(try Picture(hub.hub) == before)
      // Again, from a log whose end a recovery has moved into a new segment.
      try hub.crash()
      #expect(try Picture(hub.hub) == before)
      #expect(try pictureOfLog(hub) == before)
    }
  }

  @Test("A snapshot damaged at any byte, or cut off at any, is moved aside; the log serves in its place")
  func damaged() throws {
    let hub = try HubFixture(options: Self.synced, in: HubFixture.memory)
    try fill(hub, 20)
    try hub.restart()
    let before = try Picture(hub.hub)
    let name = try #require(try snapshotNames(hub).first)
    let path = hub.directory.path + "/snapshots/" + name
    let sound = try Data(contentsOf: URL(fileURLWithPath: path))
    for offset in sound.indices {
      var bytes = sound
      if offset % 2 == 0 { bytes[offset] ^= 1 << UInt8(offset / 2 % 8) } else { bytes.removeLast(sound.count - offset) }
      try bytes.write(to: URL(fileURLWithPath: path))
      try hub.crash()
      try #require(hub.hub.snapshots.revision == nil && hub.hub.snapshots.unusable.count == 1, "byte \(offset)")
      try #require(try Picture(hub.hub) == before, "byte \(offset)")
      try? FileManager.default.removeItem(atPath: path + ".damaged")
    }
    try sound.write(to: URL(fileURLWithPath: path))
    try hub.crash()
    #expect(hub.hub.snapshots.revision?.value == before.revision)
  }

  @Test("Of two snapshots the older serves when the newer is damaged")
  func fallback() throws {
    let hub = try HubFixture(options: Self.synced, in: HubFixture.memory)
    try fill(hub, 30)
    try hub.restart()
    try fill(hub, 40)
    try hub.restart()
    let before = try Picture(hub.hub)
    let names = try snapshotNames(hub)
    try #require(names.count == 2)
    let path = hub.directory.path + "/snapshots/" + names[1]
    var bytes = try Data(contentsOf: URL(fileURLWithPath: path))
    bytes[bytes.count / 2] ^= 4
    try bytes.write(to: URL(fileURLWithPath: path))
    try hub.crash()
    #expect(hub.hub.snapshots.revision.map { $0.value < before.revision } == true)
    #expect(try Picture(hub.hub) == before)
    #expect(try snapshotNames(hub) == [names[0], names[1] + ".damaged"])
  }

  @Test("A log that ends before a snapshot does has lost something that was durable: it is refused")
  func lostLog() throws {
    let hub = try HubFixture(options: Self.synced, in: HubFixture.memory)
    try fill(hub, 10)
    let early = hub.directory.path + "-early"
    hub.hub.log.abandon()
    try FileManager.default.copyItem(atPath: hub.directory.path, toPath: early)
    defer { try? FileManager.default.removeItem(atPath: early) }
    try hub.crash()
    try fill(hub, 10)
    try hub.restart()
    try FileManager.default.copyItem(atPath: hub.directory.path + "/snapshots", toPath: early + "/snapshots")
    let error = #expect(throws: LogError.self) {
      _ = try RecordLog(PosixStorage(path: early, creating: false), options: Self.synced, now: hub.clock.time)
    }
    #expect(error?.code == .damaged && error?.message.contains("a snapshot says") == true)
  }

  @Test("A snapshot of another store is passed over")
  func foreign() throws {
    let hub = try HubFixture(options: Self.synced, in: HubFixture.memory)
    let other = try HubFixture(options: Self.synced, in: HubFixture.memory)
    for store in [hub, other] {
      try fill(store, 10)
      try store.restart()
    }
    let before = try Picture(hub.hub)
    let name = try #require(try snapshotNames(other).first)
    let path = hub.directory.path + "/snapshots/" + name
    try? FileManager.default.removeItem(atPath: path)
    try FileManager.default.copyItem(atPath: other.directory.path + "/snapshots/" + name, toPath: path)
    try hub.crash()
    #expect(hub.hub.snapshots.unusable.count == 1)
    #expect(try Picture(hub.hub) == before)
  }

  @Test("What is under way when a snapshot begins is read from the log again")
  func underWay() throws {
    let hub = try HubFixture(options: Self.synced, in: HubFixture.memory)
    try fill(hub, 20)
    try hub.put("late", #"{"content":"decided, and not yet acknowledged"}"#)
    hub.hub.submit()
    hub.hub.beginSnapshot()
    #expect(hub.hub.stepSnapshot() == .busy)
    try hub.acknowledge()
    while hub.hub.stepSnapshot() != .done {}
    // What nothing proves durable a recovery writes, and reads, anew: this is not to be that.
    for number in 0..<3 {
      try hub.put("after/\(number)", #"{"content":"later"}"#)
      try hub.acknowledge()
    }
    let before = try Picture(hub.hub)
    try hub.crash()
    #expect(hub.hub.snapshots.revision != nil)
    #expect(try Picture(hub.hub) == before)
  }

  @Test("In a weaker mode, where no acknowledgement does, a snapshot has the log behind it made durable")
  func waitsForTheLog() throws {
    let hub = try HubFixture(in: HubFixture.memory)
    try fill(hub, 20)
    #expect(hub.hub.log.durableThrough.value < hub.revision)
    hub.hub.beginSnapshot()
    while hub.hub.stepSnapshot() == .busy {}
    #expect(hub.hub.log.durableThrough.value == hub.revision)
    while hub.hub.stepSnapshot() == .busy {}
    #expect(hub.hub.snapshots.revision?.value == hub.revision)
    try hub.restart()
    #expect(hub.hub.snapshots.revision?.value == hub.revision)
  }

  @Test("A snapshot is due when enough log lies behind the last one, and not before")
  func due() throws {
    var limits = HubLimits()
    limits.snapshotLogBytes = 64 << 10
    let hub = try HubFixture(limits: limits, options: Self.synced, in: HubFixture.memory)
    #expect(!hub.hub.isSnapshotDue)
    try fill(hub, 300)
    #expect(hub.hub.isSnapshotDue)
    hub.hub.beginSnapshot()
    #expect(!hub.hub.isSnapshotDue)
    while hub.hub.stepSnapshot() != .done {}
    #expect(!hub.hub.isSnapshotDue)
    try fill(hub, 300, round: 1)
    #expect(hub.hub.isSnapshotDue)
  }
}
