/// Rows 4 and 10: the end of a log after a cut, and zeros where there should be none.
import LogStore
import LogStoreTesting
import Testing

@Suite("A torn end")
struct TornCommitTests {
  private enum Filling: CaseIterable { case zeros, garbage, stale }

  @Test("Row 4: a last commit of 4 KiB torn at every byte, with zeros, garbage or stale bytes behind, is cut off whole")
  func everyByte() throws {
    let (disk, driver) = try Stores.make(events: 6, isClosed: false)
    disk.restart()
    try driver.open()
    // The next segment is made ready now, so that no manifest comes after the last commit and proves it.
    try driver.commit()
    let before = driver.model.events.count
    try driver.commit(3, payload: 1_200)
    let start = driver.log.status.activeOffset - 4_104
    let name = Stores.segment(Int(driver.log.status.activeSegment.value))
    driver.abandon()
    let whole = disk.image
    let bytes = try #require(whole.contents(name))
    let end = bytes.lastIndex { $0 != 0 }.map { $0 + 1 } ?? 0
    var random = SplitMix(seed: 4)
    var wrong: [String] = []
    var counts = [before: 0, before + 3: 0]
    for cut in start..<end {
      for filling in Filling.allCases {
        var torn = bytes
        for offset in cut..<end {
          torn[offset] =
            switch filling {
            case .zeros: 0
            case .garbage: UInt8.random(in: .min ... .max, using: &random)
            // Of another place in this very segment, frames and all.
            case .stale: bytes[4096 + (offset - cut) % (start - 4096)]
            }
        }
        var image = whole
        image.put(name, torn)
        let outcome = Stores.open(image, driver)
        counts[outcome.survey?.events ?? -1, default: 0] += 1
        if outcome.survey?.complaint != nil || outcome.survey?.epoch != 1 {
          wrong.append("\(cut) \(filling): \(outcome)")
        }
      }
    }
    print("row 4: \((end - start) * 3) torn ends, \(counts)")
    #expect(wrong.count == 0, "\(wrong.prefix(3))")
    // Only where the bytes happen to be the same again can the commit be whole.
    #expect(counts.count == 2 && (counts[before + 3] ?? 0) < 16)
    #expect((counts[before] ?? 0) >= 12_000)
  }

  @Test("Row 10: a tail of zeros or garbage of any length behind the last commit changes nothing")
  func tail() throws {
    let (disk, driver) = try Stores.make(events: 20, isClosed: false)
    var random = SplitMix(seed: 10)
    let name = try #require(disk.image.paths.last { $0.hasSuffix(".seg") && !isEmpty(disk.image, $0) })
    let bytes = try #require(disk.image.contents(name))
    let end = ((bytes.lastIndex { $0 != 0 } ?? 0) + 8) & ~7
    var opened = 0
    for start in stride(from: end, to: bytes.count, by: 64) {
      for hasGarbage in [false, true] {
        var image = disk.image
        image.tamper(name) { bytes in
          for offset in start..<bytes.count { bytes[offset] = hasGarbage ? .random(in: 1...255, using: &random) : 0 }
        }
        #expect(Stores.open(image, driver) == .opened(Survey(events: 20, epoch: 1)))
        opened += 1
      }
    }
    print("row 10: \(opened) tails")
    #expect(opened > 40)
  }

  private func isEmpty(_ image: DiskImage, _ name: String) -> Bool {
    image.contents(name)?.dropFirst(4096).allSatisfy { $0 == 0 } ?? true
  }

  @Test(
    "Row 10: a block of zeros in the middle of the log is never an end: the store is refused, with segment and offset")
  func zeroBlock() throws {
    let (disk, driver) = try Stores.make(events: 60)
    var blocks = 0
    for name in disk.image.paths where name.hasSuffix(".seg") && !isEmpty(disk.image, name) {
      let bytes = try #require(disk.image.contents(name))
      let used = ((bytes.lastIndex { $0 != 0 } ?? 0) + 8) & ~7
      for start in stride(from: 4096, to: used, by: 512) {
        var image = disk.image
        image.tamper(name) { for offset in start..<min(start + 512, used) { $0[offset] = 0 } }
        let outcome = Stores.open(image, driver)
        if case .refused(let error) = outcome {
          #expect(error.code == .damaged && error.segment != nil && error.offset != nil)
        } else {
          // Only the stamps at the very end can go without a loss.
          #expect(outcome.survey?.complaint == nil && outcome.survey?.events == 60, "\(name) \(start)")
          #expect(start + 512 >= used)
        }
        blocks += 1
      }
    }
    print("row 10: \(blocks) zero blocks")
    #expect(blocks > 40)
  }

  @Test("A lost block behind the stamp of an earlier clean close is rot, not an end to go on from")
  func behindCleanClose() throws {
    let (disk, driver) = try Stores.make(events: 3)
    let end = try #require(disk.image.contents(Stores.segment(1))?.lastIndex { $0 != 0 }) & ~7 + 8
    try driver.open()
    for _ in 0..<8 { try driver.commit(1, payload: 500) }
    driver.abandon()
    for length in stride(from: 72, to: 4_096, by: 64) {
      var image = disk.image
      image.tamper(Stores.segment(1)) { for offset in end..<(end + length) { $0[offset] = 0 } }
      #expect(Stores.open(image, driver).code == .damaged, "\(length) bytes")
    }
  }
}
