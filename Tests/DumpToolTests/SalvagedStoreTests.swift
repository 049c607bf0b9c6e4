/// A store that was salvaged: the tool tells of the losses, and has nothing else to complain about.
import Foundation
import LogStore
import TestSupport
import Testing

@Suite("A salvaged store")
struct SalvagedStoreTests {
  let fixture: StoreFixture
  private let lost: [UInt64]
  private var directory: ScratchDirectory { fixture.directory }

  init() throws {
    fixture = try StoreFixture.closed(events: 150)
    let fixture = fixture
    lost = fixture.model.map(\.revision).filter { fixture.position($0).segment.value == 2 }
    try FileManager.default.removeItem(atPath: fixture.directory.segment(2))
    var options = fixture.log.options
    options.salvages = true
    try fixture.releaseLock()
    let log = try RecordLog(
      try PosixStorage(path: fixture.directory.path, creating: false), options: options,
      now: StoreFixture.firstTime + 86_400_000_000)
    #expect(log.recovery.salvage?.lost == [lost[0]...lost[lost.count - 1]])
    try log.close()
  }

  @Test("The events are those that are left; each loss is a note, and the exit code is 0")
  func events() throws {
    let run = try ToolRun.json(fixture)
    #expect(run.status == 0)
    #expect(try run.revisions() == (UInt64(1)...150).filter { !lost.contains($0) })
    let line = try #require(run.errorLines.first)
    #expect(run.errorLines.count == 1)
    for words in ["note: segment 2", "a salvage has recorded a loss", "revisions \(lost[0]) to", "are lost"] {
      #expect(line.contains(words), "\(words): \(line)")
    }
  }

  @Test("--records shows the gap with its reason and time, as a line of JSON and in the table")
  func records() throws {
    let gap = try #require(
      try ToolRun.json(fixture, "--records").objects().first { $0["operation"] as? String == "GAP" })
    #expect(gap["revision"] is NSNull)
    #expect(gap["segment"] as? Int == 2 && gap["generation"] as? Int == 1)
    let told = try #require(gap["gap"] as? [String: Any])
    #expect(told["first_revision"] as? UInt64 == lost[0] && told["last_revision"] as? UInt64 == lost.last)
    #expect(told["at_least"] as? Bool == false)
    #expect(told["recorded_at"] as? String == "2025-08-08T17:30:00.000000Z")
    #expect((told["reason"] as? String)?.contains("is missing") == true)
    let table = try ToolRun([directory.path, "--records"])
    #expect(table.output.contains("GAP") && table.output.contains("revisions \(lost[0]) to"))
  }

  @Test("--stats counts gaps apart from damage, and epochs")
  func stats() throws {
    let stats = try #require(try ToolRun.json(fixture, "--stats").objects().first)
    #expect(stats["damages"] as? Int == 0 && stats["lost_revisions"] as? Int == 0)
    #expect(stats["gaps"] as? Int == 1 && stats["gap_revisions"] as? Int == lost.count)
    #expect(stats["epoch_records"] as? Int == 1 && stats["events"] as? Int == 150 - lost.count)
    #expect(try ToolRun([directory.path, "--stats"]).output.contains("lost before a salvage"))
  }

  @Test("A salvage that was cut short is damage, with advice")
  func unfinished() throws {
    let manifest = try directory.read(directory.path + "/MANIFEST-A")
    try directory.write(manifest, to: directory.path + "/MANIFEST-SALVAGE")
    let run = try ToolRun.json(fixture)
    #expect(run.status == 65)
    #expect(run.errors.contains("a salvage was cut short"))
  }
}
