/// What can be set on a socket, by the names that libzmq's manual uses.
internal import CZeroMQ

extension Socket {
  package enum Kind: Sendable, CaseIterable {
    case router, dealer, request, reply, pair

    var number: Int32 {
      switch self {
      case .router: ZMQ_ROUTER
      case .dealer: ZMQ_DEALER
      case .request: ZMQ_REQ
      case .reply: ZMQ_REP
      case .pair: ZMQ_PAIR
      }
    }
  }

  /// Whole-number options, in libzmq's units: milliseconds (TCP keepalive: seconds), messages; 0 and 1 for flags.
  /// They count for what is bound or connected afterwards.
  package enum Option: Sendable, CaseIterable {
    case linger, sendHighWater, receiveHighWater, routerMandatory, routerHandover, handshakeInterval
    case heartbeatInterval, heartbeatTimeout, heartbeatTimeToLive, receiveTimeout, sendTimeout, immediate, backlog, ipv6
    case connectTimeout, reconnectInterval
    case tcpKeepalive, tcpKeepaliveIdle, tcpKeepaliveCount, tcpKeepaliveInterval

    var number: Int32 {
      switch self {
      case .linger: ZMQ_LINGER
      case .sendHighWater: ZMQ_SNDHWM
      case .receiveHighWater: ZMQ_RCVHWM
      case .routerMandatory: ZMQ_ROUTER_MANDATORY
      case .routerHandover: ZMQ_ROUTER_HANDOVER
      case .handshakeInterval: ZMQ_HANDSHAKE_IVL
      case .heartbeatInterval: ZMQ_HEARTBEAT_IVL
      case .heartbeatTimeout: ZMQ_HEARTBEAT_TIMEOUT
      case .heartbeatTimeToLive: ZMQ_HEARTBEAT_TTL
      case .receiveTimeout: ZMQ_RCVTIMEO
      case .sendTimeout: ZMQ_SNDTIMEO
      case .immediate: ZMQ_IMMEDIATE
      case .backlog: ZMQ_BACKLOG
      case .ipv6: ZMQ_IPV6
      case .connectTimeout: ZMQ_CONNECT_TIMEOUT
      case .reconnectInterval: ZMQ_RECONNECT_IVL
      case .tcpKeepalive: ZMQ_TCP_KEEPALIVE
      case .tcpKeepaliveIdle: ZMQ_TCP_KEEPALIVE_IDLE
      case .tcpKeepaliveCount: ZMQ_TCP_KEEPALIVE_CNT
      case .tcpKeepaliveInterval: ZMQ_TCP_KEEPALIVE_INTVL
      }
    }
  }

  package func set(_ option: Option, _ value: Int32) throws(ZeroMQError) {
    var value = value
    guard zmq_setsockopt(handle, option.number, &value, MemoryLayout<Int32>.size) == 0 else {
      throw ZeroMQError("zmq_setsockopt \(option)")
    }
  }

  /// The value of an option that can be read; libzmq refuses to tell `routerMandatory` and `routerHandover`.
  package func value(of option: Option) throws(ZeroMQError) -> Int32 { try number(option.number, "\(option)") }

  /// The largest frame that a peer may send; a peer that sends a larger one is disconnected. -1: no limit.
  package func setMaxFrameBytes(_ bytes: Int64) throws(ZeroMQError) {
    var bytes = bytes
    guard zmq_setsockopt(handle, ZMQ_MAXMSGSIZE, &bytes, MemoryLayout<Int64>.size) == 0 else {
      throw ZeroMQError("zmq_setsockopt maxmsgsize")
    }
  }

  /// Has the socket ask each client for a CURVE key, and a handler of ZAP (https://rfc.zeromq.org/spec/27) whether it is
  /// let in. Without a handler nobody is. Call it before `bind`.
  package func setCurveServer(secretKey: String, domain: String) throws(ZeroMQError) {
    try set(number: ZMQ_CURVE_SERVER, 1, "curve_server")
    try set(number: ZMQ_CURVE_SECRETKEY, secretKey, "curve_secretkey")
    try set(number: ZMQ_ZAP_DOMAIN, domain, "zap_domain")
    try set(number: Socket.enforceDomain, 1, "zap_enforce_domain")
    knowsPeers = true
  }

  /// Encrypts what the socket sends, for the server with this key alone. Call it before `connect`. Keys are Z85 texts.
  package func setCurveClient(serverKey: String, publicKey: String, secretKey: String) throws(ZeroMQError) {
    try set(number: ZMQ_CURVE_SERVERKEY, serverKey, "curve_serverkey")
    try set(number: ZMQ_CURVE_PUBLICKEY, publicKey, "curve_publickey")
    try set(number: ZMQ_CURVE_SECRETKEY, secretKey, "curve_secretkey")
  }

  /// ZMQ_ZAP_ENFORCE_DOMAIN. The library has it; its header tells of it only where drafts are built.
  private static let enforceDomain: Int32 = 93

  private func set(number option: Int32, _ value: Int32, _ name: String) throws(ZeroMQError) {
    var value = value
    guard zmq_setsockopt(handle, option, &value, MemoryLayout<Int32>.size) == 0 else {
      throw ZeroMQError("zmq_setsockopt \(name)")
    }
  }

  private func set(number option: Int32, _ text: String, _ name: String) throws(ZeroMQError) {
    guard zmq_setsockopt(handle, option, text, text.utf8.count) == 0 else {
      throw ZeroMQError("zmq_setsockopt \(name)")
    }
  }

  /// The name under which a router knows this socket: 1 to 255 bytes that do not begin with a zero.
  package func setRoutingID(_ name: String) throws(ZeroMQError) {
    guard zmq_setsockopt(handle, ZMQ_ROUTING_ID, name, name.utf8.count) == 0 else {
      throw ZeroMQError("zmq_setsockopt routing_id")
    }
  }

  /// A descriptor for a foreign event loop. It becomes readable when `isReadable` *may* have changed, and only then:
  /// before each wait on it, and after each send, `isReadable` has to be looked at.
  package func fileDescriptor() throws(ZeroMQError) -> Int32 { try number(ZMQ_FD, "fd") }

  /// Whether a frame can be received now.
  package func isReadable() throws(ZeroMQError) -> Bool { try number(ZMQ_EVENTS, "events") & ZMQ_POLLIN != 0 }

  private func number(_ option: Int32, _ name: String) throws(ZeroMQError) -> Int32 {
    var value: Int32 = 0
    var size = MemoryLayout<Int32>.size
    while zmq_getsockopt(handle, option, &value, &size) != 0 {
      let failure = zmq_errno()
      guard failure == EINTR else { throw ZeroMQError("zmq_getsockopt \(name)", failure) }
    }
    return value
  }
}
