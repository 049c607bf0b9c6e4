/// Revisions are one sequence over all keys. This narrows down when writes took place, before keys are looked at alone.
///
/// Keys can be checked each alone only if nothing ties them together, and revisions do: a write took place before
/// anybody was told of its revision *or a later one*, and after every write of a lower revision was sent.

struct RevisionClock {
  private let history: [HistoryOperation]
  /// The revision of each write, if it is known: told in its reply, or shown to somebody else.
  private(set) var revisions: [UInt64?]
  /// By revision: (revision, operation) of writes, ascending.
  private var writes: [(revision: UInt64, index: Int)] = []
  /// Of `writes`, the operation among those up to here that was sent last.
  private var lastSent: [Int] = []
  /// (revision, operation) of everything that was told a revision, ascending.
  private var proofs: [(revision: UInt64, index: Int)] = []
  /// Of `proofs`, the operation among those from here on that returned first.
  private var firstReturned: [Int] = []

  init(_ history: [HistoryOperation]) throws(Failure) {
    self.history = history
    revisions = RevisionClock.knownRevisions(history)
    for (index, operation) in history.enumerated() {
      if let revision = revisions[index] { writes.append((revision, index)) }
      if !operation.isUnknown, let revision = operation.provenRevision { proofs.append((revision, index)) }
    }
    writes.sort { $0 < $1 }
    proofs.sort { $0 < $1 }
    for (one, other) in zip(writes, writes.dropFirst()) where one.revision == other.revision {
      throw Failure(.revisionTwice(one.index, other.index))
    }
    for write in writes {
      let last = lastSent.last ?? write.index
      lastSent.append(history[write.index].invoked > history[last].invoked ? write.index : last)
    }
    firstReturned = proofs.map(\.index)
    for place in proofs.indices.dropLast().reversed() where returned(place + 1) < returned(place) {
      firstReturned[place] = firstReturned[place + 1]
    }
    try refuseBackwards()
    try refuseBackwardsInSessions()
  }

  struct Failure: Error {
    let violation: Violation
    init(_ violation: Violation) { self.violation = violation }
  }

  private func returned(_ place: Int) -> Int64 { history[firstReturned[place]].returned ?? .max }

  /// The replies' revisions, and those of unknown puts whose value somebody saw: only one put has it.
  private static func knownRevisions(_ history: [HistoryOperation]) -> [UInt64?] {
    struct Value: Hashable {
      var key: String
      var value: String
    }
    var putters: [Value: [Int]] = [:]
    for (index, operation) in history.enumerated() {
      if case .put(let value, _) = operation.call {
        putters[Value(key: operation.key, value: value), default: []] += [index]
      }
    }
    var revisions = history.map(\.takenRevision)
    for operation in history {
      guard let seen = operation.seenVersion,
        let found = putters[Value(key: operation.key, value: seen.value)], found.count == 1,
        history[found[0]].isUnknown
      else { continue }
      // Two sightings that differ are left to the search, which finds no order for one of them.
      revisions[found[0]] = revisions[found[0]] ?? seen.revision
    }
    return revisions
  }

  // MARK: Bounds

  /// When the operation can have taken effect. Of operations that are not bound to a revision: when it was under way.
  func interval(_ index: Int) -> (from: Int64, to: Int64) {
    let operation = history[index]
    var bounds = (from: operation.invoked, to: operation.returned ?? .max)
    if let revision = revisions[index] {
      bounds.from = max(bounds.from, sent(through: revision))
      bounds.to = min(bounds.to, told(from: revision))
    } else if case .nothing(let revision) = operation.outcome {
      // The store was at this revision: after that write, and before the next.
      bounds.from = max(bounds.from, sent(through: revision))
      bounds.to = min(bounds.to, told(from: revision + 1))
    }
    return bounds
  }

  /// When the last of the writes up to `revision` was sent.
  func sent(through revision: UInt64) -> Int64 {
    let place = partition(writes) { $0 > revision }
    return place > 0 ? history[lastSent[place - 1]].invoked : .min
  }

  /// When somebody had been told `revision` or a later one.
  func told(from revision: UInt64) -> Int64 {
    let place = partition(proofs) { $0 >= revision }
    return place < proofs.count ? returned(place) : .max
  }

  private func partition(_ entries: [(revision: UInt64, index: Int)], _ isBehind: (UInt64) -> Bool) -> Int {
    var (low, high) = (0, entries.count)
    while low < high {
      let middle = (low + high) / 2
      if isBehind(entries[middle].revision) { high = middle } else { low = middle + 1 }
    }
    return low
  }

  private func refuseBackwards() throws(Failure) {
    for index in history.indices {
      let bounds = interval(index)
      guard bounds.from > bounds.to else { continue }
      var from = revisions[index] ?? 0
      var until = from
      if case .nothing(let revision) = history[index].outcome { (from, until) = (revision, revision + 1) }
      let before = partition(writes) { $0 > from }
      let behind = partition(proofs) { $0 >= until }
      // One side may be the operation's own interval.
      var (earlier, later) = (index, index)
      if behind < proofs.count, bounds.to == returned(behind) { earlier = firstReturned[behind] }
      if before > 0, bounds.from == history[lastSent[before - 1]].invoked { later = lastSent[before - 1] }
      throw Failure(.revisionOrder(earlier: earlier, later: later))
    }
  }

  private func refuseBackwardsInSessions() throws(Failure) {
    var last: [Int: Int] = [:]
    for index in history.indices.sorted(by: { (history[$0].invoked, $0) < (history[$1].invoked, $1) }) {
      guard let session = history[index].session, let place = history[index].place else { continue }
      if let before = last[session], let earlier = history[before].place, place < earlier {
        throw Failure(.revisionOrder(earlier: before, later: index))
      }
      last[session] = index
    }
  }

  // MARK: Gaps

  private var newest: UInt64 { max(writes.last?.revision ?? 0, proofs.last?.revision ?? 0) }

  /// Revisions that nobody was told of, ascending.
  ///
  /// Revisions have no gaps: each of these was taken by a write of unknown outcome, another one for each, at a time when
  /// that can have been.
  func missingRevisions() throws(Failure) -> [UInt64] {
    var unknown = history.indices.filter { history[$0].isUnknown && history[$0].call != .get && revisions[$0] == nil }
      .map { interval($0) }
    var missing: [UInt64] = []
    var place = 0
    var revision: UInt64 = 0
    while revision < newest {
      revision += 1
      if place < writes.count, writes[place].revision == revision {
        place += 1
        continue
      }
      // Later gaps have later windows: the fitting write that ends first is the one to use up.
      let fitting = unknown.indices.filter { canTake(revision, unknown[$0]) }
      guard let used = fitting.min(by: { unknown[$0].to < unknown[$1].to }) else {
        throw Failure(.revisionMissing(revision))
      }
      unknown.remove(at: used)
      missing.append(revision)
    }
    return missing
  }

  /// Which of the missing revisions a write of unknown outcome can have taken, and from which on all, if any.
  func free(_ index: Int, _ missing: [UInt64]) -> (revisions: [UInt64], from: UInt64?) {
    let bounds = interval(index)
    return (missing.filter { canTake($0, bounds) }, canTake(newest + 1, bounds) ? newest + 1 : nil)
  }

  private func canTake(_ revision: UInt64, _ bounds: (from: Int64, to: Int64)) -> Bool {
    bounds.from <= told(from: revision) && bounds.to >= sent(through: revision)
  }
}
