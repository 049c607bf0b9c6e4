/// A salvage that is cut short at any call is done again, with the same outcome.
import LogStore
import LogStoreTesting
import Testing

@Suite("A salvage that is cut short")
struct InterruptedSalvageTests {
  private static func damaged() throws -> DiskImage {
    var image = try SalvageStore.reference(commits: 24)
    let segments = SalvageStore.segments(image)
    image.tamper(segments[0]) { $0[6_000] ^= 1 }
    image.delete(segments[1])
    image.tamper("MANIFEST-A") { $0[60] ^= 1 }
    return image
  }

  @Test("The process dies or the power is cut at each call: afterwards the old state is there, or the new one")
  func everyCall() throws {
    let image = try InterruptedSalvageTests.damaged()
    let before = try Look(image)
    let whole = SimulatedDisk(image)
    try SalvageStore.open(whole, salvages: true).abandon()
    let calls = whole.calls
    var finishedByPlainOpening = 0
    for call in 1...calls {
      for (round, mode) in ([nil] + LossMode.allCases.map(Optional.some)).enumerated() {
        let disk = SimulatedDisk(image)
        var faults = FaultPlan()
        faults.add(.stop, at: call)
        disk.faults = faults
        if let log = try? SalvageStore.open(disk, salvages: true) { log.abandon() }
        if let mode { disk.losePower(mode, seed: UInt64(call * 10 + round)) } else { disk.restart() }
        let note: Comment = "call \(call) of \(calls), \(mode.map { "\($0)" } ?? "death")"

        // Whoever opens it next either refuses, or finishes what was begun: nothing in between.
        let plain = SimulatedDisk(disk.image)
        if let log = try? SalvageStore.open(plain) {
          finishedByPlainOpening += 1
          #expect(try SalvageStore.replayed(log) == before.records, note)
          log.abandon()
        } else {
          #expect(try Look(plain.image).records == before.records, note)
        }
        let log = try SalvageStore.open(disk, salvages: true, now: SalvageStore.later + 1)
        #expect(try SalvageStore.replayed(log) == before.records, note)
        try log.close()
        disk.restart()
        let after = try Look(disk.image)
        #expect(after.damages.isEmpty, note)
        #expect(after.gaps == before.lost, note)
        #expect(after.epochs == [1, 2] || after.epochs == [1, 2, 3], note)
      }
    }
    #expect(finishedByPlainOpening > 0)
  }

  @Test("A full disk, or one that fails for good, at each call: nothing is lost, and once it is gone all goes well")
  func failures() throws {
    let image = try InterruptedSalvageTests.damaged()
    let before = try Look(image)
    let whole = SimulatedDisk(image)
    try SalvageStore.open(whole, salvages: true).abandon()
    for call in 1...whole.calls {
      let disk = SimulatedDisk(image)
      var faults = FaultPlan()
      faults.add(.fail(PosixText.noSpace), at: call, isPersistent: true)
      disk.faults = faults
      #expect(throws: (any Error).self) { try SalvageStore.open(disk, salvages: true).abandon() }
      disk.losePower(.all, seed: UInt64(call))
      let log = try SalvageStore.open(disk, salvages: true, now: SalvageStore.later + 1)
      #expect(try SalvageStore.replayed(log) == before.records, "call \(call)")
      try log.close()
    }
  }

  @Test("A salvage's manifest that rots before it is finished: the start refuses, another salvage sets it aside")
  func rottenManifest() throws {
    let image = try InterruptedSalvageTests.damaged()
    let before = try Look(image)
    let disk = SimulatedDisk(image)
    var faults = FaultPlan()
    faults.add(.stop, at: 1, of: [.rename], name: ".seg.tmp")
    disk.faults = faults
    #expect(throws: LogError.self) { try SalvageStore.open(disk, salvages: true).abandon() }
    disk.restart()
    var rotten = disk.image
    rotten.tamper(StoreNames.salvageManifest) { $0[40] ^= 1 }
    #expect { try SalvageStore.open(SimulatedDisk(rotten)).abandon() } throws: {
      ($0 as? LogError)?.code == .damaged
    }
    let again = SimulatedDisk(rotten)
    let log = try SalvageStore.open(again, salvages: true)
    #expect(try SalvageStore.replayed(log) == before.records)
    log.abandon()
    #expect(again.image.paths.contains { $0.hasSuffix("/\(StoreNames.salvageManifest)") })
  }
}
