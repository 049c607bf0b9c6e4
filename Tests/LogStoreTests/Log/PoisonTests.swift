/// A write or an fsync that failed is final.
import LogStore
import LogStoreTesting
import Synchronization
import Testing

@Suite("A poisoned store")
struct PoisonTests {
  private static let segment = "segments/0000000001"

  @Test(
    "After a failed write or fsync: no acknowledgement, reads go on, nothing more is written, the next start has all",
    arguments: [StorageError.Call.write, .sync], [PosixText.inputOutput, PosixText.noSpace, PosixText.quota])
  func final(_ call: StorageError.Call, _ number: Int32) throws {
    let disk = SimulatedDisk()
    let driver = Driver(disk)
    try driver.open()
    try driver.commit(4)
    disk.faults.add(.fail(number), at: 1, of: [call], name: PoisonTests.segment)
    #expect { try driver.commit(2) } throws: { ($0 as? LogError)?.code == .poisoned }
    #expect(driver.model.acknowledged == 4)
    #expect(driver.log.failure?.code == .poisoned && driver.log.canTakeMore)
    for index in 0..<4 { #expect(try driver.read(index)) }
    let before = disk.image
    #expect { try driver.log.reserve(100) } throws: { ($0 as? LogError)?.code == .poisoned }
    driver.log.stampIfIdle()
    #expect { try driver.close() } throws: { ($0 as? LogError)?.code == .poisoned }
    for path in before.paths { #expect(disk.image.contents(path) == before.contents(path)) }
    // The next process sees the page cache, which may hold the failed commit.
    disk.restart()
    let survey = try driver.open()
    #expect(survey.complaint == nil && survey.events >= 4)
    try driver.commit(1)
    driver.abandon()
    disk.losePower(.all, seed: 2)
    #expect(try driver.open() == Survey(events: survey.events + 1, epoch: 1))
  }

  @Test(
    "A failed write poisons a log with threads too, and its owner is told", arguments: [StorageError.Call.write, .sync])
  func threads(_ call: StorageError.Call) throws {
    let disk = SimulatedDisk()
    var options = Driver.smallOptions
    options.usesThreads = true
    let told = Atomic<Int>(0)
    let log = try RecordLog(disk, options: options, now: 0) { told.wrappingAdd(1, ordering: .relaxed) }
    disk.faults.add(.fail(PosixText.inputOutput), at: 1, of: [call], name: PoisonTests.segment)
    try log.reserve(300)
    let none: [UInt8] = []
    _ = log.append(
      RecordFields(operation: .create, revision: Revision(1), time: 0),
      RecordNames(key: none.span.bytes, agent: none.span.bytes, correlation: none.span.bytes, request: none.span.bytes),
      payload: none.span.bytes)
    let ticket = log.currentTicket
    log.submit()
    #expect { try log.waitForSubmitted() } throws: { ($0 as? LogError)?.code == .poisoned }
    #expect(log.completedTicket < ticket)
    #expect { try log.close() } throws: { ($0 as? LogError)?.code == .poisoned }
    #expect(told.load(ordering: .relaxed) > 0)
  }

  @Test(
    "An fsync that fails while the next segment is made ready is final as well, of file and directory",
    arguments: [StorageError.Call.sync, .syncDirectory])
  func preparation(_ call: StorageError.Call) throws {
    let disk = SimulatedDisk()
    let driver = Driver(disk)
    try driver.open()
    let name = call == .sync ? "segments/0000000002" : "segments"
    disk.faults.add(.fail(PosixText.inputOutput), at: 1, of: [call], name: name)
    #expect { for _ in 0..<40 { try driver.commit(1, payload: 1_000) } } throws: {
      ($0 as? LogError)?.code == .poisoned
    }
    #expect(driver.log.failure?.code == .poisoned)
    #expect { try driver.log.reserve(10) } throws: { ($0 as? LogError)?.code == .poisoned }
    let acknowledged = driver.model.acknowledged
    driver.abandon()
    disk.restart()
    let survey = try driver.open()
    #expect(survey.complaint == nil && survey.events >= acknowledged)
  }
}
