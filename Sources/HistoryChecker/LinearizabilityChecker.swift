/// Says whether a history could be that of a hub which does one operation at a time: whether it is linearizable.
///
/// Pure: a list of operations in, a verdict out. First what ties the keys together is checked, the revisions; then each
/// key alone.

package struct LinearizabilityChecker: Sendable {
  /// A search that has come to so many configurations of one key is given up. One that succeeds sees a few thousand.
  package var configurationsMax = 500_000

  package init() {}

  /// The first violation found; nil when the history is linearizable.
  ///
  /// - Parameter history: every operation since the store was made, in any order. Without the others a revision can
  ///   only seem to be missing.
  package func violation(in history: [HistoryOperation]) -> Violation? {
    if let index = history.firstIndex(where: { !$0.isPossible }) { return .impossible(index) }
    let clock: RevisionClock
    let missing: [UInt64]
    do {
      clock = try RevisionClock(history)
      missing = try clock.missingRevisions()
    } catch {
      return error.violation
    }
    var keys: [String] = []
    let byKey = Dictionary(grouping: history.indices) { history[$0].key }
    for operation in history where !keys.contains(operation.key) { keys.append(operation.key) }
    for key in keys {
      var search = KeySearch(
        LinearizabilityChecker.items(byKey[key] ?? [], history, clock, missing), configurationsMax: configurationsMax)
      switch search.run() {
      case .found: continue
      case .none(let explained, let stuck): return .noOrder(key: key, explained: explained, stuck: stuck)
      case .givenUp: return .undecided(key: key)
      }
    }
    return nil
  }

  private static func items(
    _ indices: [Int], _ history: [HistoryOperation], _ clock: RevisionClock, _ missing: [UInt64]
  ) -> [KeySearch.Item] {
    var numbers: [String: Int] = [:]
    let seen = Set(indices.compactMap { history[$0].seenVersion?.value })
    func number(_ value: String) -> Int {
      // Values that nobody saw are one and the same.
      guard seen.contains(value) else { return -1 }
      let number = numbers[value] ?? numbers.count
      numbers[value] = number
      return number
    }
    var lastOfSession: [Int: Int] = [:]
    var items: [KeySearch.Item] = []
    // A read without an answer tells nothing and changes nothing.
    let telling = indices.filter { !(history[$0].isUnknown && history[$0].call == .get) }
    let ranks = ranks(telling, history, clock)
    for index in telling.sorted(by: { (history[$0].invoked, $0) < (history[$1].invoked, $1) }) {
      let operation = history[index]
      let (from, to) = clock.interval(index)
      var step = RegisterState.Step(
        call: operation.call.kind(number), ifRevision: operation.call.ifRevision,
        effect: operation.outcome.effect(number))
      if operation.isUnknown {
        step.boundRevision = clock.revisions[index]
        (step.freeRevisions, step.freeFrom) = clock.free(index, missing)
      }
      items.append(
        KeySearch.Item(
          index: index, step: step, from: from, to: to,
          isOptional: operation.isUnknown && clock.revisions[index] == nil, rank: ranks[index],
          revisionMax: revisionMax(operation, clock.revisions[index]),
          predecessor: operation.session.flatMap { lastOfSession[$0] }))
      if let session = operation.session { lastOfSession[session] = items.count - 1 }
    }
    return items
  }

  private static func revisionMax(_ operation: HistoryOperation, _ revision: UInt64?) -> UInt64 {
    if case .nothing(let revision) = operation.outcome { return revision }
    // A revision 0 is none that a write can take: then there is no state before it.
    return revision.map { $0 - min($0, 1) } ?? .max
  }

  /// Writes of known revision come in its order; a delete that found nothing, between the write whose revision it told
  /// and the next.
  private static func ranks(_ indices: [Int], _ history: [HistoryOperation], _ clock: RevisionClock) -> [Int: Int] {
    var places: [(revision: UInt64, isDelete: Int, index: Int)] = []
    for index in indices {
      if let place = history[index].place {
        places.append((place.revision, place.behind, index))
      } else if let revision = clock.revisions[index] {
        places.append((revision, 0, index))
      }
    }
    places.sort { $0 < $1 }
    var ranks: [Int: Int] = [:]
    var start = 0
    for (place, entry) in places.enumerated() {
      // Deletes that told the same revision may come in any order.
      let isSame =
        place > 0 && places[place - 1].revision == entry.revision && places[place - 1].isDelete == entry.isDelete
      if !isSame { start = place }
      ranks[entry.index] = start
    }
    return ranks
  }
}

extension Call {
  fileprivate func kind(_ number: (String) -> Int) -> RegisterState.Kind {
    switch self {
    case .get: .get
    case .put(let value, _): .put(number(value))
    case .delete: .delete
    }
  }
}

extension Outcome {
  fileprivate func effect(_ number: (String) -> Int) -> RegisterState.Effect {
    switch self {
    case .unknown: .unknown
    case .absent: .absent
    case .found(let version): .seen(value: number(version.value), revision: version.revision)
    case .stored(let revision, let created): .stored(revision, created: created)
    case .deleted(let revision): .deleted(revision)
    case .nothing(let revision): .nothing(revision)
    case .conflict(nil): .conflictAbsent
    case .conflict(let version?): .conflict(value: number(version.value), revision: version.revision)
    }
  }
}
