/// One block of a snapshot on its way to the disk: a stretch of entries of one kind. See FORMAT.md, "Snapshot".
package import Bytes

package final class SnapshotBlock: @unchecked Sendable {
  /// What the payload holds; the log does not know more of it than this number.
  package let kind: UInt32
  /// Entries in the payload.
  package var count: UInt32 = 0
  package var payload: ByteBuffer

  package init(kind: UInt32, capacity: Int = 64 << 10) {
    self.kind = kind
    payload = ByteBuffer(capacity: capacity)
  }

  /// Appends header, payload and padding. It will begin at byte `offset` of the file.
  func encode(into buffer: inout ByteBuffer, _ seed: SnapshotSeed, offset: Int, ordinal: UInt32) {
    precondition(payload.count <= Layout.SnapshotBlock.payloadBytesMax, "a block's payload is limited")
    SnapshotBlock.encode(self, payload, into: &buffer, seed, offset, ordinal)
  }

  private static func encode(
    _ block: SnapshotBlock, _ payload: borrowing ByteBuffer, into buffer: inout ByteBuffer, _ seed: SnapshotSeed,
    _ offset: Int, _ ordinal: UInt32
  ) {
    let start = buffer.count
    let payloadSeed = seed.at(offset + Layout.SnapshotBlock.size)
    buffer.append(littleEndian: UInt64(0))
    buffer.append(littleEndian: Checksum.xxh3(payload.bytes, seed: payloadSeed))
    buffer.append(littleEndian: block.kind)
    buffer.append(littleEndian: block.count)
    buffer.append(littleEndian: UInt32(payload.count))
    buffer.append(littleEndian: ordinal)
    let header = (start + 8)..<(start + Layout.SnapshotBlock.size)
    let checksum = Checksum.xxh3(buffer.bytes.extracting(header), seed: seed.at(offset))
    buffer.store(littleEndian: checksum, at: start)
    buffer.append(payload.bytes)
    buffer.append(zeros: Layout.aligned(payload.count) - payload.count)
  }
}

/// A block's header after its checks.
struct SnapshotBlockHeader: Equatable, BitwiseCopyable {
  let kind: UInt32
  let count: UInt32
  let payloadBytes: Int
  let payloadChecksum: UInt64

  /// Bytes of the whole block.
  var blockBytes: Int { Layout.SnapshotBlock.size + Layout.aligned(payloadBytes) }

  static func decode(
    _ bytes: RawSpan, _ seed: SnapshotSeed, offset: Int, ordinal: UInt32
  ) throws(FormatError) -> SnapshotBlockHeader {
    typealias Field = Layout.SnapshotBlock
    guard bytes.byteCount >= Field.size else { throw .truncated }
    let checksum = Checksum.xxh3(bytes.extracting(8..<Field.size), seed: seed.at(offset))
    guard checksum == bytes.u64(Field.checksum) else { throw .badChecksum }
    guard bytes.u32(Field.ordinal) == ordinal else { throw .badField("ordinal") }
    let payloadBytes = Int(bytes.u32(Field.payloadBytes))
    guard payloadBytes <= Field.payloadBytesMax else { throw .badLength }
    return SnapshotBlockHeader(
      kind: bytes.u32(Field.kind), count: bytes.u32(Field.count), payloadBytes: payloadBytes,
      payloadChecksum: bytes.u64(Field.payloadChecksum))
  }

  /// Checks a block's payload and the padding behind it. `block` is the whole block.
  func check(_ block: RawSpan, _ seed: SnapshotSeed, offset: Int) throws(FormatError) {
    let start = Layout.SnapshotBlock.size
    let payload = block.extracting(start..<(start + payloadBytes))
    guard Checksum.xxh3(payload, seed: seed.at(offset + start)) == payloadChecksum else { throw .payloadChecksum }
    guard block.extracting((start + payloadBytes)..<blockBytes).isZero else { throw .nonZeroPadding }
  }
}
