/// The gap record's payload, and how frames count revisions past it.
import Bytes
import LogStore
import Testing

@Suite("Gap records")
struct GapRecordTests {
  private let gap = GapRecord(
    first: Revision(7), last: Revision(12), isAtLeast: true, recordedAt: Sample.time, reason: "rot")

  @Test("What is encoded is decoded; the reason is cut to its limit")
  func roundTrip() throws {
    #expect(try GapRecord.decode(gap.encode().bytes) == gap)
    let long = GapRecord(
      first: Revision(1), last: Revision(1), isAtLeast: false, recordedAt: 0,
      reason: String(repeating: "ä", count: 400))
    #expect(long.reason.utf8.count == GapRecord.reasonBytesMax)
    #expect(try GapRecord.decode(long.encode().bytes) == long)
  }

  private func expect(_ error: FormatError, at: SourceLocation = #_sourceLocation, _ change: (inout [UInt8]) -> Void) {
    var bytes = gap.encode().bytes.array()
    change(&bytes)
    #expect(throws: error, sourceLocation: at) { try GapRecord.decode(bytes.span.bytes) }
  }

  @Test("A payload that is cut, has other lengths, unknown flags or an impossible range is refused")
  func refused() {
    expect(.truncated) { $0.removeLast(4) }
    expect(.badLength) { $0.removeLast(1) }
    expect(.badLength) { $0[Layout.Gap.reasonBytes] = 9 }
    expect(.badLength) {
      $0 += Array(repeating: 65, count: 600)
      $0[Layout.Gap.reasonBytes] = UInt8(603 & 0xFF)
      $0[Layout.Gap.reasonBytes + 1] = UInt8(603 >> 8)
    }
    expect(.badField("flags")) { $0[Layout.Gap.flags] = 2 }
    expect(.badField("last_revision")) { $0[Layout.Gap.firstRevision] = 13 }
    expect(.badField("last_revision")) { $0[Layout.Gap.firstRevision] = 0 }
    expect(.badField("last_revision")) { $0[Layout.Gap.lastRevision + 7] = 0x80 }
  }

  @Test("A commit with a gap goes on behind it, and only if the gap begins where the log is")
  func counting() throws {
    let seed = Sample.seed
    var body = ByteBuffer()
    let nothing: [UInt8] = []
    let names = RecordNames(
      key: nothing.span.bytes, agent: nothing.span.bytes, correlation: nothing.span.bytes, request: nothing.span.bytes)
    RecordEncoder.append(
      RecordFields(operation: .gap, revision: .none, time: Sample.time), names, payload: gap.encode().bytes, seed: seed,
      offset: Sample.bodyOffset, to: &body)
    func header(_ first: UInt64, _ last: UInt64) -> FrameHeader {
      FrameHeader(
        kind: .commit, durability: .fsync, bodyBytes: UInt32(body.count), recordCount: 1,
        firstRevision: Revision(first),
        lastRevision: Revision(last), epoch: 1, time: Sample.time)
    }
    try CommitFrame.check(header(7, 12), body.bytes, seed: seed, bodyOffset: Sample.bodyOffset)
    #expect(throws: FormatError.badField("first_revision of a gap")) {
      try CommitFrame.check(header(6, 12), body.bytes, seed: seed, bodyOffset: Sample.bodyOffset)
    }
    #expect(throws: FormatError.badField("last_revision")) {
      try CommitFrame.check(header(7, 6), body.bytes, seed: seed, bodyOffset: Sample.bodyOffset)
    }
  }
}
