/// The end of a log after a crash: what was never proven durable is passed over without a word.
import Foundation
import LogStore
import TestSupport
import Testing

@Suite("A torn tail")
struct TornTailTests {
  @Test("A last commit that is cut at any byte is passed over; --verbose says so")
  func cutEverywhere() throws {
    let fixture = try StoreFixture(segmentBytes: 64 * 1024)
    try fixture.fill(events: 20)
    for number in 0..<3 { try fixture.append(.create, "last/\(number)") }
    try fixture.commit()
    fixture.log.abandon()
    let first = fixture.position(21)
    let last = fixture.position(23)
    let start = Int(first.offset) - Layout.FrameHeader.size
    let end = Int(last.offset + last.length)
    let file = fixture.directory.segment(1)
    let whole = try fixture.directory.read(file)
    for cut in stride(from: start, to: end - 8, by: 1) {
      try fixture.directory.write(whole, to: file)
      try fixture.directory.zero(file, cut..<end)
      let found = Inspected(fixture.directory.path)
      #expect(found.revisions == Array(1...20), "cut at \(cut)")
      #expect(found.issues.allSatisfy { $0.kind == .note })
      #expect(found.issues.count == (cut == start ? 0 : 1))
    }
    let quiet = try ToolRun.json(fixture)
    #expect(quiet.status == 0 && quiet.errors.isEmpty)
    let verbose = try ToolRun.json(fixture, "--verbose")
    #expect(verbose.status == 0)
    #expect(verbose.errors.contains("segment 1 offset \(start)"))
  }

  @Test("Whole commits behind a hole that nothing proves durable were never acknowledged: they are not shown")
  func hole() throws {
    let fixture = try StoreFixture(segmentBytes: 64 * 1024, durability: .none)
    try fixture.fill(events: 20)
    fixture.log.abandon()
    let position = fixture.position(10)
    try fixture.directory.flip(fixture.directory.segment(1), at: Int(position.offset) + 130)
    let run = try ToolRun.json(fixture)
    let shown = try run.revisions()
    #expect(run.status == 0)
    #expect(shown.count < 10 && shown == Array(1...UInt64(shown.count)))
  }

  @Test("What recovery has cut off is not shown again")
  func cutByRecovery() throws {
    let fixture = try StoreFixture(segmentBytes: 64 * 1024)
    try fixture.fill(events: 20)
    try fixture.append(.create, "torn", content: #"{"content":"never acknowledged"}"#)
    try fixture.commit()
    fixture.log.abandon()
    let torn = fixture.position(21)
    try fixture.directory.zero(
      fixture.directory.segment(1), Int(torn.offset + torn.length) - 24..<Int(torn.offset + torn.length))
    try fixture.reopen()
    #expect(fixture.log.recovery.tornBytesCut)
    try fixture.log.close()
    for damage in [false, true] {
      // Even when the header is lost that says where the first segment ends.
      if damage { try fixture.directory.flip(fixture.directory.segment(2), at: 20) }
      let run = try ToolRun.json(fixture)
      #expect(run.status == (damage ? 65 : 0))
      #expect(try run.revisions() == Array(1...20))
      #expect(!run.output.contains("never acknowledged"))
    }
  }
}
