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
    /// The operation of the same session that was sent before it, as a place among the items.
    var predecessor: Int?
  }

  private struct Configuration: Hashable {
    var done: [UInt64]
    var state: RegisterState
  }

  /// What was decided, and how to take it back.
  private struct Decision {
    var before: RegisterState
    /// Where the search goes on when the decision is taken back: the event behind it.
    var event: Int
    /// How many operations were settled before it.
    var settledCount: Int
    /// nil: an optional operation was dropped.
    var taken: Int?
    /// Whether something else could have been done instead.
    var isChoice: Bool
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
  private var decisions: [Decision] = []
  private var seen: Set<Configuration> = []
  private var longest: [Int] = []
  private var stuck: [Int] = []

  init(_ items: [Item], configurationsMax: Int) {
    self.items = items
    self.configurationsMax = configurationsMax
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
    var event = next[head]
    while next[head] != head {
      if seen.count > configurationsMax { return .givenUp }
      let item = event / 2
      if event != head, event & 1 == 0 {
        if let after = taking(item), remember(after, settling: item) {
          // What changes nothing stands in nobody's way: if it fits now, no order is lost by taking it now.
          settle(item, after, behind: event, isChoice: after != state || !openBefore(item).isEmpty)
          event = next[head]
        } else {
          event = next[event]
        }
      } else if event != head, items[item].isOptional, remember(state, dropping: item) {
        // Nothing before its end can come next with it still open: so it did not happen.
        drop(item, behind: event)
        event = next[head]
      } else {
        noteStuck()
        guard let back = takeBack() else { return .none(explained: longest, stuck: stuck) }
        event = back
      }
    }
    return .found
  }

  // MARK: Deciding

  /// The state after the item, if it may come next.
  private func taking(_ item: Int) -> RegisterState? {
    if let rank = items[item].rank, rank > rankedCount { return nil }
    for place in openBefore(item) where !items[place].isOptional { return nil }
    return state.after(items[item].step)
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

  private mutating func remember(_ after: RegisterState, settling item: Int) -> Bool {
    var configuration = Configuration(done: done, state: after)
    for place in openBefore(item) + [item] { configuration.done[place / 64] |= 1 << UInt64(place % 64) }
    return seen.insert(configuration).inserted
  }

  private mutating func remember(_ after: RegisterState, dropping item: Int) -> Bool {
    var configuration = Configuration(done: done, state: after)
    configuration.done[item / 64] |= 1 << UInt64(item % 64)
    return seen.insert(configuration).inserted
  }

  private mutating func settle(_ item: Int, _ after: RegisterState, behind event: Int, isChoice: Bool) {
    decisions.append(
      Decision(before: state, event: event, settledCount: settled.count, taken: item, isChoice: isChoice))
    for place in openBefore(item) { lift(place, .dropped) }
    lift(item, .taken)
    state = after
  }

  private mutating func drop(_ item: Int, behind event: Int) {
    decisions.append(Decision(before: state, event: event, settledCount: settled.count, taken: nil, isChoice: false))
    lift(item, .dropped)
  }

  /// Takes back the last decision that leaves another one. Returns the event to go on with.
  private mutating func takeBack() -> Int? {
    while let decision = decisions.popLast() {
      while settled.count > decision.settledCount { unlift() }
      state = decision.before
      // A drop was the last resort of its configuration.
      if decision.isChoice { return next[decision.event] }
    }
    return nil
  }

  private mutating func noteStuck() {
    let explained = decisions.compactMap { $0.taken.map { items[$0].index } }
    guard explained.count >= longest.count else { return }
    longest = explained
    stuck = []
    var event = next[head]
    while event != head, event & 1 == 0 || items[event / 2].isOptional {
      if event & 1 == 0 { stuck.append(items[event / 2].index) }
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
