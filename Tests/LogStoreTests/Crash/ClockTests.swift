/// Row 25: the clock goes back, forward, or stands still.
import LogStore
import LogStoreTesting
import TestSupport
import Testing

@Suite("Clocks")
struct ClockTests {
  @Test("Row 25: whatever the clock does, revisions order and time never goes back, across crashes and openings")
  func clocks() throws {
    for seed in 1...(100 * TestScale.value) {
      var random = SplitMix(seed: UInt64(seed))
      let disk = SimulatedDisk()
      let driver = Workload.driver(disk, seed % 2 == 0 ? .fsync : .none)
      try driver.open()
      for step in 1...30 {
        driver.clock.now += Int64.random(in: -3_600_000_000...3_600_000_000, using: &random) * Int64(step % 3)
        try driver.commit()
        switch step % 10 {
        case 3:
          driver.abandon()
          disk.losePower(LossMode.allCases[seed % 5], seed: UInt64(seed))
          #expect(try driver.open().complaint == nil)
        case 7:
          try driver.close()
          #expect(try driver.open().complaint == nil)
        default: break
        }
      }
      var last = Int64.min
      var revision: UInt64 = 0
      try driver.log.replay { (header, _, _) throws(LogError) in
        #expect(header.fields.time >= last)
        last = header.fields.time
        guard header.fields.operation.takesRevision else { return }
        #expect(header.fields.revision.value == revision + 1)
        revision += 1
      }
      #expect(driver.log.lastTime >= last && driver.log.nextTime(.min) == driver.log.lastTime)
    }
  }
}
