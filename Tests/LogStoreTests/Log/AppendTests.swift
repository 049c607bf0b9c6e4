/// What is appended is there: at its position, in a replay, in the next process.
import Bytes
import Foundation
import LogStore
import LogStoreTesting
import Testing

@Suite("Appending")
struct AppendTests {
  @Test("Every record is read back by its position and in a replay, before and after the store is opened again")
  func readBack() throws {
    let driver = Driver(SimulatedDisk())
    #expect(try driver.open().events == 0)
    for commit in 0..<60 { try driver.commit(1 + commit % 5, payload: commit % 12 == 0 ? 2_000 : commit * 7) }
    for _ in 0..<2 {
      for index in driver.model.events.indices { #expect(try driver.read(index)) }
      #expect(try Survey.of(driver.log, driver.model).complaint == nil)
      try driver.close()
      #expect(try driver.open() == Survey(events: driver.model.events.count, epoch: 1))
    }
  }

  @Test("Segments roll; the next one is made ready before it is needed, and listed before it is used")
  func rolling() throws {
    let disk = SimulatedDisk()
    let driver = Driver(disk)
    try driver.open()
    let names = { disk.image.paths.filter { $0.hasPrefix("segments/") }.map { $0.dropFirst(9) } }
    #expect(names() == ["0000000001-0000.seg"])
    try driver.commit(1, payload: 3_000)
    #expect(names() == ["0000000001-0000.seg", "0000000002-0000.seg"] && driver.log.status.segments == 1)
    while driver.log.status.segments < 4 {
      try driver.commit(1, payload: 1_000)
      let listed = try ManifestStore.read(SimulatedDisk(disk.image)).segmentNumbers
      #expect(Int(driver.log.status.activeSegment.value) <= listed.count)
    }
    let capacities = try StoreDirectory.load(SimulatedDisk(disk.image), writable: false).segments.map(\.header.capacity)
    #expect(capacities.prefix(4) == [16_384, 24_576, 24_576, 24_576])
    try driver.close()
    #expect(try driver.open().complaint == nil)
  }

  @Test("A commit that no segment can hold is refused, and the largest that is allowed is kept")
  func tooLarge() throws {
    let driver = Driver(SimulatedDisk())
    try driver.open()
    let limit = driver.options.commitBytesMax
    #expect(throws: LogError.self) { try driver.log.reserve(limit + 1) }
    for _ in 0..<5 { try driver.commit(1, payload: limit - 256) }
    driver.abandon()
    (driver.storage as? SimulatedDisk)?.losePower(.all, seed: 1)
    #expect(try driver.open() == Survey(events: 5, epoch: 1))
  }

  @Test("Commits that wait together share an fsync and are acknowledged in order; all are there afterwards")
  func groupCommit() throws {
    let disk = SimulatedDisk()
    var options = Driver.smallOptions
    options.usesThreads = true
    let log = try RecordLog(disk, options: options, now: SimulatedClock.start)
    let payload = [UInt8](repeating: 7, count: 300)
    let key = Array("k".utf8)
    let none: [UInt8] = []
    var acknowledged: [UInt64] = []
    for revision in 1...300 as ClosedRange<UInt64> {
      while !log.canTakeMore {
        while let buffer = log.takeCompleted(through: log.completedTicket) {
          acknowledged.append(buffer.ticket)
          log.recycle(buffer)
        }
      }
      try log.reserve(600)
      let fields = RecordFields(operation: .update, revision: Revision(revision), time: SimulatedClock.start)
      let names = RecordNames(
        key: key.span.bytes, agent: none.span.bytes, correlation: none.span.bytes, request: none.span.bytes)
      _ = log.append(fields, names, payload: payload.span.bytes)
      log.submit()
    }
    try log.waitForSubmitted()
    #expect(log.durableThrough == Revision(300))
    while let buffer = log.takeCompleted(through: log.completedTicket) { acknowledged.append(buffer.ticket) }
    #expect(acknowledged == acknowledged.sorted() && acknowledged.count >= 300)
    #expect(log.inFlightCount == 0 && log.syncs <= UInt64(acknowledged.count) + 100)
    try log.close()
    disk.losePower(.all, seed: 1)
    let again = try RecordLog(disk, options: options, now: SimulatedClock.start)
    var found = 0
    try again.replay { (header, _, record) throws(LogError) in
      found += 1
      let isExact = record.extracting(header.payloadRange).equals(payload.span.bytes)
      #expect(isExact)
    }
    #expect(found == 300 && again.recovery.kind == .resumed)
    try again.close()
  }

  @Test("An acknowledged frame gives its records to the owner, with their positions")
  func acknowledgedFrame() throws {
    let driver = Driver(SimulatedDisk())
    try driver.open()
    try driver.build(4, payload: 100)
    let ticket = driver.log.currentTicket
    #expect(driver.log.buildingBytes > 400 && driver.log.lastTicket == ticket)
    driver.log.submit()
    let frame = try #require(driver.log.takeCompleted(through: ticket))
    var found: [RecordPosition] = []
    try frame.forEachRecord { (header, position, record) throws(LogError) in
      let isExact = driver.model.holds(header, record)
      #expect(isExact)
      found.append(position)
    }
    #expect(found == driver.positions)
    #expect(driver.log.takeCompleted(through: ticket) == nil)
  }

  @Test("A put gets a random salt of its own, which stays; one that bears a salt keeps it; a delete has none")
  func salts() throws {
    let disk = SimulatedDisk()
    let log = try RecordLog(disk, options: Driver.smallOptions, now: 0)
    let none: [UInt8] = []
    var positions: [RecordPosition] = []
    for revision in UInt64(1)...42 {
      var fields = RecordFields(operation: .create, revision: Revision(revision), time: 0)
      if revision == 41 { fields.salt = 5 }
      if revision == 42 { fields.operation = .delete }
      try log.reserve(1_024)
      positions.append(
        log.append(
          fields,
          RecordNames(
            key: none.span.bytes, agent: none.span.bytes, correlation: none.span.bytes, request: none.span.bytes),
          payload: none.span.bytes))
      log.submit()
    }
    var buffer = ByteBuffer()
    let salts = try positions.map { try log.readHeader(at: $0, into: &buffer).fields.salt }
    #expect(Set(salts[..<40]).count == 40 && !salts[..<40].contains(0))
    #expect(salts[40...] == [5, 0])
    try log.close()
    let reopened = try RecordLog(SimulatedDisk(disk.image), options: Driver.smallOptions, now: 0)
    defer { reopened.abandon() }
    var found: [UInt128] = []
    try reopened.replay { (header, _, _) throws(LogError) in found.append(header.fields.salt) }
    #expect(found == salts)
  }

  @Test("A name that is longer than one read is read whole")
  func longNames() throws {
    let disk = SimulatedDisk()
    let log = try RecordLog(disk, options: Driver.smallOptions, now: 0)
    let key = [UInt8](repeating: 65, count: 1_024)
    let none: [UInt8] = []
    try log.reserve(4_096)
    let position = log.append(
      RecordFields(operation: .create, revision: Revision(1), time: 0),
      RecordNames(key: key.span.bytes, agent: none.span.bytes, correlation: none.span.bytes, request: none.span.bytes),
      payload: key.span.bytes)
    log.submit()
    var buffer = ByteBuffer()
    let header = try log.readHeader(at: position, into: &buffer)
    let isExact = buffer.bytes.extracting(header.keyRange).equals(key.span.bytes)
    #expect(isExact)
    try log.close()
  }

  @Test("Our own mistakes trap: a record without a reservation, a gap in the revisions, time going back")
  func traps() async {
    await #expect(processExitsWith: .failure) { try AppendTests.append(reserving: false, revision: 1, time: 5) }
    await #expect(processExitsWith: .failure) { try AppendTests.append(reserving: true, revision: 2, time: 5) }
    await #expect(processExitsWith: .failure) { try AppendTests.append(reserving: true, revision: 1, time: 4) }
    await #expect(processExitsWith: .success) { try AppendTests.append(reserving: true, revision: 1, time: 5) }
  }

  private static func append(reserving: Bool, revision: UInt64, time: Int64) throws {
    let log = try RecordLog(SimulatedDisk(), options: Driver.smallOptions, now: 5)
    let none: [UInt8] = []
    if reserving { try log.reserve(300) }
    _ = log.append(
      RecordFields(operation: .create, revision: Revision(revision), time: time),
      RecordNames(key: none.span.bytes, agent: none.span.bytes, correlation: none.span.bytes, request: none.span.bytes),
      payload: none.span.bytes)
  }
}

extension ManifestStore.Found {
  /// The numbers of the listed segments; none when there is no valid manifest.
  var segmentNumbers: [UInt32] {
    if case .manifest(let manifest, _) = self { manifest.segments.map(\.number.value) } else { [] }
  }
}
