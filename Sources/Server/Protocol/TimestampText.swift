/// The time of replies as text, formatted once for all replies of the same microsecond.
internal import Bytes
internal import Hub

struct TimestampText: ~Copyable {
  private(set) var text = ByteBuffer(capacity: 32)
  /// Microseconds since 1970.
  private(set) var time = Int64.min

  mutating func update(_ now: Int64) {
    guard now != time else { return }
    time = now
    text.removeAll()
    Timestamp.append(now, to: &text)
  }
}
