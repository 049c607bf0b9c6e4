/// The reference workload of the crash tests: a few hundred records in commits of many sizes, segments rolling, clean
/// closes and openings, deaths without a close, idle stamps, a clock that does not only go forward.
import LogStore
import LogStoreTesting

struct Workload {
  let commits: Int
  let durability: Durability
  /// Another round has other sizes and keys, and does things in another order.
  var round = 0

  static func driver(_ disk: SimulatedDisk, _ durability: Durability, round: Int = 0) -> Driver {
    var options = Driver.smallOptions
    options.durability = durability
    return Driver(disk, options: options, seed: 7 + UInt64(round))
  }

  /// Runs until the end, or until the disk stops.
  func run(_ driver: Driver, _ disk: SimulatedDisk) throws {
    do {
      try driver.open()
      for commit in (1 + round * 5)...(commits + round * 5) {
        driver.clock.advance(milliseconds: commit % 17 == 0 ? -40_000 : 3)
        try driver.commit(commit % 4 == 0 ? 1 : commit % 4, payload: commit % 13 == 0 ? 2_000 + commit : nil)
        if commit % 11 == 0 { driver.log.stampIfIdle() }
        if commit % 47 == 0 {
          try driver.close()
          try driver.open()
        }
        if commit % 71 == 0 {
          driver.abandon()
          disk.restart(keepingFaults: true)
          try driver.open()
        }
      }
      try driver.close()
    } catch let error as LogError {
      guard disk.isStopped else { throw error }
    }
    driver.abandon()
  }
}
