/// The stream of reads cut and damaged at every byte, and a store whose process dies at every call.
import Bytes
import LogStoreTesting
import Testing

@testable import LogStore

@Suite("A damaged stream of reads", .timeLimit(.minutes(10)))
struct ReadDamageTests {
  private let name = StoreNames.reads(ReadFileNumber(1))

  @Test("Cut at every byte, what is whole before the cut is told; of the newest file that is no damage")
  func cuts() throws {
    let (disk, store, reads) = try ReadStore.oneFile(6)
    let places = try StreamReading(disk).places.map(\.offset)
    let bytes = try #require(disk.image.contents(name))
    let ends = places.dropFirst() + [bytes.count]
    for length in 0..<bytes.count {
      let cut = SimulatedDisk(disk.image)
      cut.image.tamper(name) { $0.removeLast($0.count - length) }
      let whole = ends.prefix { $0 <= length }.count
      let told = try StreamReading(cut)
      #expect(told.reads == Array(reads.prefix(whole)) && told.damages == [], "\(length)")
      // The next start goes on in a new file, and knows from where on nothing counts.
      let writer = ReadAuditWriter(cut, store: store, options: ReadStore.options())
      writer.append(.sample(9))
      writer.close()
      let later = try StreamReading(cut)
      #expect(later.reads == Array(reads.prefix(whole)) + [.sample(9)] && later.damages == [], "\(length)")
    }
  }

  @Test("Cut at every byte, a file with one behind it is damaged, and the rest is told")
  func cutsBefore() throws {
    let (disk, store, reads) = try ReadStore.oneFile(4)
    let writer = ReadAuditWriter(disk, store: store, options: ReadStore.options())
    writer.append(.sample(9))
    writer.close()
    let count = try #require(disk.image.contents(name)).count
    for length in 0..<count {
      let cut = SimulatedDisk(disk.image)
      cut.image.tamper(name) { $0.removeLast($0.count - length) }
      let told = try StreamReading(cut)
      #expect(told.damages.count >= 1 && told.reads.last == .sample(9), "\(length)")
      #expect(told.reads.dropLast().elementsEqual(reads.prefix(told.reads.count - 1)), "\(length)")
    }
  }

  @Test("Every bit flipped costs one read at most, and is damage unless it lies in the last read of the newest file")
  func flips() throws {
    let (disk, _, reads) = try ReadStore.oneFile(5)
    let places = try StreamReading(disk).places.map(\.offset)
    let count = try #require(disk.image.contents(name)).count
    for bit in 0..<(count * 8) {
      let flipped = SimulatedDisk(disk.image)
      flipped.image.flip(name, bit: bit)
      let hit = places.lastIndex { $0 <= bit / 8 }
      var expected = reads
      if let hit { expected.remove(at: hit) }
      let told = try StreamReading(flipped)
      #expect(told.reads == expected, "bit \(bit)")
      #expect(told.issues.count == 1 && told.issues[0].isDamage == (hit != places.count - 1), "bit \(bit)")
    }
  }

  @Test("Zeros are never a record, wherever they are")
  func zeros() throws {
    let (disk, _, reads) = try ReadStore.oneFile(5)
    let places = try StreamReading(disk).places.map(\.offset)
    disk.image.tamper(name) { $0 += [UInt8](repeating: 0, count: 8_192) }
    #expect(try StreamReading(disk).reads == reads)
    #expect(try StreamReading(disk).damages == [])
    disk.image.tamper(name) { for offset in places[1]..<places[3] { $0[offset] = 0 } }
    let told = try StreamReading(disk)
    #expect(told.reads == [reads[0], reads[3], reads[4]] && told.damages.count == 1)
    disk.image.tamper(name) { $0 = [UInt8](repeating: 0, count: $0.count) }
    #expect(try StreamReading(disk).reads.isEmpty)
    #expect(try StreamReading(disk).damages == [])
  }

