/// Reading numbers and comparing runs of bytes. Every read is bounds-checked; nothing here assumes alignment.
extension RawSpan {
  @inlinable package func u8(_ offset: Int) -> UInt8 {
    precondition(offset >= 0 && offset < byteCount, "read outside the span")
    return unsafe unsafeLoad(fromUncheckedByteOffset: offset, as: UInt8.self)
  }

  @inlinable package func u16(_ offset: Int) -> UInt16 { littleEndian(offset) }
  @inlinable package func u32(_ offset: Int) -> UInt32 { littleEndian(offset) }
  @inlinable package func u64(_ offset: Int) -> UInt64 { littleEndian(offset) }
  @inlinable package func i64(_ offset: Int) -> Int64 { littleEndian(offset) }

  @inlinable func littleEndian<Value: FixedWidthInteger & BitwiseCopyable>(_ offset: Int) -> Value {
    precondition(offset >= 0 && offset + MemoryLayout<Value>.size <= byteCount, "read outside the span")
    return unsafe Value(littleEndian: unsafeLoadUnaligned(fromUncheckedByteOffset: offset, as: Value.self))
  }

  /// Whether both spans hold the same bytes.
  @inlinable package func equals(_ other: RawSpan) -> Bool {
    byteCount == other.byteCount && compare(other) == 0
  }

  @inlinable package func equals(_ literal: StaticString) -> Bool {
    guard byteCount == literal.utf8CodeUnitCount else { return false }
    return unsafe withUnsafeBytes { mine in
      unsafe memcmpBytes(mine.baseAddress, UnsafeRawPointer(literal.utf8Start), mine.count) == 0
    }
  }

  /// Byte order, as `memcmp`; a prefix comes before what it begins.
  @inlinable package func compare(_ other: RawSpan) -> Int {
    unsafe withUnsafeBytes { mine in
      unsafe other.withUnsafeBytes { theirs in
        let common = unsafe memcmpBytes(mine.baseAddress, theirs.baseAddress, min(mine.count, theirs.count))
        return common != 0 ? common : mine.count - theirs.count
      }
    }
  }

  @inlinable package func hasPrefix(_ prefix: RawSpan) -> Bool {
    guard byteCount >= prefix.byteCount else { return false }
    return extracting(0..<prefix.byteCount).equals(prefix)
  }

  /// Whether every byte is zero.
  @inlinable package var isZero: Bool {
    var offset = 0
    while offset + 8 <= byteCount {
      if u64(offset) != 0 { return false }
      offset += 8
    }
    while offset < byteCount {
      if u8(offset) != 0 { return false }
      offset += 1
    }
    return true
  }

  /// A copy as an array.
  package func array() -> [UInt8] { unsafe withUnsafeBytes { unsafe Array($0) } }

  /// The bytes as text for messages; what is not UTF-8 is replaced.
  package func text() -> String { unsafe withUnsafeBytes { unsafe String(decoding: $0, as: UTF8.self) } }
}
