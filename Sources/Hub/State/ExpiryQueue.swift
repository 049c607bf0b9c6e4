/// The live keys that expire, by key and by time.
internal import Bytes
internal import KeyIndex

package final class ExpiryQueue {
  private let byKey = KeyTree()
  /// Keys are the expiry as eight big-endian bytes, then the key: byte order is order of time.
  private let byTime = KeyTree()
  // Unchecked exclusivity: one thread owns this object, and asking at every access costs a tenth of a write.
  @exclusivity(unchecked) private var scratch = ByteBuffer(capacity: 1_100)

  package init() {}

  package var count: Int { byKey.count }
  package var memoryBytes: Int { byKey.memoryBytes + byTime.memoryBytes }

  /// When the key expires; nil when it does not. Microseconds since 1970.
  package func expiry(of key: RawSpan) -> Int64? {
    byKey.get(key).map { Int64(bitPattern: $0.low) }
  }

  package func set(_ key: RawSpan, expiry: Int64) {
    remove(key)
    _ = byKey.insert(key, IndexValue(low: UInt64(bitPattern: expiry), high: 0))
    setTimeKey(expiry, key)
    insertByTime(scratch)
  }

  package func remove(_ key: RawSpan) {
    guard let old = byKey.remove(key) else { return }
    setTimeKey(Int64(bitPattern: old.low), key)
    removeByTime(scratch)
  }

  private func insertByTime(_ timeKey: borrowing ByteBuffer) {
    _ = byTime.insert(timeKey.bytes, IndexValue(low: 0, high: 0))
  }

  private func removeByTime(_ timeKey: borrowing ByteBuffer) {
    _ = byTime.remove(timeKey.bytes)
  }

  private func setTimeKey(_ expiry: Int64, _ key: RawSpan) {
    scratch.removeAll()
    // Flipping the sign bit lets times before 1970 sort before the others.
    scratch.append(littleEndian: (UInt64(bitPattern: expiry) ^ (1 << 63)).bigEndian)
    scratch.append(key)
  }

  /// Calls `visit` with the keys that are due at `now`, the longest due first, at most `limit` of them.
  package func forEachDue(at now: Int64, limit: Int, _ visit: (RawSpan) -> Void) {
    var left = limit
    byTime.scan(from: ByteBuffer(capacity: 16).bytes, inclusive: true) { timeKey, _ in
      guard left > 0, ExpiryQueue.expiry(ofTimeKey: timeKey) <= now else { return false }
      visit(timeKey.extracting(8..<timeKey.byteCount))
      left -= 1
      return true
    }
  }

  /// When the next key expires.
  package var nextExpiry: Int64? {
    var next: Int64?
    byTime.scan(from: ByteBuffer(capacity: 16).bytes, inclusive: true) { timeKey, _ in
      next = ExpiryQueue.expiry(ofTimeKey: timeKey)
      return false
    }
    return next
  }

  private static func expiry(ofTimeKey timeKey: RawSpan) -> Int64 {
    Int64(bitPattern: UInt64(bigEndian: timeKey.u64(0)) ^ (1 << 63))
  }
}
