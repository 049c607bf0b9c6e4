/// What one client holds of what may wait: all envelopes of one connection together, whoever stands behind a proxy.
internal import Hub

final class ClientShare {
  // Unchecked exclusivity: one thread owns this object, and asking at every access costs a tenth of a write.
  /// Envelopes and calls that wait for replies.
  @exclusivity(unchecked) fileprivate(set) var connections = 0
  /// Requests that were let in, and refusals that wait for their turn.
  @exclusivity(unchecked) fileprivate(set) var requests = 0
  @exclusivity(unchecked) fileprivate(set) var refusals = 0
  @exclusivity(unchecked) fileprivate(set) var bytes = 0

  func count(_ connection: Connection, _ sign: Int) {
    requests += sign * connection.requests
    refusals += sign * connection.refusals
    bytes += sign * connection.bytes
  }
}

/// The shares of all clients that have one.
struct ClientShares {
  private var byPeer: [KeyHash: ClientShare] = [:]

  subscript(peer: KeyHash) -> ClientShare? { byPeer.isEmpty ? nil : byPeer[peer] }

  mutating func enter(_ connection: Connection) {
    let share = byPeer[connection.name.peer] ?? ClientShare()
    if share.connections == 0 { byPeer[connection.name.peer] = share }
    share.connections += 1
    connection.share = share
  }

  mutating func leave(_ connection: Connection) {
    guard let share = connection.share else { preconditionFailure("who leaves has entered") }
    share.connections -= 1
    if share.connections == 0 { byPeer.removeValue(forKey: connection.name.peer) }
    connection.share = nil
  }
}
