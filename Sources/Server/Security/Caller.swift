/// What a transport knows of whoever sends a request, beside the request itself.
internal import Access
internal import Hub

struct Caller {
  /// Who stands at the other end of the connection, as far as the transport has seen to that.
  enum Peer: Equatable {
    /// The transport lets everybody in.
    case unknown
    /// The transport knows its clients; this is the id of the key that this one has shown. Never a routing id: that is
    /// what a client says of itself.
    case key(KeyID)
    /// The client has shown a certificate with this key, which the authority has signed. It may be an agent's.
    case certificate(PublicKeyPin)
    /// The transport should know its clients, and does not know this one.
    case stranger

    /// - Parameter userID: what the handshake has given the messages of this peer; nil when it gave none.
    init(userID: String?) { self = userID.flatMap { KeyID($0) }.map { .key($0) } ?? .stranger }
  }

  var peer = Peer.unknown
  /// A name for the connection: wrong keys are counted by it.
  var connection: KeyHash
  /// The API key that came beside the request; empty for none. One inside of the request counts before it.
  var bearer: [UInt8] = []
  /// What a request that was put off was let in with: it is not counted again.
  var admission: Admission?

  func admitted(_ admission: Admission?) -> Caller {
    var caller = self
    caller.admission = admission
    return caller
  }
}
