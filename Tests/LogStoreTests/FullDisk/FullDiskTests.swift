/// A disk that is full, or refuses for another reason, while the next segment is made. FAULTS: rows 19 to 21.
import LogStore
import LogStoreTesting
import Synchronization
import Testing
import Threads

@Suite("A full disk", .timeLimit(.minutes(10)))
struct FullDiskTests {
  private static let numbers = [
    PosixText.noSpace, PosixText.quota, PosixText.tooManyFiles, PosixText.readOnly, PosixText.accessDenied,
  ]

  /// The next segment can not be made; the one that is there can be written.
  private func fill(_ disk: SimulatedDisk, _ call: StorageError.Call = .write, _ number: Int32 = PosixText.noSpace) {
    // A file keeps the name that it was created with, as far as faults are concerned.
    let name = call == .create ? ".tmp" : "segments/0000000002"
    disk.faults.add(.fail(number), at: 1, of: [call], name: name, isPersistent: true)
  }

  /// Commits until one is refused.
  private func commitUntilRefused(_ driver: Driver) -> LogError? {
    for _ in 0..<200 {
      do {
        try driver.commit(1, payload: 700)
      } catch {
        return error as? LogError
      }
    }
    return nil
  }

  private func temporaries(_ disk: SimulatedDisk) -> [String] { disk.image.paths.filter { $0.hasSuffix(".tmp") } }

  /// Lets the owner's calls go by until the next attempt is made.
  private func retry(_ driver: Driver) {
    for _ in 0..<2 {
      driver.log.retryPreparation(now: driver.clock.now)
      driver.clock.advance(milliseconds: 4_000)
    }
    driver.log.retryPreparation(now: driver.clock.now)
  }

