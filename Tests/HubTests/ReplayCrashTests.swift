/// What deaths, power cuts and refusals of the disk leave of a replay: no store, or the whole one.
import Bytes
import Foundation
import Hub
import LogStore
import LogStoreTesting
import StoreTools
import TestSupport
import Testing

@Suite struct ReplayCrashTests {
  private let fixture: ReplayFixture
  private let source: PosixStorage

  init() throws {
    var generator = SeededGenerator(seed: 7)
    fixture = try ReplayFixture(events: 250, &generator)
    source = try PosixStorage(path: fixture.path, creating: false)
  }

  private func replay(into disk: SimulatedDisk) throws {
    let outcome = try ReplayFixture.replay(from: source, ReplayFixture.plan(), into: disk)
    #expect(outcome.revision.value == fixture.last)
  }

  private func callsOfOne() throws -> Int {
    let disk = SimulatedDisk()
    try replay(into: disk)
    #expect(Self.isWhole(disk, fixture) == true)
    #expect(disk.image.paths.filter { $0.hasPrefix(StoreNames.segments) }.count > 3)
    return disk.calls
  }

  /// Whether the disk holds the replayed store; nil when it holds something that opens and is not that.
  private static func isWhole(_ disk: SimulatedDisk, _ fixture: ReplayFixture) -> Bool? {
    let copy = SimulatedDisk(disk.image)
    let hadSegments = copy.image.paths.contains { $0.hasPrefix(StoreNames.segments) }
    guard let log = try? RecordLog(copy, options: ReplayFixture.options, now: SettableClock.start) else { return false }
    defer { log.abandon() }
    // An empty directory becomes a new store, as always.
    if log.recovery.kind == .created { return hadSegments ? nil : false }
    guard let hub = try? MemoryHub(log: log, limits: HubLimits(), clock: SettableClock()) else { return nil }
    return hub.state.checksum.text == fixture.hub.checksum && hub.state.revision.value == fixture.last ? true : nil
  }

  @Test("Death at any call leaves no store or the whole one, whatever a power cut takes, and the next replay goes on")
  func deaths() throws {
    let calls = try callsOfOne()
    var whole = 0
    for call in 1...calls {
      for mode in LossMode.allCases {
        let disk = SimulatedDisk()
        var faults = FaultPlan()
        faults.add(.stop, at: call)
        disk.faults = faults
        #expect(throws: (any Error).self) { try replay(into: disk) }
        disk.losePower(mode, seed: UInt64(call))
        guard let isWhole = Self.isWhole(disk, fixture) else {
          Issue.record("call \(call) \(mode): half a store opens")
          continue
        }
        if isWhole {
          whole += 1
        } else {
          try replay(into: disk)
          #expect(Self.isWhole(disk, fixture) == true)
        }
      }
    }
    #expect(whole > 0 && whole < calls * LossMode.allCases.count / 4)
  }

  @Test("A salvage of what a killed replay left is refused too, and an inspection says what it is")
  func unfinished() throws {
    let disk = SimulatedDisk()
    var faults = FaultPlan()
    faults.add(.stop, at: try callsOfOne() / 2)
    disk.faults = faults
    #expect(throws: (any Error).self) { try replay(into: disk) }
    disk.restart()
    var options = ReplayFixture.options
    for salvages in [true, false] {
      options.salvages = salvages
      // By name: it holds no damaged store, so no damage must be told.
      let refusal = #expect(throws: LogError.self) { try RecordLog(disk, options: options, now: 0) }
      #expect(refusal?.code == .notAStore)
      disk.restart()
    }
    let refusal = #expect(throws: LogError.self) { try StoreInspection.open(disk) }
    #expect(refusal?.code == .notAStore && refusal?.message.contains("did not come to its end") == true)
  }

  @Test("A call that fails, once or for good, fails the replay and leaves nothing", arguments: [5, 28], [true, false])
  func failures(_ errno: Int32, _ isPersistent: Bool) throws {
    for call in 1...(try callsOfOne()) {
      let disk = SimulatedDisk()
      var faults = FaultPlan()
      // A disk that refuses for good still lets go of what it has.
      let calls: Set<StorageError.Call> = isPersistent ? [.create, .write, .sync, .syncDirectory] : []
      faults.add(.fail(errno), at: call, of: calls, isPersistent: isPersistent)
      disk.faults = faults
      do {
        try replay(into: disk)
        #expect(disk.faults.hits == 0)
      } catch {
        // The call that failed may be the one that takes the lock's file away.
        #expect(disk.image.paths.filter { $0 != StoreNames.lock } == [], "call \(call)")
      }
    }
  }

  @Test("A directory with anything in it is refused and left as it is; one in use by another replay as well")
  func occupied() throws {
    let disk = SimulatedDisk()
    disk.image.put("notes.txt", [1])
    let refusal = #expect(throws: ReplayFailure.self) { try replay(into: disk) }
    #expect(disk.image.paths == ["notes.txt"])
    guard case .target(let error)? = refusal else { return #expect(Bool(false)) }
    #expect(error.code == .notAStore && error.message.contains("notes.txt"))
    let busy = SimulatedDisk()
    let store = try NewStore.begin(busy)
    let second = #expect(throws: ReplayFailure.self) { try replay(into: busy) }
    guard case .target(let locked)? = second else { return #expect(Bool(false)) }
    #expect(locked.code == .locked)
    store.takeBack()
  }
}
