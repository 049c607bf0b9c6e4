/// A snapshot that has a name is whole, and one that is done outlives a power cut.
import Bytes
import LogStore
import LogStoreTesting
import Testing

@Suite("Snapshots on the disk")
struct SnapshotDurabilityTests {
  @Test("A snapshot that is done is there and whole after a power cut", arguments: LossMode.allCases)
  func done(_ mode: LossMode) throws {
    let disk = SimulatedDisk()
    let driver = Driver(disk)
    try driver.open()
    try driver.commit(3)
    try writeSnapshot(driver.log)
    driver.abandon()
    disk.losePower(mode, seed: 3)
    try driver.open()
    let found = try driver.log.snapshots.open(store: driver.log.status.store)
    #expect(found.problems.isEmpty && found.readers.count == 1)
    for reader in found.readers { #expect(try blocks(of: reader) == 2) }
    driver.abandon()
  }

  @Test("A power cut at any call while a snapshot is written leaves none, or a whole one")
  func cutShort() throws {
    for call in 1... {
      let disk = SimulatedDisk()
      let driver = Driver(disk)
      try driver.open()
      try driver.commit(3)
      disk.faults.add(.stop, at: call)
      let isDone = (try? writeSnapshot(driver.log)) != nil
      driver.abandon()
      for mode in LossMode.allCases {
        let copy = SimulatedDisk(disk.image)
        copy.losePower(mode, seed: UInt64(call))
        let log = try RecordLog(copy, options: Driver.smallOptions, now: 0)
        let found = try log.snapshots.open(store: log.status.store)
        #expect(found.problems.isEmpty, "call \(call), losing \(mode)")
        for reader in found.readers { #expect(try blocks(of: reader) == 2, "call \(call), losing \(mode)") }
        log.abandon()
      }
      if isDone { return }
    }
  }

  private struct NotDone: Error {}

  private func writeSnapshot(_ log: RecordLog) throws {
    let writer = log.beginSnapshot(replayFrom: log.endPlace, after: log.lastRevision, now: 0)
    for kind in [UInt32(1), 2] {
      let block = SnapshotBlock(kind: kind)
      block.payload.append(zeros: 9_000)
      writer.append(block)
    }
    writer.finish(revision: log.lastRevision, time: 0)
    let outcome = writer.outcome
    log.endSnapshot()
    guard case .done = outcome else { throw NotDone() }
  }

  private func blocks(of reader: SnapshotReader) throws -> Int {
    var count = 0
    try reader.forEachBlock { _, _, payload in
      #expect(payload.byteCount == 9_000)
      count += 1
    }
    return count
  }
}
