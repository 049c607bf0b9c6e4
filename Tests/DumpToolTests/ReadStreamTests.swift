/// `logstore-dump --type READ`: what it prints of the stream of reads, and what it says of a damaged one.
import Bytes
import Foundation
import LogStore
import TestSupport
import Testing

@Suite("Stream of reads") struct ReadStreamTests {
  private let fixture: StoreFixture
  private let file: String

  /// What was read: action, key, agent, revision, first revision.
  private static let reads: [(ReadAction, String, String, UInt64, UInt64)] = [
    (.get, "project/1", "planner", 3, 0), (.get, "project/2", "", 0, 0), (.exists, "project/1", "critic", 3, 0),
    (.batchGet, "other \"ü\"", "planner", 4, 0), (.history, "project/1", "planner", 9, 5),
    (.listKeys, "project/", "critic", 0, 0), (.events, "", "critic", 20, 11), (.events, "pro", "planner", 30, 21),
  ]

  init() throws {
    fixture = try StoreFixture.closed(events: 5)
    let storage = try PosixStorage(path: fixture.directory.path, creating: false)
    let store = try StoreInspection.open(storage).store
    let writer = ReadAuditWriter(storage, store: store, options: ReadAuditOptions())
    for (index, read) in Self.reads.enumerated() {
      let (key, agent, correlation) = (Array(read.1.utf8), Array(read.2.utf8), Array("run-\(index)".utf8))
      writer.append(
        ReadFields(
          read.0, time: StoreFixture.firstTime + Int64(index) * 1_000_000, revision: Revision(read.3),
          firstRevision: Revision(read.4), count: UInt32(index)),
        key: key.span.bytes, agent: agent.span.bytes, correlation: correlation.span.bytes)
    }
    writer.close()
    file = fixture.directory.path + "/" + StoreNames.reads(ReadFileNumber(1))
  }

  private func dump(_ options: String...) throws -> ToolRun {
    try ToolRun([fixture.directory.path, "--format", "json", "--type", "READ"] + options)
  }

  private func numbers(_ options: [String]) throws -> [Int] {
    let run = try ToolRun([fixture.directory.path, "--format", "json", "--type", "READ"] + options)
    #expect(run.status == 0 && run.errors.isEmpty, "\(run.errors)")
    return try run.objects().map { try #require($0["count"] as? Int) }
  }

  @Test("A line is a MemoryEvent without a sequence number, with what was read and how")
  func json() throws {
    let lines = try dump().lines.map { $0.replacing(/"event_id":"[0-9a-f-]{36}"/, with: #""event_id":"E""#) }
    #expect(lines.count == Self.reads.count)
    #expect(
      lines[4] == #"{"event_id":"E","event_type":"READ","target_key":"project/1","#
        + #""timestamp":"2025-08-07T17:30:04.000000Z","agent_id":"planner","payload":null,"previous_value":null,"#
        + #""sequence_number":null,"correlation_id":"run-4","action":"history","revision":9,"first_revision":5,"#
        + #""count":4,"segment":null,"reads_file":1,"offset":333}"#)
    let object = try dump().objects()
    #expect(object[1]["agent_id"] is NSNull && object[1]["revision"] is NSNull)
    #expect(object[3]["target_key"] as? String == "other \"ü\"")
    #expect(Set(object.compactMap { $0["event_id"] as? String }).count == Self.reads.count)
  }

  @Test("Filters by key, prefix, agent, time and revision, limit and order")
  func filters() throws {
    for (options, expected) in [
      ([], Array(0..<8)), (["--key", "project/1"], [0, 2, 4, 5, 6, 7]), (["--key", "other \"ü\""], [3, 6]),
      (["--prefix", "project/2"], [1, 5, 6, 7]), (["--prefix", "p"], [0, 1, 2, 4, 5, 6, 7]),
      (["--agent", "critic"], [2, 5, 6]), (["--agent", ""], [1]), (["--since", "2025-08-07T17:30:05Z"], [5, 6, 7]),
      (["--until", "2025-08-07T17:30:01Z"], [0, 1]), (["--from-revision", "10"], [6, 7]),
      (["--from-revision", "6", "--to-revision", "11"], [4, 6]), (["--reverse"], Array((0..<8).reversed())),
      (["--reverse", "--limit", "2", "--agent", "planner"], [7, 4]), (["--limit", "1"], [0]),
    ] as [([String], [Int])] { #expect(try numbers(options) == expected, "\(options)") }
  }

  @Test("READ beside other types comes behind them; what can not be combined is a usage error")
  func combined() throws {
    let types = ["CREATE", "UPDATE", "DELETE", "EXPIRE", "READ"].flatMap { ["--type", $0] }
    let events = try ToolRun([fixture.directory.path, "--format", "json"] + types).objects()
    #expect(events.map { $0["event_type"] as? String == "READ" } == (0..<13).map { $0 >= 5 })
    for (options, expected) in [
      (["--limit", "7"], events.prefix(7)), (["--limit", "3"], events.prefix(3)),
      (["--reverse", "--limit", "10"], events.reversed().prefix(10)), (["--reverse"], events.reversed()[...]),
    ] as [([String], ArraySlice<[String: Any]>)] {
      let told = try ToolRun([fixture.directory.path, "--format", "json"] + types + options).objects()
      #expect(told.map { $0["event_id"] as? String } == expected.map { $0["event_id"] as? String }, "\(options)")
    }
    #expect(try ToolRun.json(fixture).objects().count == 5)
    for wrong in [["--stats"], ["--records"]] {
      #expect(try ToolRun([fixture.directory.path, "--type", "READ"] + wrong).status == 64, "\(wrong)")
    }
  }

  @Test("The table has a row for each read")
  func table() throws {
    let lines = try ToolRun([fixture.directory.path, "--type", "READ"]).lines
    #expect(lines.count == Self.reads.count + 1 && lines[0].contains("ACTION"))
    #expect(lines[1].contains("project/1") && lines[1].contains("planner") && lines[1].contains("run-0"))
  }

  @Test("Damage is told with file and offset, the rest is printed, the exit code is 65; a torn end is no damage")
  func damage() throws {
    let offsets = try dump().objects().map { try #require($0["offset"] as? Int) }
    try fixture.directory.flip(file, at: offsets[2] + 20)
    let run = try dump()
    #expect(run.status == 65 && run.errorLines.count == 1)
    #expect(run.errors.contains("reads/0000000001.reads offset \(offsets[2])"), "\(run.errors)")
    #expect(try run.objects().map { $0["count"] as? Int } == [0, 1, 3, 4, 5, 6, 7])
    try fixture.directory.flip(file, at: offsets[2] + 20)
    try fixture.directory.write(Array(try fixture.directory.read(file).dropLast(3)), to: file)
    let torn = try dump()
    #expect(torn.status == 0 && torn.errors.isEmpty && torn.lines.count == 7)
    #expect(try dump("--verbose").errorLines.count == 1)
  }
}
