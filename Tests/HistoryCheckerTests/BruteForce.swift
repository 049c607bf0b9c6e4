/// The definition itself: tries every order, one operation after the other, on a store that does one at a time. It
/// shares nothing with the checker but the operations, knows no short cut, and is meant for a handful of operations.
import HistoryChecker

struct BruteForce {
  private let history: [HistoryOperation]

  init(_ history: [HistoryOperation]) { self.history = history }

  fileprivate struct Store {
    var revision: UInt64 = 0
    var live: [String: Version] = [:]
  }

  var isLinearizable: Bool { canGoOn(Store(), Set(history.indices)) }

  fileprivate func canGoOn(_ store: Store, _ open: Set<Int>) -> Bool {
    if open.allSatisfy({ history[$0].outcome == .unknown }) { return true }
    return open.contains { (index: Int) -> Bool in
      let before = open.filter { $0 != index && precedes($0, index) }
      guard before.allSatisfy({ history[$0].outcome == .unknown }), let after = store.after(history[index]) else {
        return false
      }
      return canGoOn(after, open.subtracting(before).subtracting([index]))
    }
  }

  private func precedes(_ one: Int, _ other: Int) -> Bool {
    let (a, b) = (history[one], history[other])
    if let returned = a.returned, returned < b.invoked { return true }
    return a.session != nil && a.session == b.session && (a.key == b.key || a.tellsRevision && b.tellsRevision)
      && (a.invoked, one) < (b.invoked, other)
  }
}

extension BruteForce.Store {
  /// What the store is after the operation; nil when it would have answered something else. An unknown one that would
  /// change nothing counts as not having happened.
  fileprivate func after(_ operation: HistoryOperation) -> BruteForce.Store? {
    let current = live[operation.key]
    let holds = operation.call.ifRevision.map { $0 == current?.revision ?? 0 } ?? true
    var next = self
    next.revision += 1
    let answer: Outcome
    switch operation.call {
    case .get:
      next = self
      answer = current.map { .found($0) } ?? .absent
    case .put where !holds, .delete where !holds:
      next = self
      answer = .conflict(current)
    case .put(let value, _):
      next.live[operation.key] = Version(value, next.revision)
      answer = .stored(revision: next.revision, created: current == nil)
    case .delete where current == nil:
      next = self
      answer = .nothing(revision: revision)
    case .delete:
      next.live[operation.key] = nil
      answer = .deleted(revision: next.revision)
    }
    if operation.outcome == .unknown { return next.revision > revision ? next : nil }
    return answer == operation.outcome ? next : nil
  }
}

extension HistoryOperation {
  /// Whether the reply told the store's revision.
  fileprivate var tellsRevision: Bool {
    switch outcome {
    case .stored, .deleted, .nothing: true
    case .unknown, .found, .absent, .conflict: false
    }
  }
}
