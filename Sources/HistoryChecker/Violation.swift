/// Why a history is none of a correct hub. Operations are named by their index in the history.

package enum Violation: Sendable, Equatable {
  /// The outcome is none of the call's: a get that stored something, say.
  case impossible(Int)
  /// Two writes have one revision.
  case revisionTwice(Int, Int)
  /// `later` was sent after `earlier` had returned, or behind it in its session, and the revisions say the contrary.
  case revisionOrder(earlier: Int, later: Int)
  /// Nobody took this revision, and no write of unknown outcome can have taken it.
  case revisionMissing(UInt64)
  /// No order of the key's operations explains what was seen. `explained` is the longest beginning of one that could
  /// be found, in its order; none of `stuck` can come next.
  case noOrder(key: String, explained: [Int], stuck: [Int])
  /// The search was given up.
  case undecided(key: String)
}

extension Violation: CustomStringConvertible {
  package var description: String {
    switch self {
    case .impossible(let index): "operation \(index) has an outcome that its call can not have"
    case .revisionTwice(let one, let other): "operations \(one) and \(other) took the same revision"
    case .revisionOrder(let earlier, let later):
      "operation \(earlier) came before \(later), but their revisions say that \(later) came first"
    case .revisionMissing(let revision): "revision \(revision) was taken by no operation that could have taken it"
    case .noOrder(let key, let explained, let stuck):
      "no order of the operations on \(key) explains what was seen: after \(explained.suffix(8)) none of \(stuck) fits"
    case .undecided(let key): "the operations on \(key) have too many possible orders: the search was given up"
    }
  }
}
