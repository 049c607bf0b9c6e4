/// Slows down who brings wrong keys: twenty at once, then one a second. A connection is held back by its own mistakes only.
internal import Hub

struct FailureThrottle {
  /// When the connection's mistakes are forgotten, each counted with a second of its own.
  private var forgiven: [KeyHash: Int64] = [:]
  private var nextHouse: Int64 = 0

  static let burst = 20
  static let intervalMicroseconds: Int64 = 1_000_000
  /// A client can call itself something else each time; what that costs the hub has an end.
  static let connectionsMax = 4_096

  var count: Int { forgiven.count }

  /// How long the connection has to wait before a request of it is looked at, in milliseconds; nil: not at all.
  func wait(_ connection: KeyHash, now: Int64) -> Int? {
    guard !forgiven.isEmpty, let time = forgiven[connection] else { return nil }
    let over = time - now - Int64(FailureThrottle.burst - 1) * FailureThrottle.intervalMicroseconds
    return over > 0 ? Int(over / 1_000) + 1 : nil
  }

  mutating func note(_ connection: KeyHash, now: Int64) {
    if forgiven.count >= FailureThrottle.connectionsMax, forgiven[connection] == nil {
      forgiven = forgiven.filter { $0.value > now }
      if forgiven.count >= FailureThrottle.connectionsMax { forgiven.removeAll(keepingCapacity: true) }
    }
    forgiven[connection] = max(forgiven[connection] ?? 0, now) + FailureThrottle.intervalMicroseconds
  }

  mutating func forget(now: Int64) {
    guard !forgiven.isEmpty, now >= nextHouse else { return }
    nextHouse = now + FailureThrottle.intervalMicroseconds
    forgiven = forgiven.filter { $0.value > now }
  }
}
