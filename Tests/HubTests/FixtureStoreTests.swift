/// Stores that earlier versions wrote, kept for ever: this version opens each and finds what its writer left.
///
/// A fixture is a store's directory and `expected.txt`: revision, live keys and state checksum, as its writer told them.
/// A change of the format adds a fixture; none is ever written anew.
import Foundation
import Hub
import LogStore
import Testing

@Suite("Stores of earlier versions")
struct FixtureStoreTests {
  private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appending(path: "Fixtures")
  static let names =
    (try? FileManager.default.contentsOfDirectory(atPath: root.path).filter { !$0.hasPrefix(".") }.sorted()) ?? []

  private static let options = LogOptions(
    durability: .fsync, segmentBytes: 512 << 10, firstSegmentBytes: 64 << 10, usesThreads: false)

  private func open(_ path: String) throws -> MemoryHub {
    let log = try RecordLog(PosixStorage(path: path, creating: false), options: Self.options, now: SettableClock.start)
    do {
      return try MemoryHub(log: log, limits: HubLimits(), clock: SettableClock())
    } catch {
      log.abandon()
      throw error
    }
  }

  /// Those of version 2 have two packed segments, those of version 3 an erased item and dropped events in three.
  @Test("There is a closed and a crashed store of every format version")
  func complete() {
    #expect(
      Self.names == (1...Int(Layout.formatVersion)).flatMap { ["version-\($0)-closed", "version-\($0)-crashed"] })
  }

  @Test("A store opens, with its snapshot and without, holds what it held, and takes writes", arguments: names)
  func opens(_ name: String) throws {
    let expected = try String(contentsOf: Self.root.appending(path: "\(name)/expected.txt"), encoding: .utf8)
    for withSnapshots in [true, false] {
      let copy = FileManager.default.temporaryDirectory.appending(path: "mfh-fixture-\(UUID().uuidString)")
      try FileManager.default.copyItem(at: Self.root.appending(path: name), to: copy)
      defer { try? FileManager.default.removeItem(at: copy) }
      try FileManager.default.removeItem(at: copy.appending(path: "expected.txt"))
      if !withSnapshots { try? FileManager.default.removeItem(at: copy.appending(path: "snapshots")) }
      let hub = try open(copy.path)
      let picture = try Picture(hub)
      #expect("\(picture.revision) \(picture.live.count) \(picture.checksum)\n" == expected)
      #expect((hub.snapshots.revision != nil) == (withSnapshots && name.hasSuffix("closed")))
      #expect(picture.requests == 265)
      try hub.close()
      // Whoever wrote the store may read it again: nothing that it does not know stands in a segment of its version.
      let segments = try FileManager.default.contentsOfDirectory(atPath: copy.appending(path: "segments").path).sorted()
      let versions = try segments.map { name in
        let file = try FileHandle(forReadingFrom: copy.appending(path: "segments/\(name)"))
        return try #require(try file.read(upToCount: Layout.SegmentHeader.blockBytes))[Layout.SegmentHeader.version]
      }
      let written = try #require(UInt8(name.dropFirst("version-".count).prefix(1)))
      #expect(versions.last == UInt8(Layout.formatVersion))
      #expect(versions.filter { $0 == written }.count >= 2)
    }
  }
}
