/// Damage of every kind: it is reported with its place and its cost, and everything else is still shown.
import Bytes
import Foundation
import LogStore
import TestSupport
import Testing

@Suite("A damaged store")
struct DamageTests {
  let fixture: StoreFixture
  private var directory: ScratchDirectory { fixture.directory }
  private let all = Array(UInt64(1)...UInt64(150))

  init() throws { fixture = try StoreFixture.closed(events: 150) }

  /// Dumps, and expects everything but `lost`, exit code 65, and a line that has all of `said`.
  private func expect(lost: [UInt64], _ said: String...) throws {
    for options in [[], ["--reverse"]] {
      let run = try ToolRun([directory.path, "--format", "json"] + options)
      #expect(run.status == 65)
      let shown = try run.revisions()
      let expected = all.filter { !lost.contains($0) }
      #expect(shown == (options.isEmpty ? expected : expected.reversed()))
      #expect(
        run.errorLines.contains { line in said.allSatisfy { line.contains($0) } },
        "\(said) in \(run.errors)")
      #expect(run.errorLines.allSatisfy { $0.hasPrefix("logstore-dump: ") })
    }
  }

  /// A revision in the middle of a commit of three or more, in the second segment.
  private func middleRevision() throws -> (revision: UInt64, frame: Int) {
    let records = try ToolRun([directory.path, "--format", "json", "--records"]).objects()
    let ofSecond = records.filter { $0["segment"] as? Int == 2 }
    let frames = Dictionary(grouping: ofSecond) { $0["frame_offset"] as? Int ?? 0 }
    let frame = try #require(frames.filter { $0.value.count >= 3 }.min { $0.key < $1.key })
    return (try #require(frame.value[1]["revision"] as? UInt64), frame.key)
  }

  @Test("A flipped bit in a payload costs that record and no other of its commit")
  func payload() throws {
    let (revision, _) = try middleRevision()
    let position = fixture.position(revision)
    try directory.flip(directory.segment(2), at: Int(position.offset + position.length) - 12)
    try expect(lost: [revision], "segment 2 offset \(position.offset)", "payload", "revision \(revision) is lost")
  }

  @Test("A flipped bit in a record's header costs that record and no other of its commit")
  func recordHeader() throws {
    let (revision, _) = try middleRevision()
    let position = fixture.position(revision)
    for field in [0, 8, 12, 16, 64, 130] {
      try directory.flip(directory.segment(2), at: Int(position.offset) + field)
      try expect(lost: [revision], "segment 2 offset \(position.offset)", "revision \(revision) is lost")
      try directory.flip(directory.segment(2), at: Int(position.offset) + field)
    }
  }

  @Test("Under a bad frame header all records of the commit are still found")
  func frameHeader() throws {
    let (_, frame) = try middleRevision()
    for field in [0, 8, 16, 40] {
      try directory.flip(directory.segment(2), at: frame + field)
      try expect(lost: [], "segment 2 offset \(frame)")
      try directory.flip(directory.segment(2), at: frame + field)
    }
  }

  @Test("A zeroed page costs what lay in it")
  func zeroedPage() throws {
    let lost = fixture.model.map(\.revision).filter { revision in
      let position = fixture.position(revision)
      return position.segment.value == 2 && position.offset < 12_288 && position.offset + position.length > 8_192
    }
    try directory.zero(directory.segment(2), 8_192..<12_288)
    try expect(lost: lost, "segment 2")
  }

  @Test("Without its header a segment is still read")
  func segmentHeader() throws {
    for number in [1, 2, 3] {
      for offset in [0, 9, 40, 60, 4_000] {
        try directory.flip(directory.segment(number), at: offset)
        try expect(lost: [], "segment \(number) offset 0", "header")
        try directory.flip(directory.segment(number), at: offset)
      }
    }
  }

  @Test("A bad seal is reported and costs nothing")
  func seal() throws {
    let bytes = try directory.read(directory.segment(2))
    let end = try #require(bytes.lastIndex { $0 != 0 })
    try directory.flip(directory.segment(2), at: end - 4)
    try expect(lost: [], "segment 2 offset")
  }

  @Test("One bad copy of the manifest is reported; with none, the segments speak for themselves")
  func manifests() throws {
    try directory.flip(directory.path + "/MANIFEST-A", at: 70)
    try expect(lost: [], "MANIFEST-A")
    try directory.flip(directory.path + "/MANIFEST-B", at: 3)
    try expect(lost: [], "manifest")
    try directory.write([], to: directory.path + "/MANIFEST-A")
    try expect(lost: [], "MANIFEST-A")
    for name in ["MANIFEST-A", "MANIFEST-B"] { try FileManager.default.removeItem(atPath: directory.path + "/" + name) }
    try expect(lost: [], "manifest")
  }

  @Test("A missing segment is reported with the revisions that are lost", arguments: [1, 2, 3])
  func missingSegment(_ number: UInt32) throws {
    let lost = fixture.model.map(\.revision).filter { fixture.position($0).segment.value == number }
    try FileManager.default.removeItem(atPath: directory.segment(Int(number)))
    try expect(
      lost: lost, "segment \(number)", "missing", "revisions \(lost[0]) to \(try #require(lost.last)) are lost")
  }

  @Test("A missing last segment is known by the manifest")
  func missingLast() throws {
    let number = try #require(fixture.positions.last).segment.value
    let lost = fixture.model.map(\.revision).filter { fixture.position($0).segment.value == number }
    try FileManager.default.removeItem(atPath: directory.segment(Int(number)))
    try expect(lost: lost, "segment \(number)", "missing", "revisions \(lost[0]) to at least 150 are lost")
  }

  @Test("Even without a manifest a missing last segment shows by the seal before it")
  func missingLastWithoutManifest() throws {
    let number = try #require(fixture.positions.last).segment.value
    let lost = fixture.model.map(\.revision).filter { fixture.position($0).segment.value == number }
    for file in ["/MANIFEST-A", "/MANIFEST-B"] { try FileManager.default.removeItem(atPath: directory.path + file) }
    try FileManager.default.removeItem(atPath: directory.segment(Int(number)))
    if FileManager.default.fileExists(atPath: directory.segment(Int(number) + 1)) {
      try FileManager.default.removeItem(atPath: directory.segment(Int(number) + 1))
    }
    try expect(lost: lost, "segment \(number)", "missing")
  }

  @Test("Foreign files, and a segment of another store, are reported")
  func foreign() throws {
    try directory.write([1, 2, 3], to: directory.path + "/segments/notes.txt")
    try expect(lost: [], "notes.txt")
    try FileManager.default.removeItem(atPath: directory.path + "/segments/notes.txt")
    let other = try StoreFixture.closed(events: 150)
    let lost = fixture.model.map(\.revision).filter { fixture.position($0).segment.value == 2 }
    try directory.write(try other.directory.read(other.directory.segment(2)), to: directory.segment(2))
    try expect(lost: lost, "segment 2 offset 0", "belongs to store")
  }

  @Test("Segments whose names were exchanged are told by what is inside")
  func exchanged() throws {
    let second = try directory.read(directory.segment(2))
    try directory.write(try directory.read(directory.segment(3)), to: directory.segment(2))
    try directory.write(second, to: directory.segment(3))
    try expect(lost: [], "holds segment 2", "restore its name")
  }

  @Test("A file that was cut off gives what it still has")
  func cutOff() throws {
    let bytes = try directory.read(directory.segment(2))
    let cut = 10_000
    try directory.write(Array(bytes[..<cut]), to: directory.segment(2))
    let lost = fixture.model.map(\.revision).filter { revision in
      let position = fixture.position(revision)
      return position.segment.value == 2 && Int(position.offset + position.length) > cut
    }
    try expect(lost: lost, "segment 2 offset \(cut)", "bytes instead of")
  }

  @Test("Nothing is shown of what the clean close proves to be lost at the end")
  func lastRecord() throws {
    let position = fixture.position(150)
    try directory.flip(directory.segment(Int(position.segment.value)), at: Int(position.offset) + 130)
    try expect(lost: [150], "segment \(position.segment) offset \(position.offset)", "150")
  }

  @Test("A store of a later version is refused, with advice")
  func laterVersion() throws {
    for name in ["MANIFEST-A", "MANIFEST-B"] {
      let file = directory.path + "/" + name
      var bytes = try directory.read(file)
      bytes[Layout.Manifest.version] = 4
      let covered = ByteBuffer.of(bytes[8...])
      let checksum = Checksum.xxh3(covered.bytes, seed: 0)
      for index in 0..<8 { bytes[index] = UInt8(checksum >> UInt64(index * 8) & 0xFF) }
      try directory.write(bytes, to: file)
    }
    let run = try ToolRun(directory.path)
    #expect(run.status == 65)
    #expect(run.errors.contains("version 4"))
  }
}
