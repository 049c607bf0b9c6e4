/// How many requests were answered, how, and how fast. Touched by the request loop alone: counting costs no lock and no
/// look at the clock. See docs/decisions/0041-metrics.md.
internal import LogStore

package struct RequestMetrics: Sendable {
  package struct OfOperation: Sendable {
    package fileprivate(set) var successes: UInt64 = 0
    package fileprivate(set) var failures: UInt64 = 0
    /// Microseconds from when the loop took the request in, or a wait that its client has chosen was over, until its
    /// reply left.
    fileprivate var durations = Histogram(bounds: Histogram.durations)
  }

  private var byAction = Array(repeating: OfOperation(), count: Action.allCases.count)
  /// Requests that name no action that exists.
  private var ofNone = OfOperation()

  init() {}

  mutating func succeeded(_ action: Action, microseconds: Int64) {
    byAction[action.index].successes += 1
    byAction[action.index].durations.record(microseconds)
  }

  mutating func failed(_ action: Action?, microseconds: Int64) {
    guard let action else {
      ofNone.failures += 1
      ofNone.durations.record(microseconds)
      return
    }
    byAction[action.index].failures += 1
    byAction[action.index].durations.record(microseconds)
  }

  /// What `operation` says of a request without an action that exists.
  static let noneName = "unknown"

  /// Calls `visit` with the name and the figures of every operation.
  func forEach(_ visit: (_ name: String, _ figures: OfOperation, _ durations: Histogram) -> Void) {
    for action in Action.allCases {
      visit("\(action.name)", byAction[action.index], byAction[action.index].durations)
    }
    visit(RequestMetrics.noneName, ofNone, ofNone.durations)
  }
}
