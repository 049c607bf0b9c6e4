/// How much may wait at once before requests are refused: what keeps one client, or all of them, from filling the
/// memory. CONTRACT: `resilience.bulkhead`, code `overloaded`.
internal import Hub

struct Bulkhead {
  /// Requests that may wait for their replies, of one envelope and of all together.
  let connectionRequestsMax: Int
  let requestsMax: Int

  /// Bytes that waiting requests may hold, of one envelope and of all together: requests that wait for others are kept
  /// whole.
  private static let connectionBytesMax = 16 << 20
  private static let bytesMax = 256 << 20
  /// Refusals wait for their turn too. Beyond this many times what may wait, they are dropped and counted.
  private static let refusedFactor = 2
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
    return refusalOfWaiting(clients)
  }

  /// Why a request may not wait for a revision, or behind one that waits for it or for an event; nil when it may. A
  /// client chooses for how long: it must not use up what those need who wait for the disk.
  ///
  /// - Parameter connection: nil when it waits for nothing yet.
  func refusalOfStalling(_ connection: Connection?, _ clients: borrowing WaitingClients) -> HubError? {
    let more = connection.map { $0.isStalled ? 1 : $0.outstanding + 1 } ?? 1
    guard clients.stalled + more > max(1, requestsMax / 2) || clients.stalledBytes >= Bulkhead.bytesMax / 2 else {
      return nil
    }
    return Bulkhead.overloaded(
      "\(clients.stalled) requests wait for revisions and events, half of what bulkhead.max_concurrent and "
        + "bulkhead.max_queue_size allow: ask again later, or without wait_ms")
  }

  /// Why a request is refused that would have to wait; nil when there is room for it. What can be answered at once (a
  /// read, health) is answered also when everything is full.
  func refusalOfWaiting(_ clients: borrowing WaitingClients) -> HubError? {
    // Those who wait by their own choice take half at most, and what they do not take is for the others.
    let requests = clients.outstanding - clients.stalled + min(clients.stalled, requestsMax / 2)
    let bytes = clients.bytes - clients.stalledBytes + min(clients.stalledBytes, Bulkhead.bytesMax / 2)
    if requests >= requestsMax || bytes >= Bulkhead.bytesMax {
      return Bulkhead.overloaded(
        "\(clients.outstanding) requests wait for replies, the limits bulkhead.max_concurrent and "
          + "bulkhead.max_queue_size allow \(requestsMax): try again later")
    }
    return nil
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
      || clients.outstanding >= requestsMax * Bulkhead.refusedFactor
  }

  static let notReading = overloaded(
    "this connection does not take its replies: read them before asking for more")

  private static func overloaded(_ message: String) -> HubError {
    var error = HubError(.overloaded, message)
    error.retryAfterMilliseconds = retryAfterMilliseconds
    return error
  }
}
