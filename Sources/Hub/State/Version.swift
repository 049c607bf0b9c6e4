/// One version of a key: what its newest record says, and where that record lies.
package import KeyIndex
package import LogStore

/// What the index keeps of a live key, in 16 bytes.
///
/// `low`: revision (56 bits), "may expire" (1), item kind (7). `high`: segment (24), offset in units of 8 bytes (24),
/// length in units of 32 bytes, rounded up (16). So a segment has at most 128 MiB and a record at most 2 MiB.
package struct VersionEntry: Equatable, Sendable {
  package var revision: Revision
  package var itemKind: UInt8
  package var mayExpire: Bool
  /// The length is rounded up: reading it may take in a little of what follows.
  package var position: RecordPosition

  package static let segmentBytesMax = 1 << 27
  package static let recordBytesMax = 65_535 * 32

  /// Whether an entry can say where this record lies and what it holds: a later version may write others.
  package static func canHold(_ header: RecordHeader, at position: RecordPosition) -> Bool {
    header.fields.itemKind < HubState.kindsMax && header.recordBytes <= recordBytesMax
      && header.fields.revision.value < 1 << 56
      && position.segment.value < 1 << 24 && position.offset < segmentBytesMax
  }

  package init(revision: Revision, itemKind: UInt8, mayExpire: Bool, position: RecordPosition) {
    self.revision = revision
    self.itemKind = itemKind
    self.mayExpire = mayExpire
    self.position = position
  }

  package init(_ value: IndexValue) {
    revision = Revision(value.low >> 8)
    mayExpire = value.low & 0x80 != 0
    itemKind = UInt8(value.low & 0x7F)
    position = RecordPosition(
      segment: SegmentNumber(UInt32(value.high >> 40)), offset: UInt32(value.high >> 16 & 0xFF_FFFF) << 3,
      length: UInt32(value.high & 0xFFFF) << 5)
  }

  package var indexValue: IndexValue {
    precondition(position.segment.value < 1 << 24 && position.length <= VersionEntry.recordBytesMax)
    let low = revision.value << 8 | (mayExpire ? 0x80 : 0) | UInt64(itemKind)
    let high =
      UInt64(position.segment.value) << 40 | UInt64(position.offset >> 3) << 16 | UInt64((position.length + 31) >> 5)
    return IndexValue(low: low, high: high)
  }
}

/// What a write has to know of the version that it replaces.
package struct Version: Sendable {
  package var entry: VersionEntry
  /// Microseconds since 1970.
  package var creationTime: Int64
  /// 0 for never.
  package var expiry: Int64
  package var stateHash: UInt128

  package init(entry: VersionEntry, creationTime: Int64, expiry: Int64, stateHash: UInt128) {
    self.entry = entry
    self.creationTime = creationTime
    self.expiry = expiry
    self.stateHash = stateHash
  }

  package init(_ header: RecordHeader, at position: RecordPosition) {
    let fields = header.fields
    self.init(
      entry: VersionEntry(
        revision: fields.revision, itemKind: fields.itemKind, mayExpire: fields.expiry != 0, position: position),
      creationTime: fields.creationTime, expiry: fields.expiry, stateHash: fields.stateHash)
  }

  /// From its expiry on a key counts as absent, swept or not.
  package func isDue(at now: Int64) -> Bool { expiry != 0 && expiry <= now }
}
