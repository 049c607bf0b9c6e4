/// Creating, closing, resuming, and what else may lie in the directory.
import LogStore
import LogStoreTesting
import Testing

@Suite("Opening and closing")
struct OpenCloseTests {
  @Test("A closed store is resumed in the same segment, without copying anything")
  func resume() throws {
    let disk = SimulatedDisk()
    let driver = Driver(disk)
    try driver.open()
    #expect(driver.log.recovery.kind == .created)
    try driver.commit(3)
    let before = driver.log.status
    try driver.close()
    disk.losePower(.all, seed: 1)
    #expect(try driver.open() == Survey(events: 3, epoch: 1))
    #expect(driver.log.recovery.kind == .resumed && driver.log.recovery.framesCopied == 0)
    #expect(driver.log.status.activeSegment == before.activeSegment)
    #expect(driver.log.status.store == before.store && driver.log.status.lineage == before.lineage)
  }

  @Test("Opening and closing for ever fills segments with stamps, and they roll as with anything else")
  func manyCycles() throws {
    let disk = SimulatedDisk()
    let driver = Driver(disk)
    for cycle in 1...400 {
      try driver.open()
      if cycle % 50 == 0 { try driver.commit() }
      try driver.close()
    }
    #expect(try driver.open() == Survey(events: 8, epoch: 1))
    for segment in try StoreDirectory.load(SimulatedDisk(disk.image), writable: false).segments {
      #expect(try segment.file.size() == segment.header.capacity)
    }
  }

  @Test("A store that is opened with larger segments takes commits of the new size at once")
  func largerSegments() throws {
    let disk = SimulatedDisk()
    let driver = Driver(disk)
    try driver.open()
    try driver.commit(12)
    try driver.close()
    driver.options = LogOptions(segmentBytes: 512 << 10, firstSegmentBytes: 256 << 10, usesThreads: false)
    try driver.open()
    for _ in 0..<6 { try driver.commit(1, payload: driver.options.commitBytesMax - 256) }
    driver.abandon()
    disk.losePower(.all, seed: 1)
    #expect(try driver.open() == Survey(events: 18, epoch: 1))
  }

  @Test("A store that is opened with smaller segments goes on with those")
  func smallerSegments() throws {
    let disk = SimulatedDisk()
    let driver = Driver(
      disk, options: LogOptions(segmentBytes: 256 << 10, firstSegmentBytes: 128 << 10, usesThreads: false))
    try driver.open()
    try driver.commit(3)
    try driver.close()
    driver.options = Driver.smallOptions
    try driver.open()
    for _ in 0..<300 { try driver.commit() }
    try driver.close()
    #expect(try driver.open() == Survey(events: 303, epoch: 1))
  }

  @Test("A directory with something else in it is not taken for an empty one, and nothing in it is touched")
  func strangers() throws {
    var image = DiskImage()
    image.put("letter.tmp", [1, 2, 3])
    image.putDirectory("segments")
    image.put("segments/notes.tmp", [4])
    let disk = SimulatedDisk(image)
    #expect(throws: LogError.self) { try RecordLog(disk, options: Driver.smallOptions, now: 0) }
    #expect(disk.image.contents("letter.tmp") == [1, 2, 3])
    #expect(disk.image.contents("segments/notes.tmp") == [4])
  }

  @Test("Temporary files of the store are swept, and only those")
  func swept() throws {
    let disk = SimulatedDisk()
    let driver = Driver(disk)
    try driver.open()
    try driver.commit()
    try driver.close()
    let ours = ["MANIFEST-A.tmp", "MANIFEST-B.tmp", "segments/0000000002-0000.seg.tmp"]
    let others = ["MANIFEST-C.tmp", "x.tmp", "segments/x.tmp", "segments/0000000001-0000.seg.bak"]
    for name in ours + others { disk.image.put(name, [9]) }
    #expect(try driver.open() == Survey(events: 1, epoch: 1))
    for name in ours { #expect(disk.image.contents(name) == nil, "\(name)") }
    for name in others { #expect(disk.image.contents(name) == [9], "\(name)") }
  }

  @Test("A creation that is cut short at any call is done again by the next opening")
  func creation() throws {
    let whole = SimulatedDisk()
    _ = try RecordLog(whole, options: Driver.smallOptions, now: 0)
    for call in 1...whole.calls {
      for mode in LossMode.allCases {
        let disk = SimulatedDisk()
        disk.faults.add(.stop, at: call)
        let driver = Driver(disk)
        #expect(throws: LogError.self) { try driver.open() }
        disk.losePower(mode, seed: UInt64(call))
        #expect(try driver.open() == Survey(events: 0, epoch: 1), "call \(call), losing \(mode)")
        try driver.commit()
        try driver.close()
        #expect(try driver.open() == Survey(events: 1, epoch: 1))
      }
    }
  }

  @Test("A lost pair of manifests is not taken for an unfinished creation once there was a commit")
  func noManifests() throws {
    let disk = SimulatedDisk()
    let driver = Driver(disk)
    try driver.open()
    try driver.commit()
    driver.abandon()
    for name in StoreNames.manifests { disk.image.delete(name) }
    let before = disk.image.contents("segments/0000000001-0000.seg")
    disk.restart()
    #expect { try driver.open() } throws: { ($0 as? LogError)?.code == .damaged }
    // Not even when the commit is torn: something was there.
    disk.image.tamper("segments/0000000001-0000.seg") { $0[4096 + 72 + 20] ^= 1 }
    #expect { try driver.open() } throws: { ($0 as? LogError)?.code == .damaged }
    disk.image.tamper("segments/0000000001-0000.seg") { $0[4096 + 72 + 20] ^= 1 }
    #expect(disk.image.contents("segments/0000000001-0000.seg") == before)
  }

  @Test("A segment that could not be listed is listed when the store is opened again")
  func unlistedSpare() throws {
    let disk = SimulatedDisk()
    let driver = Driver(disk)
    try driver.open()
    disk.faults.add(.fail(PosixText.noSpace), at: 1, of: [.create], name: "MANIFEST")
    try driver.commit(2, payload: 1_500)
    #expect(disk.image.paths.contains("segments/0000000002-0000.seg"))
    try driver.close()
    for round in 1...60 {
      try driver.open()
      try driver.commit(1, payload: 2_000)
      try driver.close()
      let found = try ManifestStore.read(SimulatedDisk(disk.image)).segmentNumbers
      #expect(found.count >= Int(SegmentNumber(1).value), "round \(round)")
    }
    #expect(try driver.open() == Survey(events: 62, epoch: 1))
    let listed = try ManifestStore.read(SimulatedDisk(disk.image)).segmentNumbers
    #expect(listed == Array(1...UInt32(listed.count)) && listed.count >= 5)
  }

  @Test("A log with threads whose opening fails ends them and throws", arguments: [true, false])
  func failedOpening(_ usesThreads: Bool) throws {
    let disk = SimulatedDisk()
    let driver = Driver(disk)
    try driver.open()
    try driver.close()
    var options = Driver.smallOptions
    options.usesThreads = usesThreads
    let writes: Set<StorageError.Call> = [.write, .sync, .syncDirectory, .create, .rename]
    for call in 1...3 {
      disk.faults.add(.fail(PosixText.inputOutput), at: call, of: writes)
      if let log = try? RecordLog(disk, options: options, now: 0) { try? log.close() }
      disk.restart()
    }
    #expect(try driver.open() == Survey(events: 0, epoch: 1))
  }
}
