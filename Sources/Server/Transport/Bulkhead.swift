/// How much may wait at once before requests are refused: what keeps all clients from filling the memory, and one of them
/// from filling the others' room. CONTRACT: `resilience.bulkhead`, code `overloaded`. See
/// docs/decisions/0056-fair-shares.md.
internal import Hub

struct Bulkhead {
  /// Requests that may wait for their replies, of one envelope and of all together.
  let connectionRequestsMax: Int
  let requestsMax: Int

  /// Bytes that waiting requests may hold, of one envelope and of all together: requests that wait for others are kept
  /// whole.
  private static let connectionBytesMax = 16 << 20
  private static let bytesMax = 256 << 20
  /// Of what may wait, the share that only those may use who hold little.
  static let lastPart = 16
  /// What little is: so few that it takes this many clients to fill that share, or one request if that is not enough.
  static let littleClients = 160
  var littleRequests: Int { max(1, requestsMax / Bulkhead.lastPart / Bulkhead.littleClients) }
  private static let littleBytes = 64 << 10
  /// Refusals wait for their turn too. With them one envelope may have this many times what it may have waiting.
  private static let refusedFactor = 2
  /// How many may wait of all together, shared in the same way; beyond that they are dropped and counted. They take
  /// some hundred bytes each. Where few requests may wait, many more are refused: there may be as many of them as ever.
  private static let refusalsMax = 1 << 16
  private static let retryAfterMilliseconds = 50

  /// Why the next request of a connection that waits for replies is refused; nil when it is welcome.
  func refusal(of connection: Connection, _ clients: borrowing WaitingClients) -> HubError? {
    if connection.outstanding >= connectionRequestsMax {
      return Bulkhead.overloaded(
        "this connection has \(connectionRequestsMax) requests in flight, the limit in_flight_per_connection: "
          + "wait for replies")
    }
    if connection.bytes >= Bulkhead.connectionBytesMax {
      return Bulkhead.overloaded(
        "the requests of this connection that wait for others hold \(Bulkhead.connectionBytesMax) bytes: "
          + "wait for replies")
    }
    if connection.isStalled, let refusal = refusalOfStalling(connection, clients) { return refusal }
    return refusalOfWaiting(connection.share, clients)
  }

  /// Why a request may not wait for a revision, or behind one that waits for it or for an event; nil when it may. A
  /// client chooses for how long: it must not use up what those need who wait for the disk.
  ///
  /// - Parameter connection: nil when it waits for nothing yet.
  func refusalOfStalling(_ connection: Connection?, _ clients: borrowing WaitingClients) -> HubError? {
    let more = connection.map { $0.isStalled ? 1 : $0.requests + 1 } ?? 1
    guard clients.stalled + more > max(1, requestsMax / 2) || clients.stalledBytes >= Bulkhead.bytesMax / 2 else {
      return nil
    }
    return Bulkhead.overloaded(
      "\(clients.stalled) requests wait for revisions and events, half of what bulkhead.max_concurrent and "
        + "bulkhead.max_queue_size allow: ask again later, or without wait_ms")
  }

  /// Why a request is refused that would have to wait; nil when there is room for it. What can be answered at once (a
  /// read, health) is answered also when everything is full.
  ///
  /// - Parameter peer: the connection that it came through.
  func refusalOfWaiting(of peer: KeyHash, _ clients: borrowing WaitingClients) -> HubError? {
    // While less than half is taken, nobody holds what is left: then it does not matter who asks.
    guard clients.requests >= requestsMax / 2 || clients.bytes >= Bulkhead.bytesMax / 2 else { return nil }
    return refusalOfWaiting(clients.share(of: peer), clients)
  }

  private func refusalOfWaiting(_ share: ClientShare?, _ clients: borrowing WaitingClients) -> HubError? {
    // Those who wait by their own choice take half at most, and what they do not take is for the others.
    let requests = clients.requests - clients.stalled + min(clients.stalled, requestsMax / 2)
    let bytes = clients.bytes - clients.stalledBytes + min(clients.stalledBytes, Bulkhead.bytesMax / 2)
    if requests >= requestsMax || bytes >= Bulkhead.bytesMax {
      return Bulkhead.overloaded(
        "\(clients.requests) requests wait for replies, the limits bulkhead.max_concurrent and "
          + "bulkhead.max_queue_size allow \(requestsMax): try again later")
    }
    guard let share else { return nil }
    if !Bulkhead.hasRoom(holding: share.requests, all: requests, max: requestsMax, little: littleRequests) {
      return Bulkhead.overloaded(
        "this client has \(share.requests) requests in flight, as many as others may still have by bulkhead.max_concurrent "
          + "and bulkhead.max_queue_size (\(requestsMax) in all): wait for replies")
    }
    if !Bulkhead.hasRoom(holding: share.bytes, all: bytes, max: Bulkhead.bytesMax, little: Bulkhead.littleBytes) {
      return Bulkhead.overloaded(
        "the requests of this client that wait for others hold \(share.bytes) bytes, as many as are left of "
          + "\(Bulkhead.bytesMax): wait for replies")
    }
    return nil
  }

  /// Whether a client may hold one more. It may while it holds less than what is free (Choudhury and Hahne, "Dynamic queue
  /// length thresholds for shared-memory packet switches", 1998, with alpha 1): so one alone takes half at most, n that
  /// come together leave the share of one more free, and who holds nothing is let in while anything is free. Those who come one
  /// after the other would each take half of what is left: the last part is only for who holds little.
  static func hasRoom(holding own: Int, all: Int, max: Int, little: Int) -> Bool {
    let free = max - all
    return own < free && (own < little || free > max / Bulkhead.lastPart)
  }

  /// Why a reader of the change feed may not wait for an event; nil when it may. Of what may wait at all, half is left
  /// to those who wait for something that is under way.
  func refusalOfReader(_ clients: borrowing WaitingClients) -> HubError? {
    guard clients.feeds.waitingCount >= max(1, requestsMax / 2) else { return nil }
    return Bulkhead.overloaded(
      "\(clients.feeds.waitingCount) requests wait for events, half of what bulkhead.max_concurrent and "
        + "bulkhead.max_queue_size allow: ask again later, or without wait_ms")
  }

  /// Whether even a refusal has no room to wait for its turn.
  func isFull(_ connection: Connection, _ clients: borrowing WaitingClients) -> Bool {
    connection.outstanding >= connectionRequestsMax * Bulkhead.refusedFactor
      || !Bulkhead.hasRoom(
        holding: connection.share?.refusals ?? 0, all: clients.refusals,
        max: max(requestsMax, Bulkhead.refusalsMax), little: littleRequests)
  }

  static let notReading = overloaded(
    "this connection does not take its replies: read them before asking for more")

  private static func overloaded(_ message: String) -> HubError {
    var error = HubError(.overloaded, message)
    error.retryAfterMilliseconds = retryAfterMilliseconds
    return error
  }
}
