/// zstd in one shot: into a room of known size, from bytes whose size is known. Nothing that a frame says of itself is
/// trusted: it must say what the caller knows already. See FORMAT.md, "Packed segment".
package import Bytes
internal import CZstd

/// Compresses with one dictionary, at one level. One thread at a time.
package final class ZstdCompressor {
  private let context: OpaquePointer
  private let dictionary: OpaquePointer

  /// - Parameter dictionary: empty for none.
  package init(dictionary bytes: RawSpan, level: Int32) {
    guard let context = ZSTD_createCCtx(),
      let dictionary = unsafe bytes.withUnsafeBytes({ unsafe ZSTD_createCDict($0.baseAddress, $0.count, level) })
    else { preconditionFailure("no memory for compression") }
    self.context = context
    self.dictionary = dictionary
    // The block says which dictionary; a frame that says so too is refused.
    let failure = ZSTD_CCtx_setParameter(context, ZSTD_c_dictIDFlag, 0) | ZSTD_CCtx_refCDict(context, dictionary)
    precondition(ZSTD_isError(failure) == 0, "zstd refuses its own dictionary")
  }

  deinit {
    ZSTD_freeCCtx(context)
    ZSTD_freeCDict(dictionary)
  }

  package func append(_ text: RawSpan, to buffer: inout ByteBuffer) {
    buffer.append(room: ZSTD_compressBound(text.byteCount)) { room in
      let size = unsafe text.withUnsafeBytes {
        unsafe ZSTD_compress2(context, room.baseAddress, room.count, $0.baseAddress, $0.count)
      }
      precondition(ZSTD_isError(size) == 0, "zstd could not compress: \(String(cString: ZSTD_getErrorName(size)))")
      return size
    }
  }
}

/// Decompresses with one dictionary. One thread at a time.
///
/// Texts of usual size are made right behind the dictionary: then zstd takes both for one piece, and copies matches in
/// the dictionary as it does those in the text. Elsewhere it would call `memmove` for each, which made reads of packed
/// records a quarter slower.
package final class ZstdDecompressor {
  private let context: OpaquePointer
  private let dictionary: OpaquePointer
  /// The dictionary's bytes, and room behind them.
  private let place: UnsafeMutableRawBufferPointer
  private let room: UnsafeMutableRawBufferPointer

  private static let roomBytes = 64 << 10

  /// - Parameter dictionary: empty for none.
  package init(dictionary bytes: RawSpan) throws(FormatError) {
    guard let context = ZSTD_createDCtx() else { preconditionFailure("no memory for decompression") }
    let place = UnsafeMutableRawBufferPointer.allocate(
      byteCount: bytes.byteCount + ZstdDecompressor.roomBytes, alignment: 16)
    unsafe bytes.withUnsafeBytes { unsafe place.copyMemory(from: $0) }
    guard let dictionary = unsafe ZSTD_createDDict_byReference(place.baseAddress, bytes.byteCount) else {
      ZSTD_freeDCtx(context)
      unsafe place.deallocate()
      throw .badField("dictionary")
    }
    self.context = context
    self.dictionary = dictionary
    unsafe self.place = place
    unsafe room = UnsafeMutableRawBufferPointer(rebasing: place[bytes.byteCount...])
  }

  deinit {
    ZSTD_freeDCtx(context)
    ZSTD_freeDDict(dictionary)
    unsafe place.deallocate()
  }

  /// Appends the `count` bytes that `stored` must hold, which the caller has capped.
  package func append(_ stored: RawSpan, count: Int, to buffer: inout ByteBuffer) throws(FormatError) {
    try ZstdDecompressor.check(stored, count: count)
    if count <= ZstdDecompressor.roomBytes {
      try unsafe decompress(stored, count: count, into: room)
      unsafe buffer.append(UnsafeRawBufferPointer(rebasing: room[..<count]).bytes)
    } else {
      try buffer.append(room: count) { (target) throws(FormatError) in
        try unsafe decompress(stored, count: count, into: target)
        return count
      }
    }
  }

  private func decompress(
    _ stored: RawSpan, count: Int, into target: UnsafeMutableRawBufferPointer
  ) throws(FormatError) {
    let size = unsafe stored.withUnsafeBytes {
      unsafe ZSTD_decompress_usingDDict(context, target.baseAddress, count, $0.baseAddress, $0.count, dictionary)
    }
    guard ZSTD_isError(size) == 0, size == count else { throw .badField("zstd frame") }
  }

  /// One frame and nothing else, of the size that it should have, with no dictionary of its own choice.
  private static func check(_ stored: RawSpan, count: Int) throws(FormatError) {
    let sound = unsafe stored.withUnsafeBytes { bytes in
      // A frame that may be skipped has size 0, and a text is never empty.
      unsafe count > 0 && ZSTD_getFrameContentSize(bytes.baseAddress, bytes.count) == UInt64(count)
        && ZSTD_findFrameCompressedSize(bytes.baseAddress, bytes.count) == bytes.count
        && ZSTD_getDictID_fromFrame(bytes.baseAddress, bytes.count) == 0
    }
    guard sound else { throw .badField("zstd frame") }
  }
}

package enum ZstdDictionary {
  /// Appends a dictionary for texts like `samples`, whose lengths are `lengths`. Appends nothing when they are too few.
  ///
  /// Source: zstd's dictionary builder (zdict.h), fast cover.
  package static func train(
    _ samples: RawSpan, lengths: [Int], bytesMax: Int, into buffer: inout ByteBuffer
  ) {
    guard lengths.count >= 8, bytesMax >= 1_024 else { return }
    buffer.append(room: bytesMax) { room in
      let size = unsafe samples.withUnsafeBytes { bytes in
        unsafe ZDICT_trainFromBuffer(
          room.baseAddress, room.count, bytes.baseAddress, lengths, UInt32(lengths.count))
      }
      return ZDICT_isError(size) == 0 ? size : 0
    }
  }
}