  @Test(
    "Whatever keeps the next segment from being made: writes go on up to the reserve, are refused whole, and resume",
    arguments: [StorageError.Call.create, .write, .rename], FullDiskTests.numbers)
  func refused(_ call: StorageError.Call, _ number: Int32) throws {
    let disk = SimulatedDisk()
    let driver = Driver(disk)
    try driver.open()
    fill(disk, call, number)
    try driver.commit(1, payload: 100)
    let refusal = commitUntilRefused(driver)
    #expect(refusal?.code == .noRoom, "\(String(describing: refusal))")
    #expect(refusal?.message.contains(PosixText.describe(number)) == true)
    #expect(driver.log.failure == nil && driver.log.roomStatus.isReadOnly && driver.log.canTakeMore)
    let status = driver.log.status
    #expect(status.segments == 1 && status.activeOffset > driver.options.firstSegmentBytes / 2)

    // A refusal leaves nothing behind: no byte, no revision, no file.
    let (before, revision) = (disk.image, driver.log.lastRevision)
    for _ in 0..<5 { #expect(throws: LogError.self) { try driver.log.reserve(4_000) } }
    #expect(driver.log.lastRevision == revision && driver.log.buildingBytes == 0)
    #expect(disk.image.paths == before.paths && temporaries(disk).isEmpty)
    for path in before.paths { #expect(disk.image.contents(path) == before.contents(path)) }
    for index in driver.model.events.indices { #expect(try driver.read(index)) }
    // Stamps and the hub's own work have their room.
    driver.log.stampIfIdle()
    try driver.log.reserve(driver.options.housekeepingBytesMax, for: .housekeeping)
    #expect(driver.log.failure == nil)

    disk.faults = FaultPlan()
    #expect(throws: LogError.self, "before its time nothing is tried") { try driver.log.reserve(4_000) }
    retry(driver)
    #expect(driver.log.roomStatus.problem == nil && !driver.log.roomStatus.isReadOnly)
    for _ in 0..<40 { try driver.commit(1, payload: 700) }
    #expect(driver.log.status.segments > 1)
    let count = driver.model.acknowledged
    try driver.close()
    #expect(try driver.open() == Survey(events: count, epoch: 1))
    #expect(driver.log.recovery.kind == .resumed)
  }

  @Test("Attempts come at their times: none before the pause is over, one when it is")
  func pace() throws {
    let disk = SimulatedDisk()
    let driver = Driver(disk)
    try driver.open()
    fill(disk, .create)
    #expect(commitUntilRefused(driver)?.code == .noRoom)
    var now = driver.clock.now
    for pause in [500, 1_000, 2_000, 4_000, 4_000] {
      driver.log.retryPreparation(now: now)
      let calls = disk.calls
      driver.log.retryPreparation(now: now + Int64(pause) * 1_000 - 1)
      #expect(disk.calls == calls, "before \(pause) ms")
      now += Int64(pause) * 1_000
      driver.log.retryPreparation(now: now)
      #expect(disk.calls > calls, "after \(pause) ms")
    }
  }

  @Test("A segment that is made and can not be listed is kept, and only the manifest is tried again")
  func unlisted() throws {
    let disk = SimulatedDisk()
    let driver = Driver(disk)
    try driver.open()
    disk.faults.add(.fail(PosixText.noSpace), at: 1, of: [.write], name: "MANIFEST", isPersistent: true)
    #expect(commitUntilRefused(driver)?.code == .noRoom)
    #expect(disk.image.paths.filter { $0.hasPrefix("segments/") }.count == 2 && temporaries(disk).isEmpty)
    disk.faults = FaultPlan()
    disk.faults.add(.fail(PosixText.noSpace), at: 1, of: [.create], name: "segments", isPersistent: true)
    retry(driver)
    try driver.commit(1, payload: 700)
    let count = driver.model.acknowledged
    disk.faults = FaultPlan()
    try driver.close()
    #expect(try driver.open() == Survey(events: count, epoch: 1))
  }

  @Test("A stop on a full disk is a clean one, for the last commit is stamped; only the manifest is not up to date")
  func close() throws {
    let disk = SimulatedDisk()
    let driver = Driver(disk)
    try driver.open()
    fill(disk, .create)
    #expect(commitUntilRefused(driver)?.code == .noRoom)
    let (log, count) = (driver.log, driver.model.acknowledged)
    try driver.close()
    #expect(log.closingProblem?.message.contains("MANIFEST") == true && temporaries(disk).isEmpty)
    disk.restart(keepingFaults: true)
    #expect(try driver.open() == Survey(events: count, epoch: 1))
    #expect(driver.log.recovery.kind == .resumed)
    #expect(commitUntilRefused(driver)?.code == .noRoom)
  }

  @Test("An fsync of the manifest that fails for want of space is a failed fsync, at the stop as well")
  func closeWithFailedSync() throws {
    let disk = SimulatedDisk()
    let driver = Driver(disk)
    try driver.open()
    try driver.commit(3)
    disk.faults.add(.fail(PosixText.noSpace), at: 1, of: [.sync], name: "MANIFEST", isPersistent: true)
    #expect { try driver.close() } throws: { ($0 as? LogError)?.code == .io }
  }

  @Test("A store that can not be made for want of space leaves nothing that keeps the next start from making it")
  func creation() throws {
    var failed = 0
    for nth in 1... {
      let disk = SimulatedDisk()
      let calls: Set<StorageError.Call> = [.create, .write, .rename, .makeDirectory]
      disk.faults.add(.fail(PosixText.noSpace), at: nth, of: calls, isPersistent: true)
      let driver = Driver(disk)
      do {
        try driver.open()
        break
      } catch {
        let problem = error as? LogError
        #expect(problem?.code == .io && problem?.message.contains("free some space") == true, "call \(nth): \(error)")
        #expect(temporaries(disk).isEmpty, "call \(nth)")
        failed += 1
      }
      disk.restart()
      #expect(try driver.open() == Survey(events: 0, epoch: 1), "call \(nth)")
      try driver.commit(2)
    }
    #expect(failed >= 8)
  }

  @Test("With threads the next segment is tried again by itself, and the owner is told when it is there")
  func threads() throws {
    let disk = SimulatedDisk()
    var options = Driver.smallOptions
    options.usesThreads = true
    let told = Atomic<Int>(0)
    let log = try RecordLog(disk, options: options, now: 0) { told.wrappingAdd(1, ordering: .relaxed) }
    fill(disk)
    // All of it, reserve and next segment.
    #expect { try log.reserve(options.commitBytesMax) } throws: { ($0 as? LogError)?.code == .noRoom }
    #expect(log.roomStatus.isReadOnly)
    let before = told.load(ordering: .relaxed)
    disk.faults = FaultPlan()
    while log.roomStatus.problem != nil { NamedThread.pause() }
    // The thread that made it tells of it just after it is there.
    for _ in 0..<100_000 where told.load(ordering: .relaxed) == before { NamedThread.pause() }
    #expect(told.load(ordering: .relaxed) > before)
    try log.close()
  }
}
