/// Looks for an order of one key's operations that explains what was seen.
///
/// Sources: Wing and Gong, "Testing and Verifying Concurrent Objects" (1993), for the search; Lowe, "Testing for
/// Linearizability" (2017), for remembering configurations (which operations took effect, and the state after them), so
/// that none is searched twice.

struct KeySearch {
  /// One operation of the key.
  struct Item {
    /// In the whole history.
    var index: Int
    var step: RegisterState.Step
    var from: Int64
    var to: Int64
    /// It may not have happened.
    var isOptional: Bool
    /// Of the key's operations that have a place among the revisions, how many have an earlier one; nil when it has none.
    var rank: Int?
    /// With a rank: the highest revision that the store may be at before it.
    var revisionMax: UInt64 = .max
    /// The operation of the same session that was sent before it, as a place among the items.
    var predecessor: Int?
  }

  private struct Configuration: Hashable {
    var done: [UInt64]
    var state: RegisterState
  }

  private enum Move {
    case take(Int)
    /// It never happened.
    case drop(Int)
  }

  /// A configuration on the way, and what can be done in it.
  private struct Step {
    var state: RegisterState
    /// How many items were settled when it was come to.
    var settledCount: Int
    var moves: [Move]
    var tried = 0
  }

  private enum Fate {
    case open
    /// It has taken effect.
    case taken
    /// It never happened, and never will.
    case dropped
  }

  enum Result {
    case found
    case none(explained: [Int], stuck: [Int])
    case givenUp
  }

  private let items: [Item]
  private let configurationsMax: Int
  /// Event 2n is the beginning of item n, 2n + 1 its end; the list holds those of unsettled items, in order of time.
  private var next: [Int]
  private var previous: [Int]
  private let head: Int
  private var state = RegisterState()
  private var done: [UInt64]
  /// Of each item.
  private var fates: [Fate]
  private var settled: [Int] = []
  /// How many operations with a rank have taken effect: these can only do so in the order of their ranks.
  private var rankedCount = 0
  /// By rank, the items' `revisionMax`.
  private let revisionsMax: [UInt64]
  private var steps: [Step] = []
  private var seen: Set<Configuration> = []
  private var longest: [Int] = []
  private var stuck: [Int] = []

  init(_ items: [Item], configurationsMax: Int) {
    self.items = items
    self.configurationsMax = configurationsMax
    revisionsMax = items.filter { $0.rank != nil }.map(\.revisionMax).sorted()
    head = items.count * 2
    next = Array(repeating: head, count: head + 1)
    previous = next
    done = Array(repeating: 0, count: (items.count + 63) / 64)
    fates = Array(repeating: .open, count: items.count)
    func time(_ event: Int) -> Int64 { event & 1 == 0 ? items[event / 2].from : items[event / 2].to }
    // At one moment beginnings come first: operations that only touch may have any order.
    let events = (0..<head).sorted { (time($0), $0 & 1, $0) < (time($1), $1 & 1, $1) }
    var last = head
    for event in events {
      next[last] = event
      previous[event] = last
      last = event
    }
    next[last] = head
    previous[head] = last
  }

  mutating func run() -> Result {
    begin()
    while next[head] != head {
      if seen.count > configurationsMax { return .givenUp }
      guard let step = steps.last else { return .none(explained: longest, stuck: stuck) }
      while settled.count > step.settledCount { unlift() }
      state = step.state
      guard step.tried < step.moves.count else {
        noteStuck()
        steps.removeLast()
        continue
      }
      steps[steps.count - 1].tried += 1
      if go(step.moves[step.tried]) { begin() }
    }
    return .found
  }

  private mutating func begin() {
    steps.append(Step(state: state, settledCount: settled.count, moves: moves()))
  }

  // MARK: Deciding

  /// What can come next. Nothing that begins after the first end can: that one has to be settled first.
  private func moves() -> [Move] {
    var known: [Move] = []
    var optional: [Move] = []
    var event = next[head]
    while event != head, event & 1 == 0 {
      let item = event / 2
      if let after = taking(item) {
        // What changes nothing stands in nobody's way: if it fits now, no order is lost by taking it now.
        if after == state, openBefore(item).isEmpty { return [.take(item)] }
        if items[item].isOptional { optional.append(.take(item)) } else { known.append(.take(item)) }
      }
      event = next[event]
    }
    // Of what may not have happened as little as possible is used: a search that takes all it can rarely ends.
    if event != head, items[event / 2].isOptional { known.append(.drop(event / 2)) }
    return known + optional
  }

  /// Makes the move, unless it leads to where the search has been.
  private mutating func go(_ move: Move) -> Bool {
    switch move {
    case .take(let item):
      guard let after = taking(item) else { preconditionFailure("a move that is offered can be made") }
      for place in openBefore(item) { lift(place, .dropped) }
      lift(item, .taken)
      state = after
    case .drop(let item): lift(item, .dropped)
    }
    return seen.insert(Configuration(done: done, state: state)).inserted
  }

  /// The state after the item, if it may come next.
  private func taking(_ item: Int) -> RegisterState? {
    if let rank = items[item].rank, rank > rankedCount { return nil }
    for place in openBefore(item) where !items[place].isOptional { return nil }
    guard let after = state.after(items[item].step) else { return nil }
    // What has to come later must still be possible: it ends the many ways to use unknown writes early.
    let later = rankedCount + (items[item].rank == nil ? 0 : 1)
    return later < revisionsMax.count && after.revision > revisionsMax[later] ? nil : after
  }

  /// Operations of its session that were sent before it and are open: once the item takes effect they never will.
  private func openBefore(_ item: Int) -> [Int] {
    var found: [Int] = []
    var predecessor = items[item].predecessor
    while let place = predecessor, fates[place] != .taken {
      if fates[place] == .open { found.append(place) }
      predecessor = items[place].predecessor
    }
    return found
  }

  /// Keeps the farthest place at which nothing could come next.
  private mutating func noteStuck() {
    let explained = settled.filter { fates[$0] == .taken }.map { items[$0].index }
    guard explained.count >= longest.count else { return }
    longest = explained
    stuck = []
    var event = next[head]
    while event != head, event & 1 == 0 {
      stuck.append(items[event / 2].index)
      event = next[event]
    }
  }

  // MARK: The list

  private mutating func lift(_ item: Int, _ fate: Fate) {
    for event in [item * 2, item * 2 + 1] {
      next[previous[event]] = next[event]
      previous[next[event]] = previous[event]
    }
    done[item / 64] |= 1 << UInt64(item % 64)
    fates[item] = fate
    if items[item].rank != nil { rankedCount += 1 }
    settled.append(item)
  }

  private mutating func unlift() {
    let item = settled.removeLast()
    for event in [item * 2 + 1, item * 2] {
      next[previous[event]] = event
      previous[next[event]] = event
    }
    done[item / 64] &= ~(1 << UInt64(item % 64))
    fates[item] = .open
    if items[item].rank != nil { rankedCount -= 1 }
  }
}
