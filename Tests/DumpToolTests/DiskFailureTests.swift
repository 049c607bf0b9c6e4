/// A disk that refuses to give some bytes: the rest is shown, and the exit code says I/O error.
import ArgumentParser
import Foundation
import LogStore
import Programs
import TestSupport
import Testing
import ToolSupport

@testable import logstore_dump

@Suite("A failing disk")
struct DiskFailureTests {
  private func dump(_ storage: FailingStorage, _ options: [String] = []) throws -> (Programs.ExitStatus, [UInt64]) {
    let scratch = ScratchDirectory()
    try FileManager.default.createDirectory(atPath: scratch.path, withIntermediateDirectories: true)
    try scratch.write([], to: scratch.path + "/out")
    let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: scratch.path + "/out"))
    let parsed = try DumpOptions.parse(["unused", "--format", "json"] + options)
    let status = DumpJob(parsed).run(on: storage, to: Output(descriptor: handle.fileDescriptor))
    let lines = String(decoding: try scratch.read(scratch.path + "/out"), as: UTF8.self).split(separator: "\n")
    let revisions = try lines.map { line in
      let object = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
      return try #require(object["sequence_number"] as? UInt64)
    }
    return (status, revisions)
  }

  @Test("Every page in turn can be unreadable: what does not touch it is shown, exit code 74")
  func everyPage() throws {
    let fixture = try StoreFixture.closed(events: 150)
    for segment in [1, 2, 3] {
      let name = StoreNames.segment(SegmentNumber(UInt32(segment)), generation: 0)
      for page in 0..<4 {
        let range = page * 4_096..<(page + 1) * 4_096
        let storage = try FailingStorage(fixture.directory.path, unreadable: [name: range])
        let kept = fixture.model.map(\.revision).filter { revision in
          let position = fixture.position(revision)
          let bytes = Int(position.offset)..<Int(position.offset + position.length)
          return Int(position.segment.value) != segment || !bytes.overlaps(range)
        }
        for isReversed in [false, true] {
          let (status, revisions) = try dump(storage, isReversed ? ["--reverse"] : [])
          #expect(status == .inputOutput, "segment \(segment) page \(page)")
          #expect(revisions == (isReversed ? kept.reversed() : kept), "segment \(segment) page \(page)")
        }
        let found = Inspected(storage)
        #expect(found.issues.contains { $0.kind == .unreadable && $0.offset == UInt64(range.lowerBound) })
      }
    }
  }

  @Test("Manifests that can not be read are an I/O error, and the segments are read all the same")
  func manifests() throws {
    let fixture = try StoreFixture.closed(events: 40)
    let storage = try FailingStorage(
      fixture.directory.path, unreadable: ["MANIFEST-A": 0..<4_096, "MANIFEST-B": 0..<4_096])
    let (status, revisions) = try dump(storage)
    #expect(status == .inputOutput)
    #expect(revisions == Array(1...40))
  }

  @Test("A directory that can not be listed is an I/O error")
  func listing() throws {
    let fixture = try StoreFixture.closed(events: 10)
    let (status, revisions) = try dump(
      try FailingStorage(fixture.directory.path, unreadable: [:], isListable: false))
    #expect(status == .inputOutput)
    #expect(revisions.isEmpty)
  }

  @Test("An inspection of a sound store changes nothing: neither bytes nor the time of a file's last change")
  func nothingIsWritten() throws {
    let fixture = try StoreFixture.closed(events: 60)
    func look() throws -> [String: [Int]] {
      var all: [String: [Int]] = [:]
      let manager = FileManager.default
      for name in try manager.subpathsOfDirectory(atPath: fixture.directory.path) {
        let path = fixture.directory.path + "/" + name
        let attributes = try manager.attributesOfItem(atPath: path)
        let changed = try #require(attributes[.modificationDate] as? Date).timeIntervalSince1970
        let isFile = attributes[.type] as? FileAttributeType == .typeRegular
        all[name] = [Int(changed * 1_000_000), isFile ? try fixture.directory.read(path).hashValue : 0]
      }
      return all
    }
    let before = try look()
    for options in [[], ["--reverse"], ["--stats"], ["--records"]] {
      #expect(try ToolRun([fixture.directory.path] + options).status == 0)
    }
    #expect(try look() == before)
  }
}
