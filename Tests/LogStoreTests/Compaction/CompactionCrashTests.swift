/// Rows 5 and 20 of the fault matrix: the power is cut at every call of a compaction, and again in the recovery from that.
import LogStore
import LogStoreTesting
import TestSupport
import Testing

@Suite("Crashes of a compaction")
struct CompactionCrashTests {
  private final class Tally: @unchecked Sendable {
    var cuts = 0
    var complaints: [String] = []
    var second = 0
    var isDeep = false
  }

  @Test(
    "Rows 5 and 20: power cut at every call, five ways, and again in recovery: every record is there, nothing is left over"
  )
  func matrix() throws {
    let store = try CompactionStore(commits: 40)
    let driver = store.driver
    let sealed = driver.log.compactable.count
    try #require(sealed >= 2)
    let tally = Tally()
    store.disk.observe { call in
      let image = store.disk.image
      for (index, mode) in LossMode.allCases.enumerated() {
        for unit in LossUnit.allCases where unit == .page || (call + index) % 3 == 0 || TestScale.value > 1 {
          let seed = UInt64(call * 16 + index * 2 + (unit == .page ? 0 : 1))
          var lost = image
          lost.losePower(mode, unit: unit, seed: seed)
          var aftermath = Aftermath(driver.model, options: driver.options, now: driver.clock.now)
          aftermath.examine(
            lost, second: [2 + call % 11, 13 + call % 17], seed: seed, "call \(call), losing \(mode) by \(unit)")
          tally.cuts += 1
          tally.second += aftermath.secondCrashes
          tally.complaints += aftermath.complaints
          tally.complaints += leftOver(lost, driver)
        }
      }
    }
    #expect(driver.compact() == sealed)
    store.disk.observe(nil)
    print("compaction: \(tally.cuts) power cuts, \(tally.second) of them followed by a second")
    #expect(tally.complaints.count == 0, "\(tally.complaints.prefix(5).joined(separator: "\n"))")
    #expect(tally.cuts > 150 && tally.second > 200)
  }

  /// After an opening each segment has one file, and no temporary one is there.
  private func leftOver(_ image: DiskImage, _ driver: Driver) -> [String] {
    let disk = SimulatedDisk(image)
    guard let log = try? RecordLog(disk, options: driver.options, now: driver.clock.now) else { return ["no opening"] }
    log.abandon()
    let names = disk.image.paths.filter { $0.hasPrefix(StoreNames.segments) }
    let numbers = Set(names.map { $0.prefix(StoreNames.segments.count + 11) })
    return numbers.count == names.count ? [] : ["files are left over: \(names)"]
  }

  @Test("The process dies at every call of a compaction: the next one packs what is still plain")
  func deaths() throws {
    let whole = try CompactionStore(commits: 25)
    let start = whole.disk.calls
    whole.driver.compact()
    for call in 1...(whole.disk.calls - start) {
      let store = try CompactionStore(commits: 25)
      store.disk.faults.add(.stop, at: call)
      store.driver.compact()
      store.driver.abandon()
      store.disk.restart()
      #expect(try store.driver.open().complaint == nil, "call \(call)")
      store.driver.compact()
      #expect(store.driver.log.compactable.isEmpty, "call \(call)")
      #expect(try Survey.of(store.driver.log, store.driver.model).complaint == nil, "call \(call)")
    }
  }
}
