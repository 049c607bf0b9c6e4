/// The stream of reads: what is written is told, in order, within its bounds, and a disk in trouble costs only records.
import Bytes
import LogStoreTesting
import Testing

@testable import LogStore

@Suite("Stream of reads", .timeLimit(.minutes(10)))
struct ReadAuditTests {
  @Test("What was recorded is told in order, over files and restarts, and backwards newest first")
  func roundTrip() throws {
    let (disk, store) = try ReadStore.empty()
    let reads = (1...120).map(ToldRead.sample)
    for part in 0..<3 {
      let writer = ReadAuditWriter(disk, store: store, options: ReadStore.options())
      for read in reads[(part * 40)..<(part * 40 + 40)] { writer.append(read) }
      writer.close()
      #expect(writer.status.recorded == 40 && writer.status.lost == 0 && writer.status.problem == nil)
    }
    let told = try StreamReading(disk)
    #expect(told.reads == reads && told.issues == [])
    #expect(try StreamReading(disk, newestFirst: true).reads == reads.reversed())
    #expect(try StreamReading(disk, newestFirst: true, limit: 50).reads == Array(reads.reversed().prefix(50)))
    #expect(Set(told.places.map(\.file)).count > 6)
    for name in try disk.list(StoreNames.reads) {
      #expect(try disk.open("\(StoreNames.reads)/\(name)", writable: false).size() <= 1_000)
    }
  }

  @Test("A store without a stream says so, and no file is made before there is a read")
  func nothing() throws {
    let (disk, store) = try ReadStore.empty()
    let writer = ReadAuditWriter(disk, store: store, options: ReadStore.options())
    writer.turn(now: 5_000_000)
    writer.close()
    let told = try StreamReading(disk)
    #expect(!told.isThere && told.issues == [])
  }

  @Test("A read reaches the file within a second of turns, also when the clock is set back")
  func turns() throws {
    let (disk, store) = try ReadStore.empty()
    let writer = ReadAuditWriter(disk, store: store, options: ReadStore.options())
    writer.turn(now: 10_000_000)
    writer.append(.sample(1))
    writer.turn(now: 10_999_999)
    #expect(try StreamReading(disk).reads.isEmpty)
    writer.turn(now: 11_000_000)
    #expect(try StreamReading(disk).reads == [.sample(1)])
    writer.append(.sample(2))
    writer.turn(now: 1_000_000)
    #expect(try StreamReading(disk).reads.count == 2)
  }

  @Test("All files together stay within the bound: the oldest goes first, what is left has no hole")
  func bound() throws {
    let (disk, store) = try ReadStore.empty()
    let options = ReadStore.options(bytesMax: 5_000)
    let reads = (1...500).map(ToldRead.sample)
    var removed: UInt64 = 0
    for part in 0..<5 {
      let writer = ReadAuditWriter(disk, store: store, options: options)
      for read in reads[(part * 100)..<(part * 100 + 100)] {
        writer.append(read)
        let sizes =
          try disk.image.isDirectory(StoreNames.reads)
          ? ReadStream.numbers(disk).map { number in
            try disk.open(StoreNames.reads(number), writable: false).size()
          } : []
        #expect(sizes.reduce(0, +) <= 5_000 && sizes.reduce(0, +) == writer.status.bytes)
      }
      writer.close()
      removed += writer.status.removedFiles
    }
    let told = try StreamReading(disk)
    #expect(told.reads == reads.suffix(told.reads.count) && told.reads.count > 30 && removed > 20)
    #expect(told.issues == [])
  }

  @Test("A disk that takes nothing loses reads only when the buffer is full; they are counted, and it goes on")
  func failingDisk() throws {
    let (disk, store) = try ReadStore.empty()
    let writer = ReadAuditWriter(disk, store: store, options: ReadStore.options(bytesMax: 64 << 20, fileBytes: 8 << 20))
    disk.faults.add(.fail(PosixText.noSpace), at: 1, of: [.create, .write], isPersistent: true)
    var number = 0
    while writer.status.lost < 10 {
      number += 1
      writer.append(.sample(number))
    }
    #expect(writer.status.problem?.isForWantOfSpace == true && writer.status.failures == 1)
    #expect(writer.status.recorded == UInt64(number - 10))
    writer.turn(now: 1)
    #expect(writer.status.failures == 2)
    disk.faults = FaultPlan()
    writer.turn(now: 1_000_001)
    #expect(writer.status.problem == nil)
    writer.append(.sample(number + 1))
    writer.close()
    let told = try StreamReading(disk)
    #expect(told.reads == (1...(number - 10)).map(ToldRead.sample) + [.sample(number + 1)] && told.issues == [])
  }

  @Test("A directory that can not be listed at the start is asked again")
  func failingSurvey() throws {
    let (disk, store, reads) = try ReadStore.oneFile(3)
    disk.faults.add(.fail(PosixText.inputOutput), at: 1, of: [.list])
    let writer = ReadAuditWriter(disk, store: store, options: ReadStore.options())
    #expect(writer.status.problem != nil)
    writer.append(.sample(4))
    #expect(writer.status.lost == 1)
    writer.turn(now: 1)
    writer.append(.sample(5))
    writer.close()
    #expect(writer.status.problem == nil)
    #expect(try StreamReading(disk).reads == reads + [.sample(5)])
  }

  @Test("A prefix that is longer than any key is cut, and nothing else")
  func longName() throws {
    let (disk, store) = try ReadStore.empty()
    var read = ToldRead.sample(6)
    read.key = String(repeating: "x", count: 70_000)
    let writer = ReadAuditWriter(disk, store: store, options: ReadStore.options(fileBytes: 1 << 20))
    writer.append(read)
    writer.append(.sample(7))
    writer.close()
    read.key = String(repeating: "x", count: ReadRecord.nameBytesMax)
    #expect(try StreamReading(disk).reads == [read, .sample(7)])
  }

  @Test("The bytes are those of FORMAT.md")
  func pinned() throws {
    let (store, number) = (StoreIdentity(high: 0x0011_2233_4455_4677, low: 0x8899_AABB_CCDD_EEFF), ReadFileNumber(1))
    var buffer = ByteBuffer()
    ReadFileHeader(store: store, number: number, predecessorEnd: 0, createdAt: 1_754_587_800_000_000)
      .encode(into: &buffer)
    let (key, agent, none) = (Array("greeting".utf8), Array("planner".utf8), [UInt8]())
    ReadRecord.encode(
      ReadFields(.get, time: 1_754_587_800_000_000, revision: Revision(1), count: 1), key: key.span.bytes,
      agent: agent.span.bytes, correlation: none.span.bytes, seed: number.seed(of: store).at(buffer.count),
      into: &buffer)
    #expect(hex(buffer) == (try FormatDocument().hexDump(under: "Stream of reads").bytes))
  }

  private func hex(_ buffer: borrowing ByteBuffer) -> [UInt8] { buffer.bytes.array() }
}
