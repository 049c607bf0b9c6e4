/// Row 7: single inverted bits in a snapshot with blocks of every kind. Every bit when `MFH_TEST_SCALE` is more than 1,
/// else a sample that is spread over all bytes and all bits.
import Foundation
@testable import Hub
import LogStore
import Testing

@Suite("Inverted bits in a snapshot")
struct SnapshotBitFlipTests {
  private static let synced = LogOptions(
    durability: .fsync, segmentBytes: 512 << 10, firstSegmentBytes: 64 << 10, usesThreads: false)
  private static let isFull =
    ProcessInfo.processInfo.environment["MFH_TEST_SCALE"].flatMap { Int($0) }.map { $0 > 1 } ?? false

  /// Live keys with and without expiry, deleted keys, remembered requests, the summary: about 64 KiB.
  private func make() throws -> HubFixture {
    let hub = try HubFixture(options: Self.synced, in: HubFixture.memory)
    for number in 0..<700 {
      let key = "team-\(number % 7)/memory/\(number)"
      let ttl: Int64? = number % 5 == 0 ? 60_000_000 : nil
      try hub.put(key, #"{"content":"\#(number)"}"#, ttl: ttl, by: .idempotent("request-\(number)"))
      if number % 3 == 0 { try hub.delete(key) }
    }
    try hub.acknowledge()
    try hub.restart()
    return hub
  }

  @Test("Row 7: with any bit inverted a snapshot is refused, by file, and the log serves in its place")
  func everyBit() throws {
    let hub = try make()
    let before = try Picture(hub.hub)
    let directory = hub.directory.path + "/snapshots"
    let name = try #require(try FileManager.default.contentsOfDirectory(atPath: directory).first)
    let path = "\(directory)/\(name)"
    let sound = try Data(contentsOf: URL(fileURLWithPath: path))
    let storage = try PosixStorage(path: hub.directory.path, creating: false)
    func load() throws(LogError) -> UInt64 {
      let reader = try SnapshotReader("snapshots/\(name)", storage: storage)
      return try SnapshotLoader(reader, limits: HubLimits()).load().summary.revision.value
    }
    #expect(try load() == before.revision)
    func write(_ byte: UInt8, at offset: Int) throws {
      let file = try #require(FileHandle(forUpdatingAtPath: path))
      defer { try? file.close() }
      try file.seek(toOffset: UInt64(offset))
      try file.write(contentsOf: [byte])
    }
    var flips = 0
    for bit in stride(from: 0, to: sound.count * 8, by: Self.isFull ? 1 : 211) {
      let byte = sound[bit / 8]
      try write(byte ^ 1 << UInt8(bit % 8), at: bit / 8)
      do {
        let revision = try load()
        Issue.record("bit \(bit) inverted: taken for a snapshot of revision \(revision)")
      } catch {
        let isTold = (error.code == .damaged || error.code == .unsupported) && error.message.contains(name)
        if !isTold { Issue.record("bit \(bit) inverted: \(error)") }
      }
      // One in many goes the whole way: a hub starts without it, and has lost nothing.
      if flips % 997 == 0 {
        try hub.crash()
        #expect(hub.hub.snapshots.revision == nil)
        #expect(try Picture(hub.hub) == before)
        try? FileManager.default.removeItem(atPath: path + ".damaged")
        try sound.write(to: URL(fileURLWithPath: path))
      }
      try write(byte, at: bit / 8)
      flips += 1
    }
    print("row 7: \(flips) bits inverted in a snapshot of \(sound.count) bytes")
    #expect(sound.count > 48 << 10 && flips > 1_500)
  }
}
