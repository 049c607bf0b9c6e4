/// The head of a frame: what lies behind the segment header is a row of frames. See FORMAT.md, "Frame".
package import Bytes

package enum FrameKind: UInt8, Sendable, BitwiseCopyable {
  /// Records, all of them or none.
  case commit = 1
  /// No records: says how far the log was durable when it was written.
  case stamp = 2
  /// The last frame of a full segment, with its tables.
  case seal = 3
}

package struct FrameHeader: Equatable, Sendable, BitwiseCopyable {
  package var kind: FrameKind
  /// What an acknowledgement of this frame's records meant when they were written.
  package var durability: Durability
  /// The store was closed in good order: nothing follows.
  package var isCleanClose: Bool
  package var bodyBytes: UInt32
  package var recordCount: UInt32
  /// The first revision in the frame; without any, the next one to be given.
  package var firstRevision: Revision
  /// The last revision of the log, this frame included.
  package var lastRevision: Revision
  package var epoch: UInt64
  /// Microseconds since 1970, never less than in the frame before.
  package var time: Int64
  /// The last revision that was known to be durable when this frame was written.
  package var durableThrough: Revision
  /// The byte of this segment before which all was known to be durable when this frame was written.
  package var durableOffset: UInt64

  package init(
    kind: FrameKind, durability: Durability, isCleanClose: Bool = false, bodyBytes: UInt32 = 0,
    recordCount: UInt32 = 0, firstRevision: Revision, lastRevision: Revision, epoch: UInt64, time: Int64,
    durableThrough: Revision = .none, durableOffset: UInt64 = 0
  ) {
    self.kind = kind
    self.durability = durability
    self.isCleanClose = isCleanClose
    self.bodyBytes = bodyBytes
    self.recordCount = recordCount
    self.firstRevision = firstRevision
    self.lastRevision = lastRevision
    self.epoch = epoch
    self.time = time
    self.durableThrough = durableThrough
    self.durableOffset = durableOffset
  }

  /// Header and body together, in bytes.
  package var frameBytes: Int { Layout.FrameHeader.size + Int(bodyBytes) }

  var flagByte: UInt8 { durability.rawValue << 1 | (isCleanClose ? 1 : 0) }

  /// Writes the header over the first `Layout.FrameHeader.size` bytes of `buffer`, which begins at byte `offset`
  /// of the segment.
  package func encode(over buffer: inout ByteBuffer, seed: FrameSeed, offset: Int) {
    typealias Field = Layout.FrameHeader
    buffer.store(littleEndian: Field.magic, at: Field.magicOffset)
    buffer.store(littleEndian: kind.rawValue, at: Field.kind)
    buffer.store(littleEndian: flagByte, at: Field.flags)
    buffer.store(littleEndian: UInt16(0), at: Field.reserved)
    buffer.store(littleEndian: bodyBytes, at: Field.bodyBytes)
    buffer.store(littleEndian: recordCount, at: Field.recordCount)
    buffer.store(littleEndian: firstRevision.value, at: Field.firstRevision)
    buffer.store(littleEndian: lastRevision.value, at: Field.lastRevision)
    buffer.store(littleEndian: epoch, at: Field.epoch)
    buffer.store(littleEndian: time, at: Field.time)
    buffer.store(littleEndian: durableThrough.value, at: Field.durableThrough)
    buffer.store(littleEndian: durableOffset, at: Field.durableOffset)
    let checksum = Checksum.xxh3(buffer.bytes.extracting(8..<Field.size), seed: seed.at(offset))
    buffer.store(littleEndian: checksum, at: Field.checksum)
  }

  /// Decodes the header at the start of `bytes`, which were read from byte `offset` of the segment.
  package static func decode(_ bytes: RawSpan, seed: FrameSeed, offset: Int) throws(FormatError) -> FrameHeader {
    typealias Field = Layout.FrameHeader
    guard bytes.byteCount >= Field.size else { throw .truncated }
    guard bytes.u32(Field.magicOffset) == Field.magic else { throw .badMagic }
    let checksum = Checksum.xxh3(bytes.extracting(8..<Field.size), seed: seed.at(offset))
    guard checksum == bytes.u64(Field.checksum) else { throw .badChecksum }
    guard let kind = FrameKind(rawValue: bytes.u8(Field.kind)) else { throw .unknownKind(bytes.u8(Field.kind)) }
    let flags = bytes.u8(Field.flags)
    guard flags >> 3 == 0, let durability = Durability(rawValue: flags >> 1), bytes.u16(Field.reserved) == 0
    else { throw .badField("flags") }
    guard Int(bytes.u32(Field.bodyBytes)) % Layout.alignment == 0 else { throw .badLength }
    guard Layout.revisions.contains(bytes.u64(Field.firstRevision)) else { throw .badField("first_revision") }
    // One less than the first one: a frame without revisions.
    guard Layout.counters.contains(bytes.u64(Field.lastRevision)),
      bytes.u64(Field.lastRevision) + 1 >= bytes.u64(Field.firstRevision)
    else { throw .badField("last_revision") }
    guard Layout.counters.contains(bytes.u64(Field.epoch)) else { throw .badField("epoch") }
    guard Layout.counters.contains(bytes.u64(Field.durableThrough)) else { throw .badField("durable_through") }
    return FrameHeader(
      kind: kind, durability: durability, isCleanClose: flags & 1 == 1, bodyBytes: bytes.u32(Field.bodyBytes),
      recordCount: bytes.u32(Field.recordCount), firstRevision: Revision(bytes.u64(Field.firstRevision)),
      lastRevision: Revision(bytes.u64(Field.lastRevision)), epoch: bytes.u64(Field.epoch),
      time: bytes.i64(Field.time), durableThrough: Revision(bytes.u64(Field.durableThrough)),
      durableOffset: bytes.u64(Field.durableOffset))
  }
}
