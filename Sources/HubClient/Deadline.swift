/// The moment until which something may take. The clock is one that nobody sets.
package struct Deadline: Sendable {
  private let instant: ContinuousClock.Instant

  package init(after duration: Duration) { instant = ContinuousClock.now.advanced(by: duration) }

  /// What is left, rounded up: a wait of that length never ends before the deadline. 0 when it has passed.
  package var milliseconds: Int {
    let (seconds, attoseconds) = ContinuousClock.now.duration(to: instant).components
    guard seconds >= 0, attoseconds >= 0, seconds > 0 || attoseconds > 0 else { return 0 }
    guard seconds < Int64(Int32.max) / 1_000 else { return Int(Int32.max) }
    return Int(seconds) * 1_000 + Int((attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000)
  }
}
