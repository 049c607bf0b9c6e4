/// A clock that stands still until a test sets it: forward, back, or not at all.
package struct SimulatedClock {
  /// Microseconds since 1970.
  package var now: Int64

  /// 2025-08-07T17:30:00Z.
  package static let start: Int64 = 1_754_587_800_000_000

  package init(_ now: Int64 = SimulatedClock.start) { self.now = now }

  package mutating func advance(milliseconds: Int64) { now += milliseconds * 1000 }
}
