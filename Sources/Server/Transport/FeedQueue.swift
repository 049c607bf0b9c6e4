/// Readers of the change feed whose replies are being made, or wait for an event.
///
/// Each request gets a small share at once, in the order of their coming: who follows the feed is answered by that. What
/// is not done by then (a reader that catches up, rare keys in a long log) goes into a second line, where the first one
/// alone is worked for, a piece in every turn: so there is one half-made reply at most, however many ask.
internal import Hub

struct FeedQueue {
  private var fresh = ConnectionLine()
  private var long = ConnectionLine()
  private var waiting: [UInt64: Connection] = [:]
  private var lastNumber: UInt64 = 0
  /// When the next wait may end without an event.
  private(set) var nextDeadline = Int64.max

  /// With many waits, their ends are looked at together, so often at most.
  private static let deadlineStepMicroseconds: Int64 = 10_000

  /// Whether there is anything to read now.
  var hasWork: Bool { !fresh.isEmpty || !long.isEmpty }
  var isEmpty: Bool { !hasWork && waiting.isEmpty }
  var waitingCount: Int { waiting.count }

  // MARK: Reading

  mutating func add(_ connection: Connection) { fresh.append(connection) }

  mutating func takeFresh() -> Connection? { fresh.popFirst() }

  /// Whether somebody is in the second line.
  var hasLong: Bool { !long.isEmpty }

  mutating func addLong(_ connection: Connection) { long.append(connection) }

  /// The one that is worked for.
  mutating func takeLong() -> Connection? { long.popFirst() }

  /// There is more to do for the one that was taken.
  mutating func putBackLong(_ connection: Connection) { long.putBack(connection) }

  // MARK: Waiting

  /// Has a client wait for an event; `watch` will tell of it.
  mutating func wait(_ connection: Connection, _ feed: FeedRequest, _ watch: inout FeedWatch) {
    lastNumber += 1
    feed.number = lastNumber
    waiting[lastNumber] = connection
    watch.add(lastNumber, prefix: feed.query.prefix, from: feed.query.from)
    nextDeadline = min(nextDeadline, feed.deadline)
  }

  /// The event has come.
  mutating func takeWaiting(_ number: UInt64) -> Connection? { waiting.removeValue(forKey: number) }

  /// Takes out those whose time is over, or all.
  mutating func takeDue(now: Int64, all: Bool, _ watch: inout FeedWatch) -> [Connection] {
    guard !waiting.isEmpty, now >= nextDeadline || all else { return [] }
    var due: [(number: UInt64, connection: Connection)] = []
    var next = Int64.max
    for (number, connection) in waiting {
      guard case .feed(let feed) = connection.next else { preconditionFailure("only feeds wait for events") }
      if all || now >= feed.deadline {
        due.append((number, connection))
        watch.remove(number, prefix: feed.query.prefix)
      } else {
        next = min(next, feed.deadline)
      }
    }
    for (number, _) in due { waiting.removeValue(forKey: number) }
    nextDeadline = next == .max ? .max : max(next, now + FeedQueue.deadlineStepMicroseconds)
    return due.sorted { $0.number < $1.number }.map(\.connection)
  }
}

/// First come, first served.
struct ConnectionLine {
  private var connections: [Connection] = []
  private var served = 0

  var isEmpty: Bool { served == connections.count }

  mutating func append(_ connection: Connection) {
    if isEmpty {
      connections.removeAll(keepingCapacity: true)
      served = 0
    }
    connections.append(connection)
  }

  mutating func popFirst() -> Connection? {
    guard !isEmpty else { return nil }
    defer {
      served += 1
      if served > 1_024 {
        connections.removeFirst(served)
        served = 0
      }
    }
    return connections[served]
  }

  /// Gives back what `popFirst` gave last.
  mutating func putBack(_ connection: Connection) {
    if served > 0 {
      served -= 1
      connections[served] = connection
    } else {
      connections.insert(connection, at: 0)
    }
  }
}
