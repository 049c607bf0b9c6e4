/// A growable run of bytes with exactly one owner: what requests, records and replies are built in.
///
/// `[UInt8]` would do the same with a uniqueness check and a bounds check on every append; this type has
/// neither, can hand out uninitialised room to a system call, and can not be copied by accident.
///
/// `@usableFromInline` on the type is what lets other modules inline its `@inlinable` members: without it the compiler
/// leaves their bodies out of the module file, and every appended byte is a call.
@usableFromInline package struct ByteBuffer: ~Copyable, @unchecked Sendable {
  @usableFromInline package private(set) var base: UnsafeMutableRawPointer
  /// Bytes in use.
  @usableFromInline package var count: Int
  @usableFromInline package private(set) var capacity: Int

  /// An empty buffer with room for `capacity` bytes before it grows.
  package init(capacity: Int = 256) {
    self.capacity = max(capacity, 16)
    base = .allocate(byteCount: self.capacity, alignment: 16)
    count = 0
  }

  deinit { base.deallocate() }

  /// All bytes in use.
  @inlinable package var bytes: RawSpan {
    @_lifetime(borrow self) borrowing get {
      let span = unsafe RawSpan(_unsafeStart: UnsafeRawPointer(base), byteCount: count)
      return unsafe _overrideLifetime(span, borrowing: self)
    }
  }

  /// Makes room for `extra` more bytes without changing the contents.
  @inlinable package mutating func reserve(_ extra: Int) {
    if count + extra > capacity { grow(extra) }
  }

  @inline(never) @usableFromInline mutating func grow(_ extra: Int) {
    let wanted = max(capacity * 2, count + extra)
    let moved = UnsafeMutableRawPointer.allocate(byteCount: wanted, alignment: 16)
    unsafe moved.copyMemory(from: base, byteCount: count)
    unsafe base.deallocate()
    base = moved
    capacity = wanted
  }

  /// Forgets the contents; the memory stays.
  @inlinable package mutating func removeAll() { count = 0 }

  /// Forgets the contents, and the memory too when it has grown beyond `limit` bytes: one huge reply must not
  /// be paid for ever after.
  package mutating func removeAll(shrinkingAbove limit: Int) {
    count = 0
    guard capacity > limit else { return }
    unsafe base.deallocate()
    capacity = max(limit, 16)
    base = .allocate(byteCount: capacity, alignment: 16)
  }

  /// Drops everything behind the first `newCount` bytes.
  @inlinable package mutating func truncate(to newCount: Int) {
    precondition(newCount >= 0 && newCount <= count, "truncate can not lengthen a buffer")
    count = newCount
  }

  // MARK: Appending

  @inlinable package mutating func append(_ byte: UInt8) {
    reserve(1)
    unsafe base.storeBytes(of: byte, toByteOffset: count, as: UInt8.self)
    count += 1
  }

  @inlinable package mutating func append(_ span: RawSpan) {
    let length = span.byteCount
    guard length > 0 else { return }
    reserve(length)
    unsafe span.withUnsafeBytes { source in
      unsafe (base + count).copyMemory(from: source.baseAddress!, byteCount: length)
    }
    count += length
  }

  /// Appends a literal: no `String` is made.
  @inlinable package mutating func append(_ literal: StaticString) {
    let length = literal.utf8CodeUnitCount
    reserve(length)
    unsafe (base + count).copyMemory(from: literal.utf8Start, byteCount: length)
    count += length
  }

  /// Appends a string's UTF-8. For messages and set-up, not for the hot path.
  package mutating func append(text: String) {
    var text = text
    text.withUTF8 { utf8 in
      guard let start = utf8.baseAddress else { return }
      reserve(utf8.count)
      unsafe (base + count).copyMemory(from: start, byteCount: utf8.count)
      count += utf8.count
    }
  }

  @inlinable package mutating func append<Value: FixedWidthInteger>(littleEndian value: Value) {
    let size = MemoryLayout<Value>.size
    reserve(size)
    unsafe base.storeBytes(of: value.littleEndian, toByteOffset: count, as: Value.self)
    count += size
  }

  @inlinable package mutating func append(zeros length: Int) {
    reserve(length)
    unsafe (base + count).initializeMemory(as: UInt8.self, repeating: 0, count: length)
    count += length
  }

  /// Appends `value` in decimal digits.
  @inlinable package mutating func append(decimal value: UInt64) {
    var rest = value
    var digits = 1
    var power: UInt64 = 10
    while digits < 20, rest >= power {
      digits += 1
      let (next, overflow) = power.multipliedReportingOverflow(by: 10)
      if overflow { break }
      power = next
    }
    reserve(digits)
    var position = count + digits
    count = position
    for _ in 0..<digits {
      position -= 1
      unsafe base.storeBytes(of: UInt8(48 + rest % 10), toByteOffset: position, as: UInt8.self)
      rest /= 10
    }
  }

  // MARK: In place

  /// Overwrites bytes that are already in use.
  @inlinable package mutating func store<Value: FixedWidthInteger>(littleEndian value: Value, at offset: Int) {
    precondition(offset >= 0 && offset + MemoryLayout<Value>.size <= count, "store outside the bytes in use")
    unsafe base.storeBytes(of: value.littleEndian, toByteOffset: offset, as: Value.self)
  }

  /// Gives `body` uninitialised room for `length` bytes behind the contents; what it returns is how many it filled.
  @inlinable package mutating func append<Failure: Error>(
    room length: Int, _ body: (UnsafeMutableRawBufferPointer) throws(Failure) -> Int
  ) throws(Failure) {
    reserve(length)
    let filled = try unsafe body(UnsafeMutableRawBufferPointer(start: base + count, count: length))
    precondition(filled >= 0 && filled <= length, "more bytes filled than there was room for")
    count += filled
  }
}
