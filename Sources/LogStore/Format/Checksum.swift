/// XXH3 over spans: 64 bits for frames, 128 bits for the state checksum. It finds accidents; it does not stop an
/// adversary. Source: https://github.com/Cyan4973/xxHash, specification in doc/xxhash_spec.md.
package import Bytes
internal import CXXHash

package enum Checksum {
  package static func xxh3(_ bytes: RawSpan, seed: UInt64) -> UInt64 {
    unsafe bytes.withUnsafeBytes { unsafe XXH3_64bits_withSeed($0.baseAddress, $0.count, seed) }
  }

  package static func xxh128(_ bytes: RawSpan) -> UInt128 {
    let hash = unsafe bytes.withUnsafeBytes { unsafe XXH3_128bits($0.baseAddress, $0.count) }
    return UInt128(hash.high64) << 64 | UInt128(hash.low64)
  }

  package static func xxh128(_ bytes: RawSpan, seed: UInt64) -> UInt128 {
    let hash = unsafe bytes.withUnsafeBytes { unsafe XXH3_128bits_withSeed($0.baseAddress, $0.count, seed) }
    return UInt128(hash.high64) << 64 | UInt128(hash.low64)
  }

  /// A live key's block of the state checksum: key length (u32), key, revision (u64), item length (u32), item as stored.
  /// `scratch` is overwritten.
  package static func stateBlock(
    key: RawSpan, revision: Revision, item: RawSpan, scratch: inout ByteBuffer
  ) -> UInt128 {
    scratch.removeAll()
    scratch.append(littleEndian: UInt32(key.byteCount))
    scratch.append(key)
    scratch.append(littleEndian: revision.value)
    scratch.append(littleEndian: UInt32(item.byteCount))
    scratch.append(item)
    return xxh128(scratch.bytes)
  }
}

/// The seed of one segment's checksums. It mixes in who wrote the bytes and where, so that a block which the disk
/// put in the wrong place, or which came from another store, fails its checksum although its bytes are intact.
package struct FrameSeed: Sendable, BitwiseCopyable {
  let segment: UInt64

  package init(store: StoreIdentity, segment number: SegmentNumber, generation: UInt32) {
    var bytes = ByteBuffer(capacity: 32)
    bytes.append(littleEndian: store.high)
    bytes.append(littleEndian: store.low)
    bytes.append(littleEndian: UInt64(number.value))
    bytes.append(littleEndian: UInt64(generation))
    segment = Checksum.xxh3(bytes.bytes, seed: 0)
  }

  /// The seed for what begins at `offset` of the segment. The multiplier is 2^64 divided by the golden ratio.
  package func at(_ offset: Int) -> UInt64 { FrameSeed.mix(segment, offset) }

  static func mix(_ seed: UInt64, _ offset: Int) -> UInt64 { seed &+ UInt64(offset) &* 0x9E37_79B9_7F4A_7C15 }
}
