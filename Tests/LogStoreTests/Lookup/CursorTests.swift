/// A cursor over the records: it stops where it is asked to, reads no more than it may, and costs nothing at the end.
import Bytes
import LogStore
import LogStoreTesting
import TestSupport
import Testing

@Suite("Following the log")
struct CursorTests {
  @Test("A reader that stops behind a record gets the next one next; one that stops before it gets it again")
  func stopping() throws {
    var random = SeededGenerator.fromEnvironment("cursor, stopping")
    let log = try LookupStore.open(SimulatedDisk())
    defer { log.abandon() }
    try LookupStore.fill(log, commits: 100, recordsMax: 5, &random)
    var cursor = try log.cursor(from: Revision(1))
    var seen: [UInt64] = []
    var refused: UInt64 = 0
    while log.hasMore(cursor) {
      let end = try log.read(&cursor, bytesMax: .max) { (header, _, _) throws(LogError) in
        let revision = header.fields.revision.value
        if revision % 3 == 0, refused != revision {
          refused = revision
          return .stopBefore
        }
        seen.append(revision)
        return revision % 3 == 1 ? .stop : .goOn
      }
      if end == .reached { break }
      #expect(end == .stopped)
      #expect(cursor.next == Revision(refused > (seen.last ?? 0) ? refused : (seen.last ?? 0) + 1))
    }
    #expect(seen == Array(1...log.lastRevision.value))
  }

  @Test("At the end a cursor reads nothing; then it gives what is new, and only that, across segments")
  func waiting() throws {
    var random = SeededGenerator.fromEnvironment("cursor, waiting")
    let disk = SimulatedDisk()
    let log = try LookupStore.open(disk)
    defer { log.abandon() }
    var cursor = try log.cursor(from: Revision(5))
    var seen: [UInt64] = []
    for _ in 0..<300 {
      try LookupStore.fill(log, commits: 1, &random)
      _ = try log.read(&cursor, bytesMax: .max) { (header, _, _) throws(LogError) in
        seen.append(header.fields.revision.value)
        return .goOn
      }
      let calls = disk.calls
      #expect(!log.hasMore(cursor))
      let end = try log.read(&cursor, bytesMax: .max) { (_, _, _) throws(LogError) in .goOn }
      #expect(end == .reached && disk.calls == calls)
    }
    #expect(log.status.segments > 2 && seen == Array(5...log.lastRevision.value))
  }

  @Test("No read takes much more than it may, even where all is passed over")
  func budget() throws {
    var random = SeededGenerator.fromEnvironment("cursor, budget")
    let log = try LookupStore.open(SimulatedDisk(), LookupStore.options(segmentBytes: 200 << 10))
    defer { log.abandon() }
    try LookupStore.fill(log, commits: 400, recordsMax: 9, largeBytes: 2_000, &random)
    var cursor = try log.cursor(from: Revision(1))
    var reads = 0
    while log.hasMore(cursor) {
      var bytes = 0
      let end = try log.read(&cursor, bytesMax: 4_096) { (header, _, _) throws(LogError) in
        bytes += Int(header.recordBytes)
        return .goOn
      }
      #expect(bytes <= 4_096 + 2_400)
      reads += 1
      if end == .reached { break }
    }
    #expect(reads > log.status.bytes / 8_192 / 2)
  }

  @Test("A record that has rotted ends the read with its place, and the cursor stays before it")
  func damage() throws {
    var random = SeededGenerator(seed: 8)
    let disk = SimulatedDisk()
    let log = try LookupStore.open(disk)
    defer { log.abandon() }
    try LookupStore.fill(log, commits: 150, &random)
    let sound = disk.image
    let scan = try PlainScan(log)
    for entry in scan.entries.enumerated().filter({ $0.offset % 4 == 0 }).map(\.element) {
      let path = StoreNames.segment(entry.position.segment, generation: 0)
      disk.image.tamper(path) { $0[Int(entry.position.offset) + 140] ^= 4 }
      var cursor = try log.cursor(from: Revision(1))
      let error = try #require(throws: LogError.self) {
        _ = try log.read(&cursor, bytesMax: .max) { (_, _, _) throws(LogError) in .goOn }
      }
      #expect(error.code == .damaged && error.offset == UInt64(entry.position.offset))
      #expect(cursor.next.value == entry.revisions?.lowerBound)
      disk.image = sound
    }
  }
}
