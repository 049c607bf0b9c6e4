/// Compaction of an open log: places stay, records stay, room comes back.
import Bytes
import LogStore
import LogStoreTesting
import Testing

@Suite("Compaction of an open log")
struct CompactionTests {
  @Test("Packed segments give every record at the place that it had, now and after each kind of opening")
  func places() throws {
    let store = try CompactionStore()
    let driver = store.driver
    let sealed = driver.log.compactable
    try #require(sealed.count >= 3)
    let before = driver.log.status.bytes
    #expect(driver.compact() == sealed.count)
    #expect(driver.log.compactionStatus.failure == nil)
    #expect(driver.log.compactable == [])
    #expect(try driver.readAll())
    #expect(try Survey.of(driver.log, driver.model) == Survey(events: driver.model.events.count, epoch: 1))
    // The plain files are gone, and the log says how much smaller it is.
    #expect(CompactionStore.packedNames(store.disk.image).count == sealed.count)
    #expect(CompactionStore.plainNames(store.disk.image).count <= 2)
    #expect(driver.log.status.bytes < before)
    try driver.commit(2)
    let positions = driver.positions
    try driver.close()
    #expect(try driver.open().complaint == nil)
    #expect(try driver.readAll())
    driver.abandon()
    store.disk.losePower(.all, seed: 3)
    #expect(try driver.open().complaint == nil)
    #expect(driver.positions == positions)
    #expect(try driver.readAll())
    #expect(driver.compact() >= 0)
    #expect(try driver.readAll())
  }

  @Test("A segment that a recovery cut is packed too, and ends where it was cut")
  func cutSegments() throws {
    let store = try CompactionStore(commits: 5)
    let driver = store.driver
    for _ in 0..<6 {
      driver.abandon()
      store.disk.losePower(.all, seed: 9)
      try driver.open()
      try driver.commit(3)
    }
    let cut = driver.log.compactable.count
    try #require(cut >= 6)
    #expect(driver.compact() == cut)
    #expect(try Survey.of(driver.log, driver.model).complaint == nil)
    driver.abandon()
    store.disk.losePower(.all, seed: 10)
    #expect(try driver.open().complaint == nil)
    try driver.commit(1)
  }

  @Test("With threads it runs beside writes and reads, and a close gives it up")
  func threads() throws {
    var options = Driver.smallOptions
    options.usesThreads = true
    let store = try CompactionStore(commits: 80, options: options)
    let driver = store.driver
    #expect(driver.log.beginCompaction())
    #expect(!driver.log.beginCompaction())
    while driver.log.isCompacting || driver.log.beginCompaction() {
      try driver.commit(1)
      driver.log.settleCompaction()
      if driver.log.compactionStatus.segments > 12 { break }
    }
    #expect(driver.log.compactionStatus.segments >= 3)
    #expect(driver.log.compactionStatus.failure == nil)
    #expect(try Survey.of(driver.log, driver.model).complaint == nil)
    _ = driver.log.beginCompaction()
    try driver.close()
    #expect(try driver.open().complaint == nil)
    #expect(!store.disk.image.paths.contains { $0.hasSuffix(".tmp") })
    try driver.close()
  }

  @Test("A full disk, or any call that fails, leaves the old segment in force; the next attempt goes through")
  func failingCalls() throws {
    let whole = try CompactionStore(commits: 25)
    let start = whole.disk.calls
    #expect(whole.driver.compact() >= 1)
    let calls = whole.disk.calls - start
    try #require(calls > 20)
    for number in [PosixText.noSpace, PosixText.inputOutput] {
      for call in 1...calls {
        let store = try CompactionStore(commits: 25)
        store.disk.faults.add(.fail(number), at: call)
        store.driver.compact()
        store.disk.faults = FaultPlan()
        #expect(try Survey.of(store.driver.log, store.driver.model).complaint == nil, "call \(call)")
        // A sync of the manifest that fails is final, like any sync of the log.
        if store.driver.log.failure == nil {
          store.driver.compact()
          #expect(store.driver.log.compactable.isEmpty, "call \(call)")
          try store.driver.commit(1)
        }
        #expect(try Survey.of(store.driver.log, store.driver.model).complaint == nil, "call \(call)")
        store.driver.abandon()
        store.disk.losePower(.all, seed: UInt64(call))
        #expect(try store.driver.open().complaint == nil, "call \(call)")
        #expect(!store.disk.image.paths.contains { $0.hasSuffix(".tmp") })
      }
    }
  }

  @Test("A damaged segment is not packed, and stays as it is")
  func damagedSource() throws {
    let store = try CompactionStore()
    let name = Stores.segment(1)
    store.disk.image.flip(name, bit: 6_000 * 8)
    let damaged = store.disk.image.contents(name)
    store.driver.log.beginCompaction()
    store.driver.log.settleCompaction()
    #expect(store.driver.log.compactionStatus.failure?.code == .damaged)
    #expect(store.disk.image.contents(name) == damaged)
    // The others are packed all the same.
    #expect(store.driver.compact() >= 2)
  }
}
