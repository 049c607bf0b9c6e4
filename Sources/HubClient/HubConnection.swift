/// One connection to a hub: sends requests, receives replies in their order, and knows whether anybody is there.
///
/// A message is only taken when the connection stands, and once it has been lost nothing is waited for: so the caller
/// learns whether a request can have reached the hub.
internal import Access
package import Bytes
package import ZeroMQ

package final class HubConnection {
  /// For a poller of the caller's own; everything else goes through this class.
  package let socket: Socket
  private let monitor: SocketMonitor
  private var poller: Poller
  private var isReady = false
  private var trouble = HubClientError.Unreachable.silent

  /// Large enough for every reply that a hub can be configured to give; a larger frame ends the connection.
  private static let replyBytesMax: Int64 = 256 << 20

  /// Begins to connect, in the background.
  ///
  /// - Parameter encryption: nil: what is sent can be read on its way.
  package init(
    to address: HubAddress, encryption: Encryption? = nil, in context: Context
  ) throws(HubClientError) {
    do throws(ZeroMQError) {
      socket = try Socket(.dealer, in: context)
      // Without a connection nothing is queued: what could not be sent has certainly not happened.
      try socket.set(.immediate, 1)
      try socket.set(.linger, 0)
      try socket.set(.ipv6, address.isVersion6 ? 1 : 0)
      try socket.setMaxFrameBytes(HubConnection.replyBytesMax)
      if let encryption {
        try socket.setCurveClient(
          serverKey: encryption.hubKey.description, publicKey: encryption.ownKey.publicKey.description,
          secretKey: encryption.ownKey.secretText)
      }
      monitor = try SocketMonitor(socket)
      poller = Poller(sockets: [monitor.events, socket])
      try socket.connect(address.text)
    } catch {
      throw .local(error)
    }
  }

  /// Waits until the connection stands.
  package func connect(before deadline: Deadline) throws(HubClientError) {
    _ = try takeEvents()
    while !isReady {
      let milliseconds = deadline.milliseconds
      // libzmq does not try again what was refused.
      guard milliseconds > 0, trouble != .notAllowed else { throw .unreachable(trouble) }
      try wait(milliseconds)
      _ = try takeEvents()
    }
  }

  /// Sends one request, once the connection stands. Many may be under way.
  package func send(_ body: RawSpan, before deadline: Deadline) throws(HubClientError) {
    while true {
      try connect(before: deadline)
      switch try HubConnection.zeroMQ({ () throws(ZeroMQError) in try socket.send(RawSpan(), more: true) }) {
      case .sent:
        _ = try HubConnection.zeroMQ { () throws(ZeroMQError) in try socket.send(body, more: false) }
        return
      case .wouldBlock, .unreachable:
        // The connection has just gone, or its queue is full; either may change.
        guard deadline.milliseconds > 0 else { throw .unreachable(.silent) }
        try wait(1)
      }
    }
  }

  /// Receives the body of the next reply into `body`, whose contents are replaced.
  package func receive(into body: inout ByteBuffer, before deadline: Deadline) throws(HubClientError) {
    while true {
      if try receiveNow(into: &body) { return }
      if try takeEvents() {
        // What had arrived before the end of the connection counts.
        guard try receiveNow(into: &body) else { throw .connectionLost }
        return
      }
      let milliseconds = deadline.milliseconds
      guard milliseconds > 0 else { throw .noReply }
      try wait(milliseconds)
    }
  }

  /// The same without waiting; false when there is no reply yet.
  package func receiveNow(into body: inout ByteBuffer) throws(HubClientError) -> Bool {
    body.removeAll()
    var frames = 0
    while true {
      let start = body.count
      let received = try HubConnection.zeroMQ { () throws(ZeroMQError) in
        try socket.receive(into: &body, waiting: frames > 0)
      }
      guard case .frame(let more) = received else { return false }
      frames += 1
      guard more else { break }
      guard frames == 1, body.count == start else { throw .badReply("it does not begin with one empty frame") }
    }
    guard frames == 2 else { throw .badReply("it has \(frames) frames, not an empty one and a body") }
    return true
  }

  private func wait(_ milliseconds: Int) throws(HubClientError) {
    _ = try HubConnection.zeroMQ { () throws(ZeroMQError) in try poller.wait(milliseconds: milliseconds) }
  }

  /// Takes in what became of the connection. Returns whether it has ended since the last time.
  private func takeEvents() throws(HubClientError) -> Bool {
    var hasEnded = false
    while let event = try HubConnection.zeroMQ({ () throws(ZeroMQError) in try monitor.next() }) {
      switch event {
      case .connected: if trouble != .foreign, trouble != .notAllowed { trouble = .mute }
      case .handshakeSucceeded: isReady = true
      case .handshakeFailed: trouble = .foreign
      case .handshakeRefused: trouble = .notAllowed
      case .connectRetried: if trouble == .silent { trouble = .refused }
      case .disconnected:
        if isReady {
          hasEnded = true
          // What comes next says why there is no connection.
          trouble = .silent
        }
        isReady = false
      case .accepted: break
      }
    }
    return hasEnded
  }

  private static func zeroMQ<Value>(_ call: () throws(ZeroMQError) -> Value) throws(HubClientError) -> Value {
    do {
      return try call()
    } catch {
      throw .local(error)
    }
  }
}
