/// The payload of a redaction record: what is written is read back, and nothing else is taken.
import Bytes
import Testing

@testable import LogStore

@Suite("A redaction record")
struct RedactionRecordTests {
  private func encoded(_ revisions: [UInt64], _ reason: String = "why") -> [UInt8] {
    RedactionRecord(revisions: revisions.map { Revision($0) }, reason: reason).encode().bytes.array()
  }

  private func decode(_ bytes: [UInt8]) throws(FormatError) -> RedactionRecord {
    try RedactionRecord.decode(bytes.span.bytes)
  }

  @Test("What is encoded is decoded again")
  func roundTrip() throws {
    for count in [0, 1, 2, 500, RedactionRecord.revisionsMax] {
      for reason in ["", "because", String(repeating: "ü", count: 512)] {
        let revisions = (0..<UInt64(count)).map { $0 * 3 + 1 }
        let record = try decode(encoded(revisions, reason))
        #expect(record.revisions.map(\.value) == revisions && record.reason == reason)
      }
    }
  }

  @Test("Another length, too many, revisions out of order or impossible ones are refused")
  func refused() {
    let bytes = encoded([4, 9])
    for length in 0..<bytes.count { #expect(throws: FormatError.self) { try decode(Array(bytes[..<length])) } }
    #expect(throws: FormatError.badLength) { try decode(bytes + [0]) }
    for revisions in [[9, 4], [4, 4], [0, 1], [4, 1 << 63]] as [[UInt64]] {
      #expect(throws: FormatError.badField("revisions")) { try decode(encoded(revisions)) }
    }
    for count: UInt8 in [0, 1, 3, 255] {
      var wrong = bytes
      wrong[0] = count
      #expect(throws: FormatError.self) { try decode(wrong) }
    }
  }
}
