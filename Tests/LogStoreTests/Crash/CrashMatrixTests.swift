/// Rows 1, 2, 3 and 5 of the fault matrix: the process dies, or the power is cut, at every call of the reference
/// workload, and once more inside the recovery from that.
import LogStore
import LogStoreTesting
import TestSupport
import Testing

@Suite("Crashes at every storage call")
struct CrashMatrixTests {
  private final class Tally: @unchecked Sendable {
    var crashes = 0
    var recoveries = 0
    var secondCrashes = 0
    var complaints: [String] = []
    var random = SplitMix(seed: 11)

    func expectNone() {
      let first = complaints.prefix(5).joined(separator: "\n")
      #expect(complaints.count == 0, "\(first)")
    }

    func add(_ aftermath: Aftermath) {
      recoveries += aftermath.recoveries
      secondCrashes += aftermath.secondCrashes
      complaints += aftermath.complaints
    }
  }

  /// Each round by itself must do at least so much; what is wrong in any is in what comes back.
  private func run(
    _ durability: Durability, commits: Int, units: [LossUnit], _ name: String, atLeast cuts: Int, second: Int = 0
  ) throws {
    for round in TestScale.rounds {
      let tally = try run(durability, commits: commits, units: units, "\(name), round \(round)", round)
      tally.expectNone()
      #expect(tally.crashes >= cuts && tally.secondCrashes >= second)
    }
  }

  private func run(
    _ durability: Durability, commits: Int, units: [LossUnit], _ name: String, _ round: Int
  ) throws -> Tally {
    let disk = SimulatedDisk()
    let driver = Workload.driver(disk, durability, round: round)
    let tally = Tally()
    tally.random = SplitMix(seed: 11 + UInt64(round))
    disk.observe { call in
      let image = disk.image
      var aftermath = Aftermath(driver.model, options: driver.options, now: driver.clock.now)
      for (index, mode) in LossMode.allCases.enumerated() {
        for unit in units {
          let seed = UInt64(round << 32 + call * 16 + index * 2) + (unit == .page ? 0 : 1)
          var lost = image
          lost.losePower(mode, unit: unit, seed: seed)
          tally.crashes += 1
          let second = (0..<2).map { _ in Int.random(in: 2...45, using: &tally.random) }
          aftermath.examine(
            lost, second: second, seed: seed, "\(name): call \(call), losing \(mode) by \(unit), seed \(seed)")
        }
      }
      tally.add(aftermath)
    }
    try Workload(commits: commits, durability: durability, round: round).run(driver, disk)
    disk.observe(nil)
    print(
      "\(name): \(disk.calls) calls, \(tally.crashes) power cuts, \(tally.secondCrashes) of them followed by a second,",
      "\(tally.recoveries) recoveries, \(tally.complaints.count) complaints")
    return tally
  }

  @Test(
    "Rows 2, 3, 5: the power is cut at every call, five ways, and again in recovery: no acknowledged record is lost")
  func powerLoss() throws {
    try run(.fsync, commits: 300, units: [.page], "rows 2, 3, 5", atLeast: 7_500, second: 10_000)
  }

  @Test("Row 2 by sectors: a page may be torn inside")
  func tornSectors() throws {
    try run(.fsync, commits: 40, units: [.sector], "row 2 by sectors", atLeast: 1_000)
  }

  @Test(
    "Row 2 in the weaker modes: a prefix survives, and the epoch tells when acknowledged records are gone",
    arguments: [Durability.interval, .none])
  func weakerModes(_ durability: Durability) throws {
    try run(durability, commits: 70, units: [.page, .sector], "row 2, \(durability)", atLeast: 3_000)
  }

  @Test("Row 1: the process dies at every call, in the middle of a write too: every acknowledged record is there")
  func processDeath() throws {
    for round in TestScale.rounds { try processDeath(round) }
  }

  private func processDeath(_ round: Int) throws {
    let workload = Workload(commits: 130, durability: .fsync, round: round)
    let whole = SimulatedDisk()
    try workload.run(Workload.driver(whole, .fsync, round: round), whole)
    var complaints: [String] = []
    var deaths = 0
    for call in 1...whole.calls {
      let disk = SimulatedDisk(seed: UInt64(call))
      disk.faults.add(.stop, at: call)
      let driver = Workload.driver(disk, .fsync, round: round)
      try workload.run(driver, disk)
      // A disk that stopped while its process was left for dead is running again for the next one.
      #expect(disk.faults.hits >= 1)
      deaths += 1
      var aftermath = Aftermath(driver.model, options: driver.options, now: driver.clock.now)
      disk.restart()
      aftermath.examine(
        disk.image, second: [2 + call % 44], seed: UInt64(call), "round \(round): death at call \(call)")
      complaints += aftermath.complaints
    }
    print("row 1, round \(round): \(deaths) deaths, \(complaints.count) complaints")
    #expect(complaints.count == 0, "\(complaints.prefix(5).joined(separator: "\n"))")
    #expect(deaths == whole.calls)
  }
}
