/// What is kept of a failure of work in the background: why it failed, and when it is tried again.

struct Setback: Sendable {
  /// Nil when the last attempt did not fail.
  private(set) var failure: LogError?
  private var pauseEnd: ContinuousClock.Instant?

  /// Whether an attempt may be made now.
  var isOver: Bool { pauseEnd.map { $0 <= .now } ?? true }

  mutating func take(_ error: LogError, pause: Duration) {
    failure = error
    pauseEnd = .now + pause
  }

  /// Somebody asked: the next attempt does not wait.
  mutating func endPause() { pauseEnd = nil }

  /// An attempt went well.
  mutating func clear() { self = Setback() }
}
