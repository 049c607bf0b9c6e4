/// Every way in which a segment header can be wrong.
import Bytes
import LogStore
import Testing

@Suite("A segment header")
struct SegmentHeaderTests {
  private typealias Field = Layout.SegmentHeader
  private let block = Sample.segmentBlock

  private func decode(_ bytes: [UInt8]) throws(FormatError) -> SegmentHeader {
    try SegmentHeader.decode(bytes.span.bytes)
  }

  private func changed<Value: FixedWidthInteger>(_ value: Value, at offset: Int) -> [UInt8] {
    block.with(value, at: offset, sealing: 8..<Field.size)
  }

  @Test("What is encoded is decoded again, in one block of 4 KiB")
  func roundTrip() throws {
    #expect(block.count == 4096)
    #expect(try decode(block) == Sample.segmentHeader)
  }

  @Test("A block that ends too early is truncated, at every length")
  func truncated() {
    for length in [0, 1, 8, 119, 120, 4095] {
      #expect(throws: FormatError.truncated) { try decode(Array(block[..<length])) }
    }
  }

  @Test("Another magic number is refused before anything else, and so are zeros")
  func magic() {
    #expect(throws: FormatError.badMagic) { try decode(changed(UInt64(0x41), at: Field.magicOffset)) }
    #expect(throws: FormatError.badMagic) { try decode([UInt8](repeating: 0, count: 4096)) }
  }

  @Test("A wrong checksum is refused")
  func checksum() {
    var wrong = block
    wrong[Field.epoch] ^= 1
    #expect(throws: FormatError.badChecksum) { try decode(wrong) }
  }

  @Test("Another version is named")
  func version() throws {
    for earlier: UInt16 in [1, 2] { #expect(try decode(changed(earlier, at: Field.version)).version == earlier) }
    #expect(try decode(block).version == 3)
    #expect(throws: FormatError.unknownVersion(4)) { try decode(changed(UInt16(4), at: Field.version)) }
    #expect(throws: FormatError.unknownVersion(0)) { try decode(changed(UInt16(0), at: Field.version)) }
  }

  @Test("Unknown features are refused, except those that a reader may ignore")
  func features() throws {
    #expect(throws: FormatError.unknownFeatures(4)) { try decode(changed(UInt32(4), at: Field.readOnlyFlags)) }
    #expect(throws: FormatError.unknownFeatures(1 << 31)) {
      try decode(changed(UInt32(1) << 31, at: Field.incompatibleFlags))
    }
    #expect(try decode(changed(UInt32.max, at: Field.compatibleFlags)) == Sample.segmentHeader)
  }

  @Test("Impossible values are refused by the field's name")
  func fields() {
    let size = UInt16(Field.size)
    for wrong in [0, size - 1, size + 8] {
      #expect(throws: FormatError.badField("header_bytes")) { try decode(changed(wrong, at: Field.headerBytes)) }
    }
    for wrong in [0, UInt64(UInt32.max), 1 << 32, .max] {
      #expect(throws: FormatError.badField("number")) { try decode(changed(wrong, at: Field.number)) }
    }
    for wrong in [0, 4095, 1 << 32, UInt64.max] {
      #expect(throws: FormatError.badField("capacity")) { try decode(changed(wrong, at: Field.capacity)) }
    }
    for wrong in [1 << 63, UInt64.max] {
      #expect(throws: FormatError.badField("base_revision")) { try decode(changed(wrong, at: Field.baseRevision)) }
      #expect(throws: FormatError.badField("epoch")) { try decode(changed(wrong, at: Field.epoch)) }
    }
  }

  @Test("A segment that cuts its predecessor says where, within a segment, and with which revision the log goes on")
  func predecessor() throws {
    for wrong in [1 << 32, UInt64.max] {
      #expect(throws: FormatError.badField("predecessor_end")) { try decode(changed(wrong, at: Field.predecessorEnd)) }
    }
    #expect(throws: FormatError.badField("predecessor_end")) { try decode(changed(UInt64(0), at: Field.baseRevision)) }
    #expect(try decode(changed(UInt64(0), at: Field.predecessorEnd)).predecessorEnd == 0)
  }

  @Test("Anything behind the header in its block is refused")
  func padding() {
    for offset in [Field.size, 2000, 4095] {
      var wrong = block
      wrong[offset] = 1
      #expect(throws: FormatError.nonZeroPadding) { try decode(wrong) }
    }
  }

  @Test("Every single inverted bit of the block is noticed: 32,768 of them")
  func bits() {
    var noticed = 0
    for bit in 0..<(block.count * 8) {
      do { _ = try decode(block.flipping(bit: bit)) } catch { noticed += 1 }
    }
    #expect(noticed == 32_768)
  }
}