  @Test("A missing file, one under another's name and one of another store are damage")
  func misplaced() throws {
    let (disk, store) = try ReadStore.empty()
    let writer = ReadAuditWriter(disk, store: store, options: ReadStore.options())
    for number in 1...60 { writer.append(.sample(number)) }
    writer.close()
    let names = (1...3).map { StoreNames.reads(ReadFileNumber($0)) }
    let missing = SimulatedDisk(disk.image)
    missing.image.delete(names[1])
    #expect(
      try StreamReading(missing).damages.map(\.message) == ["\(names[1]) is missing, with all reads that it told of"])
    let swapped = SimulatedDisk(disk.image)
    swapped.image.swap(names[0], names[1])
    let told = try StreamReading(swapped)
    #expect(told.damages.contains { $0.message.contains("under another's name") })
    #expect(told.reads.allSatisfy { $0.fields.count > 10 })
    let (other, _, _) = try ReadStore.oneFile(3)
    other.image.put(name, try #require(disk.image.contents(name)))
    let foreign = try StreamReading(other)
    #expect(foreign.reads.isEmpty && foreign.damages.contains { $0.message.contains("belongs to store") })
  }

  @Test("A process that dies, or loses power, at any call leaves a store that opens, and reads in their order")
  func crashes() throws {
    let reads = (1...80).map(ToldRead.sample)
    var call = 0
    while true {
      call += 1
      let disk = SimulatedDisk(seed: UInt64(call))
      disk.faults.add(.stop, at: call)
      let recorded = run(reads, on: disk)
      let isOver = !disk.isStopped
      disk.restart()
      for mode in [nil] + LossMode.allCases.map(Optional.some) {
        let after = SimulatedDisk(disk.image, seed: UInt64(call))
        if let mode { after.losePower(mode, seed: UInt64(call)) }
        try judge(after, reads, recorded, hasLostPower: mode != nil, "call \(call), \(String(describing: mode))")
      }
      if isOver { break }
    }
    #expect(call > 40)
  }

  /// Opens a store, writes to it and records reads; how many reads were on their way to the disk for certain.
  private func run(_ reads: [ToldRead], on disk: SimulatedDisk) -> Int {
    let driver = Driver(disk)
    defer { driver.abandon() }
    guard (try? driver.open()) != nil else { return 0 }
    let options = ReadStore.options(bytesMax: 1 << 20, fileBytes: 700)
    let writer = ReadAuditWriter(disk, store: driver.log.status.store, options: options)
    var flushed = 0
    for (index, read) in reads.enumerated() {
      writer.append(read)
      if index % 8 == 7 { writer.turn(now: Int64(index) * 1_000_000) }
      if writer.status.problem == nil, writer.status.lost == 0, index % 8 == 7 { flushed = index + 1 }
    }
    writer.close()
    return flushed
  }

  private func judge(
    _ disk: SimulatedDisk, _ reads: [ToldRead], _ recorded: Int, hasLostPower: Bool, _ label: String
  ) throws {
    let log = try RecordLog(disk, options: Driver.smallOptions, now: SimulatedClock().now)
    let store = log.status.store
    defer { log.abandon() }
    func isInOrder(_ told: [ToldRead]) -> Bool {
      let numbers = told.map(\.fields.count)
      return told.allSatisfy { $0 == .sample(Int($0.fields.count)) } && zip(numbers, numbers.dropFirst()).allSatisfy(<)
    }
    let told = try StreamReading(disk)
    #expect(isInOrder(told.reads), "\(label)")
    if !hasLostPower {
      #expect(told.damages == [] && told.reads.count >= recorded, "\(label)")
      #expect(told.reads == Array(reads.prefix(told.reads.count)), "\(label)")
    }
    let writer = ReadAuditWriter(disk, store: store, options: ReadStore.options())
    writer.append(.sample(1_000))
    writer.close()
    #expect(writer.status.problem == nil, "\(label)")
    #expect(try StreamReading(disk).reads == told.reads + [.sample(1_000)], "\(label)")
  }
}
