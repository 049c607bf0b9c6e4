/// What `StoreVerifier` finds in sound stores and in those that lie.
import Bytes
import Foundation
import Hub
import LogStore
import LogStoreTesting
import StoreTools
import TestSupport
import Testing

@Suite struct VerifyTests {
  private struct Found {
    var outcome: StoreVerifier.Outcome
    var damages: Int
  }

  private static func verify(_ storage: any Storage) throws -> Found {
    let progress = Progress(totalBytes: 1, isWanted: false)
    let report = Report("test", isVerbose: false, progress: progress)
    let outcome = StoreVerifier.run(try StoreInspection.open(storage), report: report, progress: progress)
    return Found(outcome: outcome, damages: report.damages)
  }

  private static func verify(_ hub: HubFixture) throws -> Found {
    try verify(PosixStorage(path: hub.directory.path, creating: false))
  }

  @Test("A sound store has the hub's checksum at every moment: in use, restarted, with snapshots, crashed, closed")
  func sound() throws {
    var generator = SeededGenerator.fromEnvironment("HubTests.VerifyTests.sound")
    let fixture = try ReplayFixture(events: 400, &generator)
    let hub = fixture.hub
    func check(snapshots: Int) throws {
      let found = try Self.verify(hub)
      #expect(found.damages == 0 && found.outcome.checksum == hub.checksum)
      #expect(found.outcome.revision.value == hub.revision && found.outcome.keys == hub.hub.state.keyCount)
      #expect(found.outcome.snapshots == snapshots && found.outcome.events == hub.revision)
    }
    try check(snapshots: 0)
    try hub.restart()
    try check(snapshots: 1)
    try hub.put("later", #"{"content":"1"}"#)
    try hub.acknowledge()
    try hub.restart()
    try check(snapshots: 2)
    try hub.put("last", #"{"content":"2"}"#)
    try hub.acknowledge()
    try hub.crash()
    try check(snapshots: 2)
  }

  @Test("A flipped bit in any file of a closed store is found")
  func flips() throws {
    var generator = SeededGenerator.fromEnvironment("HubTests.VerifyTests.flips")
    let disk = try Self.closedStore()
    #expect(try Self.verify(disk).damages == 0)
    let sound = disk.image
    for path in sound.paths where path != StoreNames.lock {
      let bytes = try #require(sound.contents(path))
      // Behind the last frame nothing counts, and the last stamp of all proves only itself.
      guard let end = path.hasPrefix(StoreNames.segments) ? Self.end(of: bytes) : bytes.count else { continue }
      for _ in 0..<60 {
        let bit = Int.random(in: 0..<(end * 8), using: &generator)
        let tampered = SimulatedDisk(sound)
        tampered.image.flip(path, bit: bit)
        // A version or a flag that nobody knows is refused; anything else is reported.
        let found = try? Self.verify(tampered)
        #expect((found?.damages ?? 1) > 0, "\(path) bit \(bit)")
      }
    }
  }

  /// The byte behind the last frame but one; nil for a segment without any.
  private static func end(of bytes: [UInt8]) -> Int? {
    guard let last = bytes.lastIndex(where: { $0 != 0 }), last > Layout.SegmentHeader.blockBytes else { return nil }
    return (last & ~7) - Layout.FrameHeader.size
  }

  private static func closedStore() throws -> SimulatedDisk {
    let disk = SimulatedDisk()
    let log = try RecordLog(disk, options: ReplayFixture.options, now: SettableClock.start)
    let hub = try MemoryHub(log: log, limits: HubLimits(), clock: SettableClock())
    for number in 0..<150 {
      let key = Array("key/\(number % 20)".utf8)
      let item = Array(#"{"content":"\#(String(repeating: "y", count: 600))"}"#.utf8)
      let tape = HubFixture.parsed(item)
      let nobody = ByteBuffer(capacity: 16)
      _ = try hub.put(
        key: key.span.bytes, ifRevision: nil,
        by: Writer(agent: nobody.bytes, correlation: nobody.bytes, request: nobody.bytes, fingerprint: 0)
      ) { (replaced, now, buffer) throws(HubError) in
        var normaliser = ItemNormaliser(
          node: 0, now: now, replacedCreation: replaced, ttlExpiry: nil, itemBytesMax: 1 << 20)
        return try normaliser.append(tape, item.span.bytes, key: key.span.bytes, to: &buffer)
      }
      hub.submit()
      try hub.settle()
    }
    try hub.close()
    return disk
  }

  @Test("Death at any call of an opening leaves a sound store")
  func openings() throws {
    let store = try RedactionStore()
    for number in 0..<60 { try store.put("key/\(number % 7)", "text \(number)") }
    store.hub.log.abandon()
    let image = store.disk.image
    let whole = SimulatedDisk(image)
    whole.restart()
    try RecordLog(whole, options: RedactionStore.options, now: store.clock.time).abandon()
    var replaced = 0
    for call in 1...whole.calls {
      let disk = SimulatedDisk(image)
      disk.faults.add(.stop, at: call)
      if let log = try? RecordLog(disk, options: RedactionStore.options, now: store.clock.time) { log.abandon() }
      let left = SimulatedDisk(disk.image)
      #expect(try Self.verify(left).damages == 0, "call \(call)")
      let inspection = try StoreInspection.open(left)
      let isReplaced = (inspection.manifest?.segments ?? []).contains { entry in
        inspection.segments.contains { segment in
          segment.number == entry.number && segment.readable.map { $0.file.header.capacity != entry.capacity } ?? false
        }
      }
      if isReplaced { replaced += 1 }
    }
    #expect(replaced > 0)
  }

  // MARK: Records that are whole and wrong

  /// A log of one key, as somebody wrote it who did not keep to the rules.
  private static func log(_ records: [(LogStore.Operation, previous: UInt64, isHashRight: Bool)]) throws
    -> SimulatedDisk
  {
    let disk = SimulatedDisk()
    let log = try RecordLog(disk, options: ReplayFixture.options, now: SettableClock.start)
    let key = Array("k".utf8)
    let item = Array("{}".utf8)
    let none: [UInt8] = []
    var scratch = ByteBuffer(capacity: 64)
    for record in records {
      var fields = RecordFields(operation: record.0, revision: log.lastRevision.next, time: SettableClock.start)
      fields.previousRevision = Revision(record.previous)
      if record.0.isPut {
        fields.stateHash = StateChecksum.block(
          key: key.span.bytes, revision: fields.revision, item: item.span.bytes, scratch: &scratch)
        if !record.isHashRight { fields.stateHash ^= 1 }
      }
      try log.reserve(1_024)
      _ = log.append(
        fields,
        RecordNames(
          key: key.span.bytes, agent: none.span.bytes, correlation: none.span.bytes, request: none.span.bytes),
        payload: record.0.isPut ? item.span.bytes : none.span.bytes)
    }
    try log.close()
    return disk
  }

  @Test("Records that contradict their item or each other are found although every checksum is right")
  func contradictions() throws {
    let right: [[(LogStore.Operation, previous: UInt64, isHashRight: Bool)]] = [
      [(.create, 0, true), (.update, 1, true), (.delete, 2, true), (.create, 3, true), (.expire, 4, true)],
      [(.create, 0, true), (.delete, 1, true), (.create, 0, true)], [(.void, 0, true), (.create, 0, true)],
    ]
    for records in right { #expect(try Self.verify(Self.log(records)).damages == 0) }
    let wrong: [[(LogStore.Operation, previous: UInt64, isHashRight: Bool)]] = [
      [(.create, 0, false)], [(.create, 0, true), (.update, 0, true)], [(.create, 0, true), (.create, 1, true)],
      [(.update, 0, true)], [(.create, 0, true), (.delete, 1, true), (.delete, 2, true)],
      [(.create, 0, true), (.update, 1, true), (.update, 1, true)],
      [(.create, 0, true), (.delete, 1, true), (.create, 1, true)],
    ]
    for records in wrong { #expect(try Self.verify(Self.log(records)).damages == 1, "\(records)") }
  }

  @Test("A snapshot is compared with the state at its own revision, and a state that differs is told")
  func snapshots() throws {
    let disk = try Self.closedStore()
    let store = try StoreInspection.open(disk)
    let reader = try #require(try store.snapshots().readers.first)
    let check = try SnapshotCheck(reader)
    #expect(check.revision == Revision(150))
    #expect(check.difference(from: LogState())?.contains("state checksum") == true)
    // Events that the log has lost from its end: the snapshot knows better.
    let cut = SimulatedDisk(disk.image)
    let segments = cut.image.paths.filter { $0.hasPrefix(StoreNames.segments) }
    #expect(segments.count > 2)
    cut.image.delete(segments[segments.count - 2])
    #expect(try Self.verify(cut).damages > 0)
  }

  @Test("A seal whose table does not fit the frames is found although its checksum is right")
  func sealTable() throws {
    let disk = try Self.closedStore()
    let path = StoreNames.segment(SegmentNumber(1), generation: 0)
    let segment = try SegmentFile.open(SegmentNumber(1), generation: 0, store: nil, storage: disk, writable: false)
    var scanner = SegmentScanner(segment)
    let scan = try scanner.scan(after: .none) { (_, _, _) throws(LogError) in }
    #expect(scan.stop == .sealed)
    let body = scan.end - Int(try #require(scan.lastFrame).bodyBytes)
    disk.image.tamper(path) { bytes in
      // The offset of the table's first entry, then the body's checksum anew.
      bytes[body + Layout.Seal.sections + Layout.Seal.sectionHeaderBytes + 16] ^= 8
      let checksum = Checksum.xxh3(Array(bytes[(body + 8)..<scan.end]).span.bytes, seed: segment.seed.at(body))
      for index in 0..<8 { bytes[body + index] = UInt8(truncatingIfNeeded: checksum >> UInt64(8 * index)) }
    }
    let found = try Self.verify(disk)
    #expect(found.damages == 1)
  }
}
