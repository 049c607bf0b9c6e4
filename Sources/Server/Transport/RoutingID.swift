/// The names by which a router socket sends replies to its peers: its own for who brings none, or what a client has
/// chosen. See docs/decisions/0047-curve.md, "Names".
internal import Bytes
internal import Hub

enum RoutingID {
  /// libzmq's own are a zero and a number that begins anywhere: nobody can tell what another client's is.
  private static let ownByteCount = 5

  static func isOwn(_ id: RawSpan) -> Bool { id.byteCount == ownByteCount && id.u8(0) == 0 }

  /// For a client that has chosen a name, which another one could take after it, where that is not allowed.
  static let chosen = HubError(
    .invalidRequest,
    "this hub takes no routing id that a client has chosen (security.allow_routing_ids): leave ZMQ_ROUTING_ID "
      + "(ZMQ_IDENTITY) alone, another client could take the name and the replies that are on their way")
}
