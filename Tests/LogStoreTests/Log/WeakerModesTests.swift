/// The durability modes `interval` and `none`: what they may lose, and how it shows.
import LogStore
import LogStoreTesting
import Testing

@Suite("Weaker durability modes")
struct WeakerModesTests {
  private func driver(_ disk: SimulatedDisk, _ durability: Durability) -> Driver {
    Workload.driver(disk, durability)
  }

  @Test("Acknowledged records that a power cut took back raise the epoch, and a record says so")
  func epoch() throws {
    let disk = SimulatedDisk()
    let driver = driver(disk, .none)
    try driver.open()
    try driver.commit(5)
    driver.abandon()
    disk.losePower(.all, seed: 1)
    #expect(try driver.open() == Survey(events: 0, epoch: 2, epochRecords: 1))
    #expect(driver.log.recovery.epochRaised)
    try driver.commit(3)
    try driver.close()
    #expect(try driver.open() == Survey(events: 3, epoch: 2, epochRecords: 1))
  }

  @Test(
    "A store that was closed in mode fsync and opened in a weaker one raises the epoch all the same",
    arguments: [Durability.interval, .none], LossMode.allCases)
  func weakAfterStrong(_ durability: Durability, _ mode: LossMode) throws {
    let disk = SimulatedDisk()
    let driver = driver(disk, .fsync)
    try driver.open()
    try driver.commit(3)
    try driver.close()
    driver.options.durability = durability
    try driver.open()
    for _ in 0..<6 { try driver.commit(1, payload: 1_000) }
    let epoch = driver.log.epoch
    driver.abandon()
    disk.losePower(mode, seed: 3)
    let survey = try driver.open()
    #expect(survey.complaint == nil && survey.events >= 3)
    #expect(survey.events == 9 || survey.epoch > epoch)
  }

  @Test("The epoch is raised too when nothing of the last segment's first commit survived, and time does not go back")
  func firstCommitLost() throws {
    let disk = SimulatedDisk()
    let driver = driver(disk, .none)
    try driver.open()
    while driver.log.status.segments < 2 { try driver.commit(1, payload: 6_000) }
    let before = driver.model.events.count - 1
    let time = driver.log.lastTime
    driver.abandon()
    disk.restart()
    disk.image.tamper("segments/0000000002-0000.seg") { bytes in
      for offset in 5_000..<bytes.count { bytes[offset] = 0 }
    }
    driver.clock.now -= 3_600_000_000
    #expect(try driver.open() == Survey(events: before, epoch: 2, epochRecords: 1))
    #expect(driver.log.lastTime >= time)
    try driver.commit()
    var last = Int64.min
    try driver.log.replay { (header, _, _) throws(LogError) in
      #expect(header.fields.time >= last)
      last = header.fields.time
    }
  }

  @Test("Two segments made ready: recovery from it may be cut short at any call")
  func twoSpares() throws {
    let disk = SimulatedDisk()
    let driver = driver(disk, .none)
    try driver.open()
    while disk.image.paths.filter({ $0.hasSuffix(".seg") }).count < 3 { try driver.commit(1, payload: 1_500) }
    driver.abandon()
    disk.losePower(.all, seed: 1)
    let image = disk.image
    let whole = SimulatedDisk(image)
    _ = try RecordLog(whole, options: driver.options, now: driver.clock.now)
    for call in 1...whole.calls {
      for mode in LossMode.allCases {
        let again = SimulatedDisk(image)
        again.faults.add(.stop, at: call)
        _ = try? RecordLog(again, options: driver.options, now: driver.clock.now)
        again.losePower(mode, seed: UInt64(call))
        var aftermath = Aftermath(driver.model, options: driver.options, now: driver.clock.now)
        aftermath.examine(again.image, second: [], seed: 1, "call \(call), losing \(mode)")
        #expect(aftermath.complaints.isEmpty)
      }
    }
  }

  @Test(
    "A clean close whose fsync failed is not trusted: what the next process acknowledges survives a power cut",
    arguments: Durability.allCases)
  func failedClose(_ durability: Durability) throws {
    let disk = SimulatedDisk()
    let driver = driver(disk, durability)
    try driver.open()
    for _ in 0..<5 { try driver.commit(1, payload: 1_300) }
    disk.faults.add(.fail(PosixText.inputOutput), at: 1, of: [.sync], isPersistent: true)
    #expect(throws: LogError.self) { try driver.close() }
    disk.restart()  // the page cache is still there
    driver.options.durability = .fsync
    #expect(try driver.open().events == 5)
    for _ in 0..<3 { try driver.commit(1, payload: 1_300) }
    driver.abandon()
    disk.losePower(.all, seed: 1)
    let survey = try driver.open()
    #expect(survey.complaint == nil && survey.events == 8)
  }

  @Test("A store that was closed outlives a power cut in every mode", arguments: Durability.allCases, LossMode.allCases)
  func closed(_ durability: Durability, _ mode: LossMode) throws {
    let disk = SimulatedDisk()
    let driver = driver(disk, durability)
    try driver.open()
    try driver.commit(3)
    try driver.close()
    disk.losePower(mode, seed: 1)
    #expect(try driver.open() == Survey(events: 3, epoch: 1))
    #expect(driver.log.recovery.kind == .resumed)
  }

  @Test("A close stamp whose fsync failed is written again, wherever in a page it ends")
  func failedStamp() throws {
    // What the next process writes into the stamp's own page would take it along.
    for payload in stride(from: 0, to: 4_096, by: 8) {
      let disk = SimulatedDisk()
      let driver = driver(disk, .fsync)
      try driver.open()
      try driver.commit(1, payload: payload)
      disk.faults.add(.fail(PosixText.inputOutput), at: 1, of: [.sync], isPersistent: true)
      #expect(throws: LogError.self) { try driver.close() }
      disk.restart()
      try driver.open()
      try driver.commit(1, payload: 5_000)
      driver.abandon()
      disk.losePower(.all, seed: 1)
      let survey = try driver.open()
      #expect(survey.complaint == nil && survey.events == 2, "payload of \(payload)")
      driver.abandon()
    }
  }
}
