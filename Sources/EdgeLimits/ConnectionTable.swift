/// The open connections of a listener, and which of them gives way when there are too many: of those that have not asked
/// for anything the oldest, then the one that has asked for nothing for longest. Whoever has a request under way stays.
///
/// Somebody who opens thousands of connections and says nothing so keeps out nobody else. SECURITY: rows 4 and 5.
internal import Synchronization

package final class ConnectionTable: Sendable {
  /// A connection's channel: as long as the channel is there, no other has its name.
  package typealias ID = ObjectIdentifier

  fileprivate struct Entry {
    let close: @Sendable () -> Void
    var requests = 0
    /// Which of its places in the lines counts; 0: none does.
    var place: UInt64 = 0
  }

  fileprivate struct State {
    var entries: [ID: Entry] = [:]
    var places: UInt64 = 0
    /// Connections that have not asked for anything yet, and those that have and wait; the first gives way first.
    var fresh = Line()
    var idle = Line()
    var gaveWay: UInt64 = 0
    var timedOut: UInt64 = 0
  }

  private let state = Mutex(State())
  private let max: Int

  package init(max: Int) { self.max = max }

  package var open: Int { state.withLock { $0.entries.count } }
  /// Connections that were closed for want of room, newcomers among them.
  package var gaveWay: UInt64 { state.withLock { $0.gaveWay } }
  /// Connections that were closed because they did not get on.
  package var timedOut: UInt64 { state.withLock { $0.timedOut } }

  /// Takes in a connection, if need be in the place of another one.
  ///
  /// - Parameter close: ends the connection; called at most once, from any thread; must not wait.
  /// - Returns: false when there is no room for it: the caller closes it.
  package func enter(_ id: ID, close: @escaping @Sendable () -> Void) -> Bool {
    let (isWelcome, other) = state.withLock { state -> (Bool, (@Sendable () -> Void)?) in
      var other: (@Sendable () -> Void)?
      if state.entries.count >= max {
        state.gaveWay += 1
        guard let next = state.nextToGo(), let entry = state.entries.removeValue(forKey: next) else {
          return (false, nil)
        }
        other = entry.close
      }
      state.entries[id] = Entry(close: close)
      state.wait(id, in: \.fresh)
      return (true, other)
    }
    other?()
    return isWelcome
  }

  /// It has begun to ask for something.
  package func asks(_ id: ID) {
    state.withLock { state in
      guard state.entries[id] != nil else { return }
      state.entries[id]?.requests += 1
      state.entries[id]?.place = 0
    }
  }

  /// It has been answered, or has given up.
  package func isAnswered(_ id: ID) {
    state.withLock { state in
      guard let requests = state.entries[id]?.requests else { return }
      state.entries[id]?.requests = requests - 1
      if requests == 1 { state.wait(id, in: \.idle) }
    }
  }

  /// It has not got on in time, and is being closed.
  package func isTooSlow() { state.withLock { $0.timedOut += 1 } }

  /// It is closed.
  package func leave(_ id: ID) { state.withLock { _ = $0.entries.removeValue(forKey: id) } }

  /// First in, first out. Who has left, or stands elsewhere by now, is passed over.
  fileprivate struct Line {
    var members: [(id: ID, place: UInt64)] = []
    var first = 0

    mutating func add(_ id: ID, _ place: UInt64, alive: Int, _ counts: (ID, UInt64) -> Bool) {
      // A line is at most twice as long as there are connections: the work is spread over those who come.
      if members.count >= 2 * alive + 64 {
        members = members[first...].filter { counts($0.id, $0.place) }
        first = 0
      }
      members.append((id, place))
    }
  }
}

extension ConnectionTable.State {
  typealias Lines = WritableKeyPath<ConnectionTable.State, ConnectionTable.Line>

  fileprivate mutating func wait(_ id: ConnectionTable.ID, in line: Lines) {
    places += 1
    entries[id]?.place = places
    let entries = entries
    self[keyPath: line].add(id, places, alive: entries.count) { entries[$0]?.place == $1 }
  }

  fileprivate mutating func nextToGo() -> ConnectionTable.ID? { next(in: \.fresh) ?? next(in: \.idle) }

  private mutating func next(in line: Lines) -> ConnectionTable.ID? {
    while self[keyPath: line].first < self[keyPath: line].members.count {
      let (id, place) = self[keyPath: line].members[self[keyPath: line].first]
      self[keyPath: line].first += 1
      if entries[id]?.place == place { return id }
    }
    return nil
  }
}
