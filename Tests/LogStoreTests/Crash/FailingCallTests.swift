/// Rows 14 to 19 and 21: every call of the reference workload fails once, and from then on.
import LogStore
import LogStoreTesting
import TestSupport
import Testing

@Suite("Failing calls")
struct FailingCallTests {
  private struct Tally {
    var failures = 0
    var complaints: [String] = []
  }

  /// Lets the workload run into a fault at every matching call, then opens what is left: once in the next process, with
  /// the page cache as it is, and once after a power cut.
  private func run(
    _ calls: Set<StorageError.Call>, _ number: Int32, isPersistent: Bool, every stride: Int = 1
  ) throws -> Tally {
    var tally = Tally()
    for round in TestScale.rounds {
      let one = try run(calls, number, isPersistent: isPersistent, every: stride, round)
      tally.failures += one.failures
      tally.complaints += one.complaints
    }
    return tally
  }

  private func run(
    _ calls: Set<StorageError.Call>, _ number: Int32, isPersistent: Bool, every stride: Int, _ round: Int
  ) throws -> Tally {
    // Enough for a clean close, a death and an opening after each.
    let workload = Workload(commits: 75, durability: .fsync, round: round)
    var tally = Tally()
    var nth = 1
    while true {
      let disk = SimulatedDisk(seed: UInt64(nth))
      disk.faults.add(.fail(number), at: nth, of: calls, isPersistent: isPersistent)
      let driver = Workload.driver(disk, .fsync, round: round)
      do {
        try workload.run(driver, disk)
        // A single failure may be got over: a segment that is made ready a second time, say.
        if disk.faults.hits == 0 { return tally }
      } catch let error as LogError {
        if ![.io, .poisoned, .noRoom].contains(error.code) {
          tally.complaints.append("round \(round), call \(nth): \(error)")
        }
      }
      driver.abandon()
      tally.failures += 1
      for mode in [nil, LossMode.all, .randomSubset] {
        let again = SimulatedDisk(disk.image)
        if let mode { again.losePower(mode, seed: UInt64(nth)) }
        var aftermath = Aftermath(driver.model, options: driver.options, now: driver.clock.now)
        aftermath.examine(
          again.image, second: [], seed: 1,
          "round \(round), \(calls) \(number) at \(nth), \(mode.map { "\($0)" } ?? "")")
        tally.complaints += aftermath.complaints
      }
      nth += stride
    }
  }

  private func check(_ row: String, _ tallies: [Tally], atLeast count: Int) {
    let failures = tallies.reduce(0) { $0 + $1.failures }
    let complaints = tallies.flatMap(\.complaints)
    print("\(row): \(failures) failing calls, \(complaints.count) complaints")
    #expect(complaints.count == 0, "\(complaints.prefix(5).joined(separator: "\n"))")
    #expect(failures >= count)
  }

  @Test("Row 16: EIO at any read: a typed error, nothing lost", arguments: [false, true])
  func reads(_ isPersistent: Bool) throws {
    check("row 16", [try run([.read, .size], PosixText.inputOutput, isPersistent: isPersistent)], atLeast: 30)
  }

  @Test(
    "Rows 14, 17: EIO at any write, of which a part was done: no acknowledgement, nothing lost",
    arguments: [false, true])
  func writes(_ isPersistent: Bool) throws {
    check("rows 14, 17", [try run([.write], PosixText.inputOutput, isPersistent: isPersistent)], atLeast: 60)
  }

  @Test(
    "Row 18: EIO, ENOSPC or EDQUOT at any fsync of a file or directory: no acknowledgement, nothing lost",
    arguments: [PosixText.inputOutput, PosixText.noSpace, PosixText.quota])
  func syncs(_ number: Int32) throws {
    check("row 18", [try run([.sync, .syncDirectory], number, isPersistent: false)], atLeast: 60)
  }

  @Test(
    "Row 19: ENOSPC at any write, creation, rename or directory: a typed error, nothing lost", arguments: [false, true])
  func noSpace(_ isPersistent: Bool) throws {
    let calls: Set<StorageError.Call> = [.write, .create, .rename, .makeDirectory]
    check("row 19", [try run(calls, PosixText.noSpace, isPersistent: isPersistent)], atLeast: 80)
  }

  @Test("Row 21: EMFILE, EACCES, EROFS at any opening, creation, listing, renaming, removal or lock: a typed error")
  func refused() throws {
    let calls: Set<StorageError.Call> = [.open, .create, .list, .rename, .remove, .lock, .makeDirectory]
    let numbers = [PosixText.tooManyFiles, PosixText.accessDenied, PosixText.readOnly]
    let tallies = try numbers.map { try run(calls, $0, isPersistent: true) }
    check("row 21", tallies, atLeast: 200)
  }

  @Test("Row 21: on a file system that takes no writes, everything can still be read by an inspection")
  func readOnly() throws {
    let (disk, driver) = try Stores.make(events: 50)
    disk.restart()
    let writes: Set<StorageError.Call> = [
      .write, .create, .rename, .remove, .sync, .syncDirectory, .makeDirectory, .lock,
    ]
    disk.faults.add(.fail(PosixText.readOnly), at: 1, of: writes, isPersistent: true)
    #expect {
      try driver.open()
    } throws: {
      ($0 as? LogError)?.code == .io && ($0 as? LogError)?.message.contains("read-only") == true
    }
    let counter = Counter()
    var inspector = LogInspector(try StoreInspection.open(disk), visitor: counter)
    inspector.run()
    #expect(counter.events == 50 && counter.issues.isEmpty)
  }

  private final class Counter: InspectionVisitor {
    var events = 0
    var issues: [InspectionIssue] = []

    func begin(_ segment: InspectedSegment.Readable) {}
    func visit(_ frame: FrameHeader, at offset: Int) {}
    func visit(_ record: InspectedRecord, _ bytes: RawSpan) -> Bool {
      events += 1
      return true
    }
    func report(_ issue: InspectionIssue) { issues.append(issue) }
  }
}
