/// Every way in which a frame header can be wrong.
import Bytes
import LogStore
import Testing

@Suite("A frame header")
struct FrameHeaderTests {
  private typealias Field = Layout.FrameHeader
  private let frame = Sample.commit

  private func decode(_ bytes: [UInt8], at offset: Int = Sample.frameOffset) throws(FormatError) -> FrameHeader {
    try FrameHeader.decode(bytes.span.bytes, seed: Sample.seed, offset: offset)
  }

  private func changed<Value: FixedWidthInteger>(_ value: Value, at offset: Int) -> [UInt8] {
    frame.with(value, at: offset, sealing: 8..<Field.size, seed: Sample.seed.at(Sample.frameOffset))
  }

  @Test("What is encoded is decoded again, for every kind, durability and close mark")
  func roundTrip() throws {
    for kind in [FrameKind.commit, .stamp, .seal] {
      for durability in Durability.allCases {
        for isCleanClose in [false, true] {
          let header = FrameHeader(
            kind: kind, durability: durability, isCleanClose: isCleanClose, bodyBytes: 64, recordCount: 3,
            firstRevision: Revision(10), lastRevision: Revision(12), epoch: 4, time: -5,
            durableThrough: Revision(9), durableOffset: 4096)
          #expect(try decode(Sample.frame(header, [])) == header)
        }
      }
    }
  }

  @Test("A header that ends too early is truncated, at every length")
  func truncated() {
    for length in 0..<Field.size {
      #expect(throws: FormatError.truncated) { try decode(Array(frame[..<length])) }
    }
  }

  @Test("Another magic number is refused, and so are zeros")
  func magic() {
    #expect(throws: FormatError.badMagic) { try decode(changed(UInt32(1), at: Field.magicOffset)) }
    #expect(throws: FormatError.badMagic) { try decode([UInt8](repeating: 0, count: Field.size)) }
  }

  @Test("A frame is valid only at its place, in its segment, in its store")
  func misplaced() {
    for offset in [0, 4096, Sample.frameOffset - 8, Sample.frameOffset + 8, Sample.frameOffset + 4096] {
      #expect(throws: FormatError.badChecksum) { try decode(frame, at: offset) }
    }
    for seed in [
      FrameSeed(store: Sample.store, segment: SegmentNumber(2), generation: 0),
      FrameSeed(store: Sample.store, segment: SegmentNumber(1), generation: 1),
      FrameSeed(store: Sample.lineage, segment: SegmentNumber(1), generation: 0),
    ] {
      #expect(throws: FormatError.badChecksum) {
        try FrameHeader.decode(frame.span.bytes, seed: seed, offset: Sample.frameOffset)
      }
    }
  }

  @Test("Impossible values are refused by name")
  func fields() {
    for kind: UInt8 in [0, 4, 255] {
      #expect(throws: FormatError.unknownKind(kind)) { try decode(changed(kind, at: Field.kind)) }
    }
    for flags: UInt8 in [0b110, 0b111, 0b1000, 0xFF] {
      #expect(throws: FormatError.badField("flags")) { try decode(changed(flags, at: Field.flags)) }
    }
    #expect(throws: FormatError.badField("flags")) { try decode(changed(UInt16(1), at: Field.reserved)) }
    for length: UInt32 in [1, 7, .max] {
      #expect(throws: FormatError.badLength) { try decode(changed(length, at: Field.bodyBytes)) }
    }
    for revision: UInt64 in [0, 1 << 63, .max] {
      #expect(throws: FormatError.badField("first_revision")) {
        try decode(changed(revision, at: Field.firstRevision))
      }
    }
    for counter: UInt64 in [1 << 63, .max] {
      #expect(throws: FormatError.badField("last_revision")) { try decode(changed(counter, at: Field.lastRevision)) }
      #expect(throws: FormatError.badField("epoch")) { try decode(changed(counter, at: Field.epoch)) }
      #expect(throws: FormatError.badField("durable_through")) {
        try decode(changed(counter, at: Field.durableThrough))
      }
    }
  }

  @Test("A frame may end one revision before its first one, when it has none, and not earlier")
  func lastBeforeFirst() throws {
    var header = Sample.header(body: 0)
    header.firstRevision = Revision(9)
    header.lastRevision = Revision(8)
    #expect(try decode(Sample.frame(header, [])) == header)
    header.lastRevision = Revision(7)
    #expect(throws: FormatError.badField("last_revision")) { try decode(Sample.frame(header, [])) }
  }

  @Test("Every single inverted bit of the header is noticed: 576 of them")
  func bits() {
    var noticed = 0
    for bit in 0..<(Field.size * 8) {
      do { _ = try decode(frame.flipping(bit: bit)) } catch { noticed += 1 }
    }
    #expect(noticed == 576)
  }
}
