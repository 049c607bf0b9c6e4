/// What the hub writes into the blocks of a snapshot. See FORMAT.md, "Snapshot".
internal import Bytes
internal import KeyIndex
internal import LogStore

/// The kinds of blocks, in the order in which they stand in a snapshot.
enum SnapshotSection: UInt32 {
  /// Live keys in byte order, each with its version and, if it may expire, when.
  case live = 1
  /// Deleted keys that are remembered, with their newest event.
  case dead = 2
  /// Writes with a request id, in the order in which they were made.
  case requests = 3
  /// One block at the end: counts, checksum, segments.
  case summary = 4
}

/// Writes keys that come in byte order: each as how many bytes it shares with the one before it, and the rest.
struct KeyRunEncoder: ~Copyable {
  private var previous = ByteBuffer(capacity: 256)

  mutating func append(_ key: RawSpan, _ value: IndexValue, expiry: Int64?, to buffer: inout ByteBuffer) {
    let shared = KeyRunEncoder.shared(previous, key)
    buffer.append(littleEndian: UInt16(shared))
    buffer.append(littleEndian: UInt16(key.byteCount - shared))
    buffer.append(key.extracting(shared..<key.byteCount))
    buffer.append(littleEndian: value.low)
    buffer.append(littleEndian: value.high)
    if let expiry { buffer.append(littleEndian: expiry) }
    previous.truncate(to: shared)
    previous.append(key.extracting(shared..<key.byteCount))
  }

  private static func shared(_ previous: borrowing ByteBuffer, _ key: RawSpan) -> Int {
    previous.bytes.sharedPrefix(with: key)
  }
}

/// Reads what `KeyRunEncoder` wrote into one block.
struct KeyRunDecoder: ~Copyable {
  private var key = ByteBuffer(capacity: 1_100)
  private var position = 0

  /// Gives each of `count` keys to `visit`.
  ///
  /// - Parameter hasExpiry: whether an expiry follows a value.
  mutating func forEach(
    in payload: RawSpan, count: Int, hasExpiry: (IndexValue) -> Bool,
    _ visit: (RawSpan, IndexValue, Int64?) throws(FormatError) -> Void
  ) throws(FormatError) {
    position = 0
    key.removeAll()
    for _ in 0..<count {
      let value = try next(payload)
      var expiry: Int64?
      if hasExpiry(value) {
        guard position + 8 <= payload.byteCount else { throw .badLength }
        expiry = payload.i64(position)
        position += 8
      }
      try KeyRunDecoder.give(key, value, expiry, visit)
    }
    guard position == payload.byteCount else { throw .badLength }
  }

  private static func give(
    _ key: borrowing ByteBuffer, _ value: IndexValue, _ expiry: Int64?,
    _ visit: (RawSpan, IndexValue, Int64?) throws(FormatError) -> Void
  ) throws(FormatError) {
    try visit(key.bytes, value, expiry)
  }

  private mutating func next(_ payload: RawSpan) throws(FormatError) -> IndexValue {
    guard position + 4 <= payload.byteCount else { throw .badLength }
    let shared = Int(payload.u16(position))
    let rest = Int(payload.u16(position + 2))
    position += 4
    guard shared <= key.count, position + rest + 16 <= payload.byteCount else { throw .badLength }
    key.truncate(to: shared)
    key.append(payload.extracting(position..<(position + rest)))
    position += rest
    defer { position += 16 }
    return IndexValue(low: payload.u64(position), high: payload.u64(position + 8))
  }
}

extension RawSpan {
  /// How many bytes both begin with.
  func sharedPrefix(with other: RawSpan) -> Int {
    let limit = min(byteCount, other.byteCount)
    var count = 0
    while count < limit, u8(count) == other.u8(count) { count += 1 }
    return count
  }
}
