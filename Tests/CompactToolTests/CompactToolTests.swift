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
      if number > 50 { fields.previousRevision = Revision(fields.revision.value - 50) }
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

  @Test("A dry run tells what a retention would let go and changes nothing; the run lets go just that")
  func retains() throws {
    let scratch = try ScratchDirectory.made()
    let store = URL(fileURLWithPath: scratch.path + "/store")
    let count = try makeStore(in: store)
    func contents() throws -> [String: Data] {
      var files: [String: Data] = [:]
      for name in try FileManager.default.subpathsOfDirectory(atPath: store.path) {
        files[name] = FileManager.default.contents(atPath: store.path + "/" + name)
      }
      return files
    }
    let before = try contents()
    for policy in ["versions:2", "1h"] {
      let dry = try ProgramRun(
        "logstore-compact", [store.path, "--retention", policy, "--dry-run", "--format", "json"])
      #expect(dry.status == 0 && dry.errors.isEmpty, "\(dry.errors)")
      let forecast = try #require(try dry.objects().first)
      let events = try #require(forecast["events_to_drop"] as? UInt64)
      #expect(0 < events && events < count && (forecast["bytes_to_drop"] as? UInt64 ?? 0) > events * 100)
      #expect((forecast["floor"] as? UInt64 ?? 0) > 50 && forecast["segments_to_write_anew"] as? Int == 1)
      #expect(try dry.objects().last?["segments_to_pack"] != nil)
    }
    let table = try ProgramRun("logstore-compact", [store.path, "--retention", "versions:2", "--dry-run"])
    #expect(table.output.contains(" events to let go, ") && table.output.contains("would be whole from revision "))
    let none = try ProgramRun("logstore-compact", [store.path, "--retention", "36500d", "--dry-run"])
    #expect(
      none.status == 0 && none.output.hasPrefix("0 events to let go, 0 B, from 0 segments; the past stays whole\n"))
    #expect(try contents() == before)

    let options = [store.path, "--retention", "versions:2", "--format", "json"]
    let forecast = try #require(try ProgramRun("logstore-compact", options + ["--dry-run"]).objects().first)
    let run = try ProgramRun("logstore-compact", options)
    #expect(run.status == 0, "\(run.errors)")
    #expect(try run.objects().first?["floor"] as? UInt64 == forecast["floor"] as? UInt64)
    let left = try #require(
      try ProgramRun("logstore-dump", [store.path, "--stats", "--format", "json"]).objects().first)
    #expect(left["dropped_events"] as? UInt64 == forecast["events_to_drop"] as? UInt64)
    let again = try #require(try ProgramRun("logstore-compact", options + ["--dry-run"]).objects().first)
    #expect(again["events_to_drop"] as? Int == 0 && again["floor"] as? UInt64 == forecast["floor"] as? UInt64)
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
