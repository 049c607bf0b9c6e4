/// The head of a block of a packed segment, and the checksum over all of the block. See FORMAT.md, "Packed segment".
package import Bytes

package enum PackedBlockKind: UInt8, Sendable, BitwiseCopyable {
  /// What the texts of the segment's other blocks are compressed with.
  case dictionary = 1
  /// Frames and records.
  case frames = 2
  /// Where each block of frames lies.
  case directory = 3
}

package struct PackedBlock: Equatable, Sendable, BitwiseCopyable {
  package var kind: PackedBlockKind
  /// The text is compressed with the segment's dictionary.
  package var usesDictionary = false
  /// Length of the block with its padding, a multiple of 8.
  package var blockBytes: UInt32 = 0
  /// The byte of the plain segment at which what the block stands for begins, and how many bytes it stands for.
  package var plainOffset: UInt32 = 0
  package var plainBytes: UInt32 = 0
  /// Length of the columns, which are stored as they are.
  package var columnBytes: UInt32 = 0
  /// Length of the text, and of the zstd frame that holds it.
  package var textBytes: UInt32 = 0
  package var storedBytes: UInt32 = 0

  package init(_ kind: PackedBlockKind) { self.kind = kind }

  package var columnRange: Range<Int> { Layout.PackedBlock.size..<(Layout.PackedBlock.size + Int(columnBytes)) }
  package var storedRange: Range<Int> { columnRange.upperBound..<(columnRange.upperBound + Int(storedBytes)) }
  package var plainRange: Range<Int> { Int(plainOffset)..<(Int(plainOffset) + Int(plainBytes)) }

  /// Appends a whole block, which will begin at byte `offset` of the file. Sizes are filled in.
  package static func append(
    _ head: PackedBlock, columns: RawSpan, text: RawSpan, _ compressor: ZstdCompressor, seed: FrameSeed, offset: Int,
    to buffer: inout ByteBuffer
  ) {
    typealias Field = Layout.PackedBlock
    let start = buffer.count
    buffer.append(zeros: Field.size)
    buffer.append(columns)
    let stored = buffer.count
    if text.byteCount > 0 { compressor.append(text, to: &buffer) }
    buffer.store(littleEndian: UInt32(buffer.count - stored), at: start + Field.storedBytes)
    buffer.append(zeros: Layout.aligned(buffer.count - start) - (buffer.count - start))
    buffer.store(littleEndian: Field.magic, at: start + Field.magicOffset)
    buffer.store(littleEndian: head.kind.rawValue, at: start + Field.kind)
    buffer.store(littleEndian: UInt8(head.usesDictionary ? 1 : 0), at: start + Field.flags)
    buffer.store(littleEndian: UInt32(buffer.count - start), at: start + Field.blockBytes)
    buffer.store(littleEndian: head.plainOffset, at: start + Field.plainOffset)
    buffer.store(littleEndian: head.plainBytes, at: start + Field.plainBytes)
    buffer.store(littleEndian: UInt32(columns.byteCount), at: start + Field.columnBytes)
    buffer.store(littleEndian: UInt32(text.byteCount), at: start + Field.textBytes)
    let checksum = Checksum.xxh3(buffer.bytes.extracting((start + 8)..<buffer.count), seed: seed.at(offset))
    buffer.store(littleEndian: checksum, at: start)
  }

  /// The length that the block at the start of `bytes` says it has; nil when none can begin there. Not checked further.
  package static func length(_ bytes: RawSpan) -> Int? {
    typealias Field = Layout.PackedBlock
    guard bytes.byteCount >= Field.size, bytes.u32(Field.magicOffset) == Field.magic else { return nil }
    let length = Int(bytes.u32(Field.blockBytes))
    return length >= Field.size && length % Layout.alignment == 0 ? length : nil
  }

  /// Decodes and checks the block that `bytes` is, read from byte `offset` of the file, but not what is packed in it.
  package static func decode(_ bytes: RawSpan, seed: FrameSeed, offset: Int) throws(FormatError) -> PackedBlock {
    typealias Field = Layout.PackedBlock
    guard bytes.byteCount >= Field.size else { throw .truncated }
    guard bytes.u32(Field.magicOffset) == Field.magic else { throw .badMagic }
    guard Int(bytes.u32(Field.blockBytes)) == bytes.byteCount else { throw .badLength }
    let checksum = Checksum.xxh3(bytes.extracting(8..<bytes.byteCount), seed: seed.at(offset))
    guard checksum == bytes.u64(Field.checksum) else { throw .badChecksum }
    guard let kind = PackedBlockKind(rawValue: bytes.u8(Field.kind)) else { throw .unknownKind(bytes.u8(Field.kind)) }
    guard bytes.u8(Field.flags) & ~1 == 0, bytes.u16(Field.reserved) == 0 else { throw .badField("flags") }
    var block = PackedBlock(kind)
    block.usesDictionary = bytes.u8(Field.flags) == 1
    block.blockBytes = bytes.u32(Field.blockBytes)
    block.plainOffset = bytes.u32(Field.plainOffset)
    block.plainBytes = bytes.u32(Field.plainBytes)
    block.columnBytes = bytes.u32(Field.columnBytes)
    block.textBytes = bytes.u32(Field.textBytes)
    block.storedBytes = bytes.u32(Field.storedBytes)
    guard block.textBytes <= UInt32(Field.textBytesMax), (block.textBytes == 0) == (block.storedBytes == 0) else {
      throw .badField("text_bytes")
    }
    guard Layout.aligned(block.storedRange.upperBound) == bytes.byteCount else { throw .badLength }
    guard bytes.extracting(block.storedRange.upperBound..<bytes.byteCount).isZero else { throw .nonZeroPadding }
    return block
  }
}

/// The last bytes of a packed segment: where its directory begins.
package enum PackedTail {
  package static func append(directoryOffset: Int, seed: FrameSeed, offset: Int, to buffer: inout ByteBuffer) {
    let start = buffer.count
    buffer.append(littleEndian: UInt64(0))
    buffer.append(littleEndian: Layout.PackedTail.magic)
    buffer.append(littleEndian: UInt64(directoryOffset))
    let checksum = Checksum.xxh3(buffer.bytes.extracting((start + 8)..<buffer.count), seed: seed.at(offset))
    buffer.store(littleEndian: checksum, at: start)
  }

  /// The byte at which the directory begins; `bytes` were read from byte `offset` of the file.
  package static func decode(_ bytes: RawSpan, seed: FrameSeed, offset: Int) throws(FormatError) -> Int {
    typealias Field = Layout.PackedTail
    guard bytes.byteCount >= Field.size else { throw .truncated }
    guard bytes.u64(Field.magicOffset) == Field.magic else { throw .badMagic }
    let checksum = Checksum.xxh3(bytes.extracting(8..<Field.size), seed: seed.at(offset))
    guard checksum == bytes.u64(Field.checksum) else { throw .badChecksum }
    guard bytes.u64(Field.directoryOffset) <= UInt64(offset) else { throw .badField("directory_offset") }
    return Int(bytes.u64(Field.directoryOffset))
  }
}
