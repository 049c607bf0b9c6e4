/// A backup of a store with packed segments is a store with the same records.
import Bytes
import LogStore
import LogStoreTesting
import Testing

@Suite("Backups of packed segments")
struct PackedBackupTests {
  @Test("A backup has packed segments as they are stored, opens, and the next one keeps them")
  func whole() throws {
    let store = try CompactionStore()
    let driver = store.driver
    #expect(driver.compact() >= 3)
    let target = SimulatedDisk()
    let revision = driver.log.lastRevision
    let first = try StoreBackup.run(
      StoreBackup(try StoreInspection.open(store.disk), to: target, at: revision, now: driver.clock.now))
    for name in CompactionStore.packedNames(store.disk.image) {
      #expect(target.image.contents(name) == store.disk.image.contents(name), "\(name)")
    }
    let again = try StoreBackup.run(
      StoreBackup(try StoreInspection.open(store.disk), to: target, at: revision, now: driver.clock.now))
    #expect(again.keptSegments >= first.copiedSegments - 1)
    let log = try RecordLog(SimulatedDisk(target.image), options: driver.options, now: driver.clock.now)
    defer { log.abandon() }
    #expect(try Survey.of(log, driver.model).complaint == nil)
  }

  @Test("A packed segment of which a backup takes a part is plain in the backup")
  func part() throws {
    let store = try CompactionStore()
    let driver = store.driver
    #expect(driver.compact() >= 3)
    // The end of the 20th commit lies in a packed segment.
    let revision = Revision(UInt64(driver.model.commitEnds[20]))
    let target = SimulatedDisk()
    _ = try StoreBackup.run(
      StoreBackup(try StoreInspection.open(store.disk), to: target, at: revision, now: driver.clock.now))
    let log = try RecordLog(SimulatedDisk(target.image), options: driver.options, now: driver.clock.now)
    defer { log.abandon() }
    #expect(log.lastRevision == revision)
    var found = 0
    try log.replay { (header, _, record) throws(LogError) in
      if header.fields.operation.takesRevision, driver.model.holds(header, record) { found += 1 }
    }
    #expect(found == Int(revision.value))
  }
}
