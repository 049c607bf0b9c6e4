/// Tells what becomes of a socket's connections: for counting clients, and for saying why nothing answers.
internal import Bytes
internal import CZeroMQ

package final class SocketMonitor {
  package enum Event: Equatable, Sendable {
    /// An outgoing TCP connection stands.
    case connected
    /// Connecting failed; it is tried again later.
    case connectRetried
    /// An incoming TCP connection stands.
    case accepted
    /// Peer and socket understand each other.
    case handshakeSucceeded
    /// What is at the other end does not speak ZMTP, or not with this kind of socket.
    case handshakeFailed
    /// The other end does not let this one in.
    case handshakeRefused
    /// A connection, incoming or outgoing, has ended.
    case disconnected
  }

  /// Where the events arrive: for a `Poller`.
  package let events: Socket
  private let watched: Socket
  private var frame = ByteBuffer(capacity: 64)

  private static let kinds: [(number: Int32, event: Event)] = [
    (ZMQ_EVENT_CONNECTED, .connected), (ZMQ_EVENT_CONNECT_RETRIED, .connectRetried),
    (ZMQ_EVENT_ACCEPTED, .accepted), (ZMQ_EVENT_HANDSHAKE_SUCCEEDED, .handshakeSucceeded),
    (ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL, .handshakeFailed),
    (ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL, .handshakeFailed),
    (ZMQ_EVENT_HANDSHAKE_FAILED_AUTH, .handshakeRefused), (ZMQ_EVENT_DISCONNECTED, .disconnected),
  ]

  /// Begins to watch `socket`, which has no other monitor; call it before binding or connecting.
  package init(_ socket: Socket) throws(ZeroMQError) {
    watched = socket
    // A handle is one of a kind in the process, so the address made of it is, too.
    let address = "inproc://monitor-\(UInt(bitPattern: socket.handle))"
    let mask = SocketMonitor.kinds.reduce(0) { $0 | $1.number }
    guard zmq_socket_monitor(socket.handle, address, mask) == 0 else { throw ZeroMQError("zmq_socket_monitor") }
    events = try Socket(.pair, in: socket.context)
    // No limit: libzmq's I/O thread, and so all traffic, would wait for a monitor that is full.
    try events.set(.receiveHighWater, 0)
    try events.connect(address)
  }

  deinit { zmq_socket_monitor(watched.handle, nil, 0) }

  /// The next event; nil when there is none now, or with `waiting` none within the `receiveTimeout` of `events`.
  package func next(waiting: Bool = false) throws(ZeroMQError) -> Event? {
    while true {
      frame.removeAll()
      // An event is two frames: number and value, then the endpoint.
      guard try events.receive(into: &frame, waiting: waiting) == .frame(more: true) else { return nil }
      let number = SocketMonitor.number(frame)
      _ = try events.receive(into: &frame)
      if let kind = SocketMonitor.kinds.first(where: { $0.number == number }) { return kind.event }
    }
  }

  private static func number(_ frame: borrowing ByteBuffer) -> Int32 { Int32(frame.bytes.u16(0)) }
}

/// How many incoming connections a socket has.
package struct ConnectionCount: Sendable, Equatable {
  package private(set) var open = 0
  /// Since the beginning.
  package private(set) var accepted = 0

  package init() {}

  package mutating func take(_ event: SocketMonitor.Event) {
    switch event {
    case .accepted:
      open += 1
      accepted += 1
    case .disconnected: open -= 1
    case .connected, .connectRetried, .handshakeSucceeded, .handshakeFailed, .handshakeRefused: break
    }
  }
}
