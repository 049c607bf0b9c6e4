/// Every way in which a manifest can be wrong.
import Bytes
import LogStore
import Testing

@Suite("A manifest")
struct ManifestTests {
  private typealias Field = Layout.Manifest
  private let bytes = Sample.manifestBytes

  private func decode(_ bytes: [UInt8]) throws(FormatError) -> Manifest { try Manifest.decode(bytes.span.bytes) }

  private func changed<Value: FixedWidthInteger>(_ value: Value, at offset: Int) -> [UInt8] {
    bytes.with(value, at: offset, sealing: 8..<bytes.count)
  }

  private func entry(_ index: Int, _ field: Int) -> Int { Field.size + index * Field.entryBytes + field }

  @Test("What is encoded is decoded again, with any number of segments")
  func roundTrip() throws {
    #expect(try decode(bytes) == Sample.manifest)
    var many = Sample.manifest
    for count: UInt32 in [0, 1, 1000] {
      many.segments = (0..<count).map { .init(number: SegmentNumber($0 + 5), generation: $0, capacity: 1 << 20) }
      #expect(try decode(many.encode().bytes.array()) == many)
    }
  }

  @Test("A file of another length than it says is refused, at every length")
  func truncated() {
    for length in 0..<bytes.count {
      #expect(throws: length < Field.size ? FormatError.truncated : .badLength) {
        try decode(Array(bytes[..<length]))
      }
    }
    #expect(throws: FormatError.badLength) { try decode(bytes + [0]) }
    for count: UInt32 in [0, 2, 4, .max] {
      #expect(throws: FormatError.badLength) { try decode(changed(count, at: Field.segmentCount)) }
    }
  }

  @Test("Magic number, checksum, version and features are each refused by name")
  func refused() throws {
    #expect(throws: FormatError.badMagic) { try decode(changed(UInt64(1), at: Field.magicOffset)) }
    var wrong = bytes
    wrong[Field.sequence] ^= 1
    #expect(throws: FormatError.badChecksum) { try decode(wrong) }
    #expect(throws: FormatError.unknownVersion(9)) { try decode(changed(UInt16(9), at: Field.version)) }
    #expect(throws: FormatError.unknownFeatures(2)) { try decode(changed(UInt32(2), at: Field.readOnlyFlags)) }
    #expect(throws: FormatError.unknownFeatures(8)) { try decode(changed(UInt32(8), at: Field.incompatibleFlags)) }
    #expect(try decode(changed(~Field.listsAllFlag, at: Field.compatibleFlags)) == Sample.manifest)
    #expect(try decode(changed(Field.listsAllFlag, at: Field.compatibleFlags)).listsAll)
  }

  @Test("Segments out of order, with a hole, twice or of an impossible size are refused")
  func segments() {
    for wrong: UInt64 in [0, 1, 3, 1 << 32, UInt64(UInt32.max), .max] {
      #expect(throws: FormatError.badField("segment number")) {
        try decode(changed(wrong, at: entry(1, Field.entryNumber)))
      }
    }
    for wrong: UInt64 in [0, 4095, 1 << 32] {
      #expect(throws: FormatError.badField("capacity")) {
        try decode(changed(wrong, at: entry(2, Field.entryCapacity)))
      }
    }
  }

  @Test("Counts and claims that could not be counted on from are refused by name")
  func counters() {
    for wrong in [1 << 63, UInt64.max] {
      for (offset, name) in [
        (Field.sequence, "sequence"), (Field.epoch, "epoch"), (Field.durableThrough, "durable_through"),
        (Field.parentRevision, "parent_revision"), (Field.floor, "floor"),
      ] {
        #expect(throws: FormatError.badField(name)) { try decode(changed(wrong, at: offset)) }
      }
    }
  }

  @Test("Every single inverted bit is noticed: 1,664 of them")
  func bits() {
    var noticed = 0
    for bit in 0..<(bytes.count * 8) {
      do { _ = try decode(bytes.flipping(bit: bit)) } catch { noticed += 1 }
    }
    #expect(noticed == 1_664)
  }
}
