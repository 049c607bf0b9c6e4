/// The head of a segment file: who it belongs to and where it stands. See FORMAT.md, "Segment header".
package import Bytes

package struct SegmentHeader: Equatable, Sendable {
  /// The version of the format in which the segment was made. No records of a later one are added to it.
  package internal(set) var version = Layout.formatVersion
  package var store: StoreIdentity
  package var lineage: StoreIdentity
  package var number: SegmentNumber
  package var generation: UInt32
  /// The plain generation whose places this one keeps, as all between them do; nil when it is not packed.
  package var packedFrom: UInt32?
  /// Size of the file in bytes; of a packed one, the size that it had.
  package var capacity: UInt64
  /// How many bytes of the previous segment count. 0: all up to its seal. A recovery that cuts a torn tail moves
  /// on to a new segment and says here where the old one ends, so that no byte is overwritten.
  package var predecessorEnd: UInt64
  /// The first revision that this segment may hold; 0 when it was made ready before that was known.
  package var baseRevision: Revision
  package var epoch: UInt64
  /// Microseconds since 1970.
  package var createdAt: Int64

  /// Whether places in another file of this segment, of that generation, are places in this one too.
  package func keepsPlaces(of other: UInt32) -> Bool { ((packedFrom ?? generation)...generation).contains(other) }

  package var seed: FrameSeed { FrameSeed(store: store, segment: number, generation: generation) }

  package init(
    store: StoreIdentity, lineage: StoreIdentity, number: SegmentNumber, generation: UInt32 = 0, capacity: UInt64,
    predecessorEnd: UInt64 = 0, baseRevision: Revision = .none, epoch: UInt64, createdAt: Int64
  ) {
    self.store = store
    self.lineage = lineage
    self.number = number
    self.generation = generation
    self.capacity = capacity
    self.predecessorEnd = predecessorEnd
    self.baseRevision = baseRevision
    self.epoch = epoch
    self.createdAt = createdAt
  }

  /// Appends the whole first block of the file.
  package func encode(into buffer: inout ByteBuffer) {
    let start = buffer.count
    buffer.append(littleEndian: UInt64(0))
    buffer.append(littleEndian: Layout.SegmentHeader.magic)
    buffer.append(littleEndian: version)
    buffer.append(littleEndian: UInt16(Layout.SegmentHeader.size))
    buffer.append(littleEndian: generation)
    buffer.append(zeros: 8)  // features that may be ignored, or that forbid writing: none so far
    buffer.append(littleEndian: packedFrom == nil ? 0 : Layout.SegmentHeader.packedFlag)
    buffer.append(littleEndian: packedFrom ?? 0)
    buffer.append(identity: store)
    buffer.append(identity: lineage)
    buffer.append(littleEndian: UInt64(number.value))
    buffer.append(littleEndian: capacity)
    buffer.append(littleEndian: predecessorEnd)
    buffer.append(littleEndian: baseRevision.value)
    buffer.append(littleEndian: epoch)
    buffer.append(littleEndian: createdAt)
    let body = (start + 8)..<(start + Layout.SegmentHeader.size)
    let checksum = Checksum.xxh3(buffer.bytes.extracting(body), seed: 0)
    buffer.store(littleEndian: checksum, at: start)
    buffer.append(zeros: Layout.SegmentHeader.blockBytes - Layout.SegmentHeader.size)
  }

  package static func decode(_ block: RawSpan) throws(FormatError) -> SegmentHeader {
    typealias Field = Layout.SegmentHeader
    guard block.byteCount >= Field.blockBytes else { throw .truncated }
    guard block.u64(Field.magicOffset) == Field.magic else { throw .badMagic }
    let checksum = Checksum.xxh3(block.extracting(8..<Field.size), seed: 0)
    guard checksum == block.u64(Field.checksum) else { throw .badChecksum }
    let version = block.u16(Field.version)
    guard Layout.formatVersions.contains(version) else { throw .unknownVersion(version) }
    let refused = block.u32(Field.readOnlyFlags) | (block.u32(Field.incompatibleFlags) & ~Field.packedFlag)
    guard refused == 0 else { throw .unknownFeatures(refused) }
    guard block.u16(Field.headerBytes) == UInt16(Field.size) else { throw .badField("header_bytes") }
    guard block.extracting(Field.size..<Field.blockBytes).isZero else { throw .nonZeroPadding }
    guard let number = SegmentNumber(stored: block.u64(Field.number)) else { throw .badField("number") }
    guard Layout.capacities.contains(block.u64(Field.capacity)) else { throw .badField("capacity") }
    guard block.u64(Field.baseRevision) < Layout.revisions.upperBound else { throw .badField("base_revision") }
    // Only a recovery cuts a predecessor, and it knows with which revision the log goes on.
    let predecessorEnd = block.u64(Field.predecessorEnd)
    guard predecessorEnd == 0 || predecessorEnd <= Layout.capacities.upperBound && block.u64(Field.baseRevision) > 0
    else { throw .badField("predecessor_end") }
    guard Layout.counters.contains(block.u64(Field.epoch)) else { throw .badField("epoch") }
    var header = SegmentHeader(
      store: block.identity(Field.store), lineage: block.identity(Field.lineage), number: number,
      generation: block.u32(Field.generation), capacity: block.u64(Field.capacity),
      predecessorEnd: predecessorEnd, baseRevision: Revision(block.u64(Field.baseRevision)),
      epoch: block.u64(Field.epoch), createdAt: block.i64(Field.createdAt))
    header.version = version
    if block.u32(Field.incompatibleFlags) & Field.packedFlag != 0 {
      let source = block.u32(Field.packedFrom)
      guard source < header.generation else { throw .badField("packed_from") }
      header.packedFrom = source
    }
    return header
  }
}

extension ByteBuffer {
  package mutating func append(identity: StoreIdentity) {
    append(littleEndian: identity.high)
    append(littleEndian: identity.low)
  }
}

extension RawSpan {
  package func identity(_ offset: Int) -> StoreIdentity { StoreIdentity(high: u64(offset), low: u64(offset + 8)) }
}
