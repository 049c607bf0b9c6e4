/// The head of a file of the stream of reads: who it belongs to, and where the file before it ends.
package import Bytes

/// The number of a file of the stream of reads, from 1.
package struct ReadFileNumber: Hashable, Comparable, Sendable, BitwiseCopyable, CustomStringConvertible {
  package let value: UInt32

  package init(_ value: UInt32) { self.value = value }

  package static func < (left: ReadFileNumber, right: ReadFileNumber) -> Bool { left.value < right.value }
  package var next: ReadFileNumber { ReadFileNumber(value + 1) }
  package var description: String { String(value) }

  /// The seed of the checksums in the file. No segment has this generation, so no record of one passes for the other.
  package func seed(of store: StoreIdentity) -> FrameSeed {
    FrameSeed(store: store, segment: SegmentNumber(value), generation: .max)
  }
}

package struct ReadFileHeader: Equatable, Sendable {
  package var store: StoreIdentity
  package var number: ReadFileNumber
  /// How many bytes of the file before count: what a crash left half written behind them does not. 0: not known.
  package var predecessorEnd: UInt64
  /// Microseconds since 1970.
  package var createdAt: Int64

  private typealias Field = Layout.ReadFile

  package init(store: StoreIdentity, number: ReadFileNumber, predecessorEnd: UInt64, createdAt: Int64) {
    self.store = store
    self.number = number
    self.predecessorEnd = predecessorEnd
    self.createdAt = createdAt
  }

  package func encode(into buffer: inout ByteBuffer) {
    let start = buffer.count
    buffer.append(littleEndian: UInt64(0))
    buffer.append(littleEndian: Field.magic)
    buffer.append(littleEndian: Field.formatVersion)
    buffer.append(littleEndian: UInt16(Field.size))
    buffer.append(littleEndian: UInt32(0))
    buffer.append(identity: store)
    buffer.append(littleEndian: UInt64(number.value))
    buffer.append(littleEndian: predecessorEnd)
    buffer.append(littleEndian: createdAt)
    let body = (start + Field.magicOffset)..<(start + Field.size)
    let checksum = Checksum.xxh3(buffer.bytes.extracting(body), seed: 0)
    buffer.store(littleEndian: checksum, at: start)
  }

  package static func decode(_ bytes: RawSpan) throws(FormatError) -> ReadFileHeader {
    guard bytes.byteCount >= Field.size else { throw .truncated }
    guard bytes.u64(Field.magicOffset) == Field.magic else { throw .badMagic }
    let checksum = Checksum.xxh3(bytes.extracting(Field.magicOffset..<Field.size), seed: 0)
    guard checksum == bytes.u64(Field.checksum) else { throw .badChecksum }
    guard bytes.u16(Field.version) == Field.formatVersion else { throw .unknownVersion(bytes.u16(Field.version)) }
    guard bytes.u32(Field.flags) == 0 else { throw .unknownFeatures(bytes.u32(Field.flags)) }
    guard bytes.u16(Field.headerBytes) == UInt16(Field.size) else { throw .badField("header_bytes") }
    guard let number = UInt32(exactly: bytes.u64(Field.number)), number > 0 else { throw .badField("number") }
    return ReadFileHeader(
      store: bytes.identity(Field.store), number: ReadFileNumber(number),
      predecessorEnd: bytes.u64(Field.predecessorEnd), createdAt: bytes.i64(Field.createdAt))
  }
}
