/// Where a hub is between its start and its end, for those who ask while the request loop does not run.
internal import Synchronization

package final class Lifecycle: Sendable {
  package enum Phase: String, Sendable {
    case starting
    /// The store is opened: its end is looked at, a torn tail is cut.
    case opening
    /// A snapshot and the log behind it are read.
    case replaying
    case serving
    /// A stop was asked for: what was accepted is answered, then the store is closed.
    case stopping
    case stopped
  }

  private let current = Mutex(Phase.starting)
  package let startedAt = ContinuousClock.now

  package init() {}

  package var phase: Phase { current.withLock { $0 } }

  /// Phases come in their order: who is late changes nothing.
  package func enter(_ phase: Phase) {
    current.withLock { if Lifecycle.rank($0) < Lifecycle.rank(phase) { $0 = phase } }
  }

  private static func rank(_ phase: Phase) -> Int {
    switch phase {
    case .starting: 0
    case .opening: 1
    case .replaying: 2
    case .serving: 3
    case .stopping: 4
    case .stopped: 5
    }
  }
}
