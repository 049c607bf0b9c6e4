/// Readers of the change feed that wait for an event, by the beginning of the keys that they want.
///
/// Each acknowledged event is looked at once, however many wait: the prefixes stand in byte order, and those that a key
/// begins with are found by one binary search for each of them. Who waits for something else is not touched.
internal import Bytes
package import LogStore

package struct FeedWatch {
  private struct Waiter {
    let number: UInt64
    let from: Revision
  }

  private struct Group {
    let prefix: [UInt8]
    var waiters: [Waiter]
  }

  /// One for each prefix, in byte order.
  private var groups: [Group] = []
  private var woken: [(number: UInt64, revision: Revision)] = []
  package private(set) var count = 0

  package init() {}

  package var isEmpty: Bool { count == 0 }

  /// Waits for the first event from revision `from` on whose key begins with `prefix`. The number is the caller's.
  package mutating func add(_ number: UInt64, prefix: [UInt8], from: Revision) {
    let index = firstIndex(notBelow: prefix.span.bytes)
    let waiter = Waiter(number: number, from: from)
    if index < groups.count, groups[index].prefix == prefix {
      groups[index].waiters.append(waiter)
    } else {
      groups.insert(Group(prefix: prefix, waiters: [waiter]), at: index)
    }
    count += 1
  }

  /// Gives up waiting.
  package mutating func remove(_ number: UInt64, prefix: [UInt8]) {
    let index = firstIndex(notBelow: prefix.span.bytes)
    guard index < groups.count, groups[index].prefix == prefix,
      let place = groups[index].waiters.firstIndex(where: { $0.number == number })
    else { return }
    groups[index].waiters.swapAt(place, groups[index].waiters.count - 1)
    groups[index].waiters.removeLast()
    count -= 1
    if groups[index].waiters.isEmpty { groups.remove(at: index) }
  }

  /// Takes in an acknowledged event: whoever waits for it waits no more.
  package mutating func note(_ revision: Revision, key: RawSpan) {
    // Of all prefixes of the key, at most so long, none is greater than the greatest text not greater than the key, and
    // each is a prefix of that text too.
    var length = key.byteCount
    while length >= 0, let index = lastIndex(notAbove: key.extracting(0..<length)) {
      let prefix = groups[index].prefix
      let common = FeedWatch.commonBytes(prefix.span.bytes, key)
      if common == prefix.count {
        wake(groupAt: index, revision)
        length = common - 1
      } else {
        length = common
      }
    }
  }

  private mutating func wake(groupAt index: Int, _ revision: Revision) {
    var left: [Waiter] = []
    for waiter in groups[index].waiters {
      if waiter.from <= revision { woken.append((waiter.number, revision)) } else { left.append(waiter) }
    }
    count -= groups[index].waiters.count - left.count
    if left.isEmpty { groups.remove(at: index) } else { groups[index].waiters = left }
  }

  /// Those whose event has come since the last call, each with its revision.
  package mutating func takeWoken() -> [(number: UInt64, revision: Revision)] {
    guard !woken.isEmpty else { return [] }
    defer { woken.removeAll(keepingCapacity: true) }
    return woken
  }

  // MARK: Order

  private func firstIndex(notBelow prefix: RawSpan) -> Int {
    firstIndex { $0.span.bytes.compare(prefix) >= 0 }
  }

  private func lastIndex(notAbove text: RawSpan) -> Int? {
    let behind = firstIndex { $0.span.bytes.compare(text) > 0 }
    return behind == 0 ? nil : behind - 1
  }

  /// The first group that `isBehind` holds for, as it does for all after it.
  private func firstIndex(where isBehind: ([UInt8]) -> Bool) -> Int {
    var low = 0
    var high = groups.count
    while low < high {
      let middle = (low + high) / 2
      if isBehind(groups[middle].prefix) { high = middle } else { low = middle + 1 }
    }
    return low
  }

  private static func commonBytes(_ left: RawSpan, _ right: RawSpan) -> Int {
    let count = min(left.byteCount, right.byteCount)
    for position in 0..<count where left.u8(position) != right.u8(position) { return position }
    return count
  }
}
