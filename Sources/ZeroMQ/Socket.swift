/// One socket, used by one thread at a time.
package import Bytes
internal import CZeroMQ

package final class Socket {
  let handle: UnsafeMutableRawPointer
  /// Keeps the context alive as long as its socket.
  let context: Context
  /// The frame received last. It is used again for the next one, so that receiving makes nothing new.
  private let message: UnsafeMutablePointer<zmq_msg_t>
  private var isInsideOfMessage = false
  /// Whether peers have names that a handshake has shown.
  var knowsPeers = false
  /// The name of the peer that has sent the message received last, as the handshake's authenticator has it; nil when it
  /// has given none. A router knows it once the frame behind the routing id is received.
  package private(set) var userID: String?

  package init(_ kind: Kind, in context: Context) throws(ZeroMQError) {
    guard let handle = zmq_socket(context.handle, kind.number) else { throw ZeroMQError("zmq_socket \(kind)") }
    self.handle = handle
    self.context = context
    message = .allocate(capacity: 1)
    zmq_msg_init(message)
  }

  deinit {
    zmq_msg_close(message)
    message.deallocate()
    zmq_close(handle)
  }

  /// Binds and returns the endpoint, with the port that was taken where `endpoint` ended in `:*`.
  package func bind(_ endpoint: String) throws(ZeroMQError) -> String {
    guard zmq_bind(handle, endpoint) == 0 else { throw ZeroMQError("zmq_bind \(endpoint)") }
    return try lastEndpoint()
  }

  /// Begins to connect, in the background and again and again; only an endpoint that can never work throws.
  package func connect(_ endpoint: String) throws(ZeroMQError) {
    guard zmq_connect(handle, endpoint) == 0 else { throw ZeroMQError("zmq_connect \(endpoint)") }
  }

  /// What was bound or connected last.
  package func lastEndpoint() throws(ZeroMQError) -> String {
    var text = [CChar](repeating: 0, count: 512)
    var length = text.count
    guard zmq_getsockopt(handle, ZMQ_LAST_ENDPOINT, &text, &length) == 0 else {
      throw ZeroMQError("zmq_getsockopt last_endpoint")
    }
    return String(decoding: text.prefix(max(length - 1, 0)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  // MARK: Receiving

  package enum Received: Equatable, Sendable {
    /// One frame; `more`: another one of the same message follows, and is there.
    case frame(more: Bool)
    /// Nothing is there, or with `waiting` nothing came within `receiveTimeout`.
    case wouldBlock
  }

  /// Appends the next frame to `buffer`, whole, without waiting unless `waiting` is set.
  package func receive(into buffer: inout ByteBuffer, waiting: Bool = false) throws(ZeroMQError) -> Received {
    while true {
      let length = zmq_msg_recv(message, handle, waiting ? 0 : ZMQ_DONTWAIT)
      if length >= 0 {
        buffer.append(room: Int(length)) { room in
          if length > 0 { room.baseAddress!.copyMemory(from: zmq_msg_data(message), byteCount: Int(length)) }
          return Int(length)
        }
        let more = zmq_msg_more(message) != 0
        if knowsPeers { noteUserID(more: more) }
        // A large frame's memory is given back now, not when the next one comes.
        if length > Socket.keptFrameBytes {
          zmq_msg_close(message)
          zmq_msg_init(message)
        }
        return .frame(more: more)
      }
      let failure = zmq_errno()
      if failure == EAGAIN { return .wouldBlock }
      guard failure == EINTR else { throw ZeroMQError("zmq_msg_recv", failure) }
    }
  }

  private func noteUserID(more: Bool) {
    // What was found for one message is nothing for the next one.
    if !isInsideOfMessage { userID = nil }
    isInsideOfMessage = more
    if userID == nil, let name = zmq_msg_gets(message, "User-Id") { userID = String(cString: name) }
  }

  private static let keptFrameBytes = 64 << 10

  // MARK: Sending

  package enum Sent: Equatable, Sendable {
    case sent
    /// The peer's queue is full, or with `waiting` it was so for all of `sendTimeout`.
    case wouldBlock
    /// A mandatory router does not know the peer.
    case unreachable
  }

  /// Sends one frame; the bytes are copied. Only the first frame of a message can be refused: once it is taken, the
  /// others are.
  package func send(_ frame: RawSpan, more: Bool, waiting: Bool = false) throws(ZeroMQError) -> Sent {
    let flags = (more ? ZMQ_SNDMORE : 0) | (waiting ? 0 : ZMQ_DONTWAIT)
    while true {
      let sent = frame.withUnsafeBytes { zmq_send(handle, $0.baseAddress, $0.count, flags) }
      if sent >= 0 { return .sent }
      if let refusal = try Socket.refusal("zmq_send") { return refusal }
    }
  }

  /// What a failed send means; nil: an interrupting signal, try again.
  static func refusal(_ call: String) throws(ZeroMQError) -> Sent? {
    let failure = zmq_errno()
    switch failure {
    case EINTR: return nil
    case EAGAIN: return .wouldBlock
    case EHOSTUNREACH: return .unreachable
    default: throw ZeroMQError(call, failure)
    }
  }
}
