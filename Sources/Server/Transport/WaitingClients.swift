/// All clients with replies outstanding, filed by what the first reply of each waits for: taking out those whose wait is
/// over costs what they are, not what all are.
internal import Hub

struct WaitingClients {
  private var byName: [EnvelopeName: Connection] = [:]
  private var byTicket: [UInt64: [Connection]] = [:]
  private var forRevision: [Connection] = []
  /// In the order in which they came to wait for the log to take more.
  private var forRoom: [Connection] = []
  /// Readers of the change feed.
  var feeds = FeedQueue()
  private var ticketSeen: UInt64 = 0
  private var revisionSeen: UInt64 = 0
  /// When the next wait for a revision ends without it.
  private(set) var nextDeadline = Int64.max
  private var shares = ClientShares()
  /// Replies that wait, of all clients together, and the bytes they hold.
  private(set) var outstanding = 0
  private(set) var bytes = 0
  /// How many of them are refusals.
  private(set) var refusals = 0
  /// How many of the others wait for a revision or an event, or behind one that does.
  private(set) var stalled = 0
  private(set) var stalledBytes = 0

  var isEmpty: Bool { byName.isEmpty }
  /// Requests that were let in and are not answered, of all clients together.
  var requests: Int { outstanding - refusals }

  /// What the client with this connection holds; nil when that is nothing.
  func share(of peer: KeyHash) -> ClientShare? { shares[peer] }

  subscript(name: EnvelopeName) -> Connection? { byName.isEmpty ? nil : byName[name] }

  /// Adds a reply that can not be sent yet; of a client that has none, it is the first.
  mutating func add(_ reply: WaitingReply, to connection: Connection) {
    if connection.share == nil { shares.enter(connection) }
    change(connection) { $0.add(reply) }
    guard connection.outstanding == 1 else { return }
    byName[connection.name] = connection
    file(connection)
  }

  mutating func removeNext(_ connection: Connection) { change(connection) { $0.removeNext() } }

  mutating func replaceNext(_ reply: WaitingReply, of connection: Connection) {
    change(connection) { $0.replaceNext(reply) }
  }

  private mutating func change(_ connection: Connection, _ change: (Connection) -> Void) {
    count(connection, -1)
    change(connection)
    count(connection, 1)
  }

  private mutating func count(_ connection: Connection, _ sign: Int) {
    connection.share?.count(connection, sign)
    outstanding += sign * connection.outstanding
    refusals += sign * connection.refusals
    bytes += sign * connection.bytes
    guard connection.isStalled else { return }
    stalled += sign * connection.requests
    stalledBytes += sign * connection.bytes
  }

  /// Files a client that `takeReady` gave by what it waits for now, or forgets it when that is nothing.
  mutating func fileAgain(_ connection: Connection) {
    guard connection.outstanding == 0 else { return file(connection) }
    byName.removeValue(forKey: connection.name)
    shares.leave(connection)
  }

  private mutating func file(_ connection: Connection) {
    switch connection.next {
    case .decided(let ticket, _, _): byTicket[ticket, default: []].append(connection)
    case .parked(let request) where request.needsRoom: forRoom.append(connection)
    case .parked(let request):
      forRevision.append(connection)
      nextDeadline = min(nextDeadline, request.deadline)
    case .feed: feeds.add(connection)
    case .complete, .refused, nil: preconditionFailure("a complete reply waits only behind others")
    }
  }

  /// Takes out the clients whose first reply can be sent, or looked at again.
  ///
  /// - Parameters:
  ///   - hasRoom: the log can take more.
  ///   - isLast: no revision is waited for any more.
  mutating func takeReady(
    acknowledged: UInt64, hasFailed: Bool, hasRoom: Bool, revision: UInt64, now: Int64, isLast: Bool
  ) -> [Connection] {
    guard !byName.isEmpty else { return [] }
    var ready: [Connection] = []
    if hasFailed {
      for ticket in byTicket.keys.sorted() { ready += byTicket[ticket] ?? [] }
      byTicket.removeAll()
    } else if ticketSeen < acknowledged, !byTicket.isEmpty {
      if acknowledged - ticketSeen > UInt64(byTicket.count) {
        for ticket in byTicket.keys.sorted() where ticket <= acknowledged { take(ticket, &ready) }
      } else {
        for ticket in (ticketSeen + 1)...acknowledged { take(ticket, &ready) }
      }
    }
    ticketSeen = acknowledged
    if !forRevision.isEmpty, revision != revisionSeen || now >= nextDeadline || isLast {
      takeRevisions(revision, now, isLast, &ready)
    }
    revisionSeen = revision
    if hasRoom, !forRoom.isEmpty {
      ready += forRoom
      forRoom.removeAll(keepingCapacity: true)
    }
    return ready
  }

  private mutating func take(_ ticket: UInt64, _ ready: inout [Connection]) {
    if let found = byTicket.removeValue(forKey: ticket) { ready += found }
  }

  private mutating func takeRevisions(_ revision: UInt64, _ now: Int64, _ isLast: Bool, _ ready: inout [Connection]) {
    nextDeadline = .max
    var left: [Connection] = []
    for connection in forRevision {
      guard case .parked(let request) = connection.next else { preconditionFailure("filed as parked") }
      if isLast || request.isDue(revision: revision, now: now) {
        ready.append(connection)
      } else {
        left.append(connection)
        nextDeadline = min(nextDeadline, request.deadline)
      }
    }
    forRevision = left
  }
}

extension ParkedRequest {
  /// A request that waits for no revision has a deadline only when it is the first, and then it is due.
  func isDue(revision: UInt64, now: Int64) -> Bool { revision >= self.revision || now >= deadline }

  /// From when its time counts, `now` that it is due: what it waited for by its client's choice is not the hub's doing.
  func countedFrom(_ now: Int64) -> Int64 { deadline == .max ? arrival : max(arrival, min(now, deadline)) }
}
