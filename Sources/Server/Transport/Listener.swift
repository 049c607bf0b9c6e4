/// The socket that clients connect to, and what protects it. SECURITY: rows 2 to 4.
internal import Access
internal import Glibc
internal import Hub
internal import LogStore
internal import ZeroMQ

enum Listener {
  /// Files that libzmq opens to begin with, and some for clients and the next segments.
  static let filesMin = 32

  /// Requests of one connection that have come and are not looked at yet. Nobody answers them meanwhile: a flood is to
  /// wait with the one who sends it. Beyond them libzmq leaves the connection unread, and TCP holds its client back.
  /// Measured: docs/decisions/0056-fair-shares.md.
  static let unseenRequestsMax: Int32 = 64

  /// A router socket that is not bound yet.
  ///
  /// - Parameter curveKey: the hub's; nil: what is sent is not encrypted, and everybody is let in.
  static func socket(
    in context: Context, limits: HubLimits, curveKey: CurveKeyPair? = nil
  ) throws(ZeroMQError) -> Socket {
    let socket = try Socket(.router, in: context)
    if let curveKey { try socket.setCurveServer(secretKey: curveKey.secretText, domain: ZapHandler.domain) }
    try socket.set(.linger, 0)
    try socket.set(.routerMandatory, 1)
    try socket.set(.routerHandover, 0)
    try socket.set(.handshakeInterval, 5_000)
    try socket.set(.heartbeatInterval, 10_000)
    try socket.set(.heartbeatTimeout, 30_000)
    try socket.set(.backlog, 1_024)
    try socket.set(.receiveHighWater, unseenRequestsMax)
    // All requests that one client may have in flight can be answered at the same moment; refusals of more come on top.
    try socket.set(.sendHighWater, Int32(max(1_000, limits.inFlightPerConnection * 2)))
    // Up to twice the request limit is answered with an error, beyond that the connection is closed.
    try socket.setMaxFrameBytes(Int64(limits.requestBytes) * 2)
    return socket
  }

  /// - Parameters:
  ///   - host: an address in numbers, IPv6 in brackets.
  ///   - port: 0 takes a free one.
  /// - Returns: the address with the port that was taken.
  static func bind(_ socket: Socket, host: String, port: UInt16) throws(ListenerError) -> String {
    do {
      if host.hasPrefix("[") { try socket.set(.ipv6, 1) }
      return try socket.bind("tcp://\(host):\(port == 0 ? "*" : String(port))")
    } catch {
      throw ListenerError(error)
    }
  }
}

/// A listener that can not be opened: what, where, and what to do.
package struct ListenerError: Error, Sendable {
  package let message: String
  let isNotPermitted: Bool
  /// It is not the address that is wrong, but a file that the configuration names.
  var isConfiguration = false

  /// Too few files may be open for a hub that is to answer anybody.
  static let tooFewFiles = ListenerError(ZeroMQError("opening the listener", EMFILE))

  package init(configuration problem: String) {
    message = PrintableText.of(problem)
    isNotPermitted = false
    isConfiguration = true
  }

  init(_ error: ZeroMQError) {
    self.init(error.description, number: error.number, flag: "--zmq-port")
  }

  /// - Parameters:
  ///   - what: what failed, where and why.
  ///   - number: the system's number for it; 0 when there is none.
  ///   - flag: the flag that chooses another port.
  package init(_ what: String, number: Int32, flag: String) {
    isNotPermitted = number == EACCES || number == EPERM
    let advice =
      switch number {
      case EADDRINUSE: "another program listens there: stop it, or choose another port with \(flag)"
      case EADDRNOTAVAIL, ENODEV: "this machine has no such address: choose another one with --bind"
      case EACCES, EPERM: "ports below 1024 need a privilege: choose another port with \(flag)"
      case EMFILE, ENFILE: "raise the limit of open files (ulimit -n)"
      default: "choose another address or port with --bind and \(flag)"
      }
    message = "\(what); \(advice)"
  }
}
