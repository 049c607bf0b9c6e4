/// `logstore-compact` as a user runs it.
import Bytes
import Foundation
import LogStore
import TestSupport
import Testing

@Suite("logstore-compact")
struct CompactToolTests {
  /// A closed store of a few sealed segments.
  private func makeStore(in directory: URL) throws -> UInt64 {
    let options = LogOptions(durability: .none, segmentBytes: 256 << 10, firstSegmentBytes: 256 << 10)
    let log = try RecordLog(
      PosixStorage(path: directory.path, creating: true), options: options, now: 1_754_587_800_000_000)
    let none: [UInt8] = []
    for number in 1...2_000 {
      let key = Array("notes/\(number % 50)".utf8)
      let payload = Array(
        #"{"key":"notes/\#(number % 50)","content":"what the agent remembers of day \#(number)"}"#.utf8)
      try log.reserve(1_024)
      var fields = RecordFields(
        operation: .update, revision: log.lastRevision.next, time: log.nextTime(1_754_587_800_000_000))
      fields.itemKind = 1
      let names = RecordNames(
        key: key.span.bytes, agent: none.span.bytes, correlation: none.span.bytes, request: none.span.bytes)
      _ = log.append(fields, names, payload: payload.span.bytes)
      if number % 20 == 0 {
        log.submit()
        try log.waitForSubmitted()
        while let buffer = log.takeCompleted(through: log.completedTicket) { log.recycle(buffer) }
      }
    }
    let last = log.lastRevision.value
    try log.close()
    return last
  }

  private func size(_ directory: URL) throws -> Int {
    let segments = directory.appending(path: "segments")
    return try FileManager.default.contentsOfDirectory(atPath: segments.path).reduce(0) { total, name in
      let attributes = try FileManager.default.attributesOfItem(atPath: segments.appending(path: name).path)
      return total + ((attributes[.size] as? Int) ?? 0)
    }
  }

  @Test(
    "A dry run changes nothing; a run packs what is sealed, and logstore-dump shows the same events before and after")
  func packs() throws {
    let scratch = try ScratchDirectory.made()
    let store = URL(fileURLWithPath: scratch.path + "/store")
    let events = try makeStore(in: store)
    let before = try ProgramRun("logstore-dump", [store.path, "--format", "json"])
    let sizeBefore = try size(store)
    let dry = try ProgramRun("logstore-compact", [store.path, "--dry-run"])
    #expect(dry.status == 0 && dry.output.contains("segments to pack"))
    #expect(try size(store) == sizeBefore)
    let run = try ProgramRun("logstore-compact", [store.path, "--format", "json"])
    #expect(run.status == 0, "\(run.errors)")
    #expect(run.output.contains(#""segments_packed":"#) && !run.output.contains(#""segments_packed":0"#))
    #expect(try size(store) < sizeBefore)
    let after = try ProgramRun("logstore-dump", [store.path, "--format", "json"])
    #expect(after.status == 0 && before.status == 0)
    let beforeLines = before.output.split(separator: "\n").count
    #expect(beforeLines == Int(events) && before.output == after.output)
    let again = try ProgramRun("logstore-compact", [store.path])
    #expect(again.status == 0 && again.output == "0 segments packed\n")
  }

  @Test("Nothing there is 66, a store that is in use is 75, and nothing is changed")
  func refusals() throws {
    let scratch = try ScratchDirectory.made()
    let empty = try ProgramRun("logstore-compact", [scratch.path])
    #expect(empty.status == 66)
    #expect(try FileManager.default.contentsOfDirectory(atPath: scratch.path) == [])
    #expect(try ProgramRun("logstore-compact", [scratch.path + "/nowhere"]).status == 66)
    let store = URL(fileURLWithPath: scratch.path + "/store")
    _ = try makeStore(in: store)
    let storage = try PosixStorage(path: store.path, creating: false)
    let lock = try storage.lock(StoreNames.lock)
    let locked = try ProgramRun("logstore-compact", [store.path])
    #expect(locked.status == 75 && locked.errors.contains("held by another process"))
    withExtendedLifetime(lock) {}
    #expect(try ProgramRun("logstore-compact", []).status == 64)
  }
}
