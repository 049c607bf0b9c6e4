/// Backups of a hub that goes on: cut at a revision, incremental, and never half.
import Bytes
import Foundation
import Hub
import LogStore
import LogStoreTesting
import StoreTools
import TestSupport
import Testing

@Suite struct BackupTests {
  /// What the hub told at some moment.
  private struct Told: Equatable {
    var revision: UInt64
    var checksum: String
  }

  private static func told(_ hub: HubFixture) -> Told { Told(revision: hub.revision, checksum: hub.checksum) }

  private static func source(_ hub: HubFixture) throws -> StoreInspection {
    try StoreInspection.open(PosixStorage(path: hub.directory.path, creating: false))
  }

  @discardableResult
  private static func backUp(
    _ hub: HubFixture, to target: any Storage, at told: Told
  ) throws -> StoreBackup.Outcome {
    try StoreBackup.run(
      StoreBackup(source(hub), to: target, at: Revision(told.revision), now: SettableClock.start))
  }

  private static func fill(_ hub: HubFixture, _ count: Int, _ mark: String) throws {
    for number in 0..<count {
      try hub.put("key/\(number % 9)", #"{"content":"\#(mark) \#(String(repeating: "x", count: 900))"}"#)
      try hub.acknowledge()
    }
  }

  /// What a hub tells that is started on a copy of the disk; nil when none starts.
  private static func opened(_ disk: SimulatedDisk) -> Told? {
    let copy = SimulatedDisk(disk.image)
    guard let log = try? RecordLog(copy, options: ReplayFixture.options, now: SettableClock.start) else { return nil }
    defer { log.abandon() }
    guard let hub = try? MemoryHub(log: log, limits: HubLimits(), clock: SettableClock()) else { return nil }
    return Told(revision: hub.state.revision.value, checksum: hub.state.checksum.text)
  }

  private static func verified(_ disk: SimulatedDisk) throws -> Told {
    let progress = Progress(totalBytes: 1, isWanted: false)
    let report = Report("test", isVerbose: false, progress: progress)
    let outcome = StoreVerifier.run(try StoreInspection.open(disk), report: report, progress: progress)
    #expect(report.damages == 0)
    return Told(revision: outcome.revision.value, checksum: outcome.checksum)
  }

  /// What happens between two backups.
  enum Meanwhile: CaseIterable, Sendable {
    case nothing, fewWrites, manySegments, crash, crashAndMore
  }

  private static func pass(_ meanwhile: Meanwhile, _ hub: HubFixture) throws {
    switch meanwhile {
    case .nothing: break
    case .fewWrites: try fill(hub, 5, "few")
    case .manySegments: try fill(hub, 200, "many")
    case .crash: try hub.crash()
    case .crashAndMore:
      try fill(hub, 4, "before")
      try hub.crash()
      try fill(hub, 120, "more")
    }
  }

  private static func hub() throws -> HubFixture {
    let hub = try HubFixture(options: ReplayFixture.options, in: HubFixture.memory)
    try fill(hub, 150, "first")
    return hub
  }

  @Test("Each backup is the hub at its revision, opens and verifies, and only what is new is copied")
  func incremental() throws {
    let hub = try Self.hub()
    let disk = SimulatedDisk()
    var segments = 0
    for (number, meanwhile) in ([.fewWrites] + Meanwhile.allCases + [.fewWrites, .nothing]).enumerated() {
      try Self.pass(meanwhile, hub)
      let told = Self.told(hub)
      let active = hub.hub.log.status.activeSegment
      // The hub is further than the backup's revision: what is behind it is left out.
      try Self.fill(hub, 3, "behind")
      let outcome = try Self.backUp(hub, to: disk, at: told)
      #expect(try Self.verified(disk) == told && Self.opened(disk) == told, "\(number) \(meanwhile)")
      #expect(outcome.keptSegments + outcome.copiedSegments == Int(active.value))
      #expect(number == 0 ? outcome.keptSegments == 0 : outcome.keptSegments >= segments - 1)
      segments = Int(active.value)
    }
    let log = SimulatedDisk(disk.image)
    let opened = try RecordLog(log, options: ReplayFixture.options, now: SettableClock.start)
    #expect(opened.epoch == hub.hub.log.epoch + 1 && opened.recovery.kind == .resumed)
    opened.abandon()
  }

  @Test("Death at any call of a backup leaves the earlier one or the new one", arguments: Meanwhile.allCases)
  func deaths(_ meanwhile: Meanwhile) throws {
    let hub = try Self.hub()
    let first = Self.told(hub)
    let disk = SimulatedDisk()
    try Self.backUp(hub, to: disk, at: first)
    try Self.pass(meanwhile, hub)
    let second = Self.told(hub)
    let before = disk.image
    let whole = SimulatedDisk(before)
    try Self.backUp(hub, to: whole, at: second)
    var outcomes: Set<UInt64> = []
    for call in 1...whole.calls {
      for mode in LossMode.allCases {
        let disk = SimulatedDisk(before)
        var faults = FaultPlan()
        faults.add(.stop, at: call)
        disk.faults = faults
        _ = try? Self.backUp(hub, to: disk, at: second)
        disk.losePower(mode, seed: UInt64(call))
        let found = Self.opened(disk)
        #expect(found == first || found == second, "\(meanwhile) call \(call) \(mode)")
        outcomes.insert(found?.revision ?? 0)
        guard mode == .randomSubset else { continue }
        try Self.backUp(hub, to: disk, at: second)
        #expect(try Self.verified(disk) == second)
      }
    }
    #expect(outcomes == [first.revision, second.revision])
  }

  @Test("Death at any call of the first backup leaves no store or the whole one, and the next backup succeeds")
  func firstDeaths() throws {
    let hub = try Self.hub()
    let told = Self.told(hub)
    let whole = SimulatedDisk()
    try Self.backUp(hub, to: whole, at: told)
    for call in 1...whole.calls {
      for mode in LossMode.allCases {
        let disk = SimulatedDisk()
        var faults = FaultPlan()
        faults.add(.stop, at: call)
        disk.faults = faults
        _ = try? Self.backUp(hub, to: disk, at: told)
        disk.losePower(mode, seed: UInt64(call))
        let hadSegments = disk.image.paths.contains { $0.hasPrefix(StoreNames.segments) }
        let found = Self.opened(disk)
        #expect(found == nil || found == told || (!hadSegments && found?.revision == 0), "call \(call) \(mode)")
        try Self.backUp(hub, to: disk, at: told)
        #expect(try Self.verified(disk) == told)
      }
    }
  }

  @Test("A copied segment that has rotted since is copied again")
  func rot() throws {
    let hub = try Self.hub()
    let disk = SimulatedDisk()
    try Self.backUp(hub, to: disk, at: Self.told(hub))
    disk.image.flip(StoreNames.segment(SegmentNumber(2), generation: 0), bit: 8 * 9_000)
    let outcome = try Self.backUp(hub, to: disk, at: Self.told(hub))
    // The last one is not sealed yet: it is always copied.
    #expect(outcome.copiedSegments == 2)
    #expect(try Self.verified(disk) == Self.told(hub))
  }

  @Test(
    "A revision inside of a commit can not be cut at; another store's directory, and one a hub has worked on, are refused"
  )
  func refusals() throws {
    let hub = try Self.hub()
    try hub.batch([.put("a", #"{"content":"1"}"#), .put("b", #"{"content":"2"}"#)])
    try hub.acknowledge()
    let told = Self.told(hub)
    func failure(_ target: any Storage, _ revision: UInt64) -> StoreBackup.Failure? {
      #expect(throws: StoreBackup.Failure.self) {
        try Self.backUp(hub, to: target, at: Told(revision: revision, checksum: ""))
      }
    }
    let disk = SimulatedDisk()
    guard case .moved? = failure(disk, told.revision - 1) else { return #expect(Bool(false)) }
    guard case .source? = failure(disk, told.revision + 1) else { return #expect(Bool(false)) }
    #expect(disk.image.paths == [])
    let other = SimulatedDisk()
    let log = try RecordLog(other, options: ReplayFixture.options, now: 0)
    try log.close()
    guard case .target(let foreign)? = failure(other, told.revision) else { return #expect(Bool(false)) }
    #expect(foreign.code == .notAStore && foreign.message.contains("another store"))
    other.restart()
    try Self.backUp(hub, to: disk, at: told)
    let worked = try RecordLog(disk, options: ReplayFixture.options, now: SettableClock.start)
    guard case .target? = failure(disk, told.revision) else { return #expect(Bool(false)) }
    try worked.close()
    disk.restart()
    guard case .target(let used)? = failure(disk, told.revision) else { return #expect(Bool(false)) }
    #expect(used.message.contains("a hub has worked on"))
  }
}
