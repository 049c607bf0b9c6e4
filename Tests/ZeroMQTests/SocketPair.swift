/// Two connected sockets and what tests do with them. Nothing here waits longer than five seconds.
import Bytes
import Testing
import ZeroMQ

/// A bound router and a client that is connected to it.
struct SocketPair {
  let router: Socket
  let client: Socket
  let endpoint: String

  init(_ kind: Socket.Kind, in context: Context, prepare: (Socket) throws -> Void = { _ in }) throws {
    router = try Socket(.router, in: context)
    client = try Socket(kind, in: context)
    for socket in [router, client] {
      try socket.set(.receiveTimeout, 5_000)
      try socket.set(.sendTimeout, 5_000)
      try prepare(socket)
    }
    try router.set(.routerMandatory, 1)
    endpoint = try router.bind("tcp://127.0.0.1:*")
    try client.connect(endpoint)
  }
}

extension Socket {
  /// Sends all frames as one message.
  func send(_ frames: [[UInt8]]) throws {
    for (index, frame) in frames.enumerated() {
      let sent = try send(frame.span.bytes, more: index < frames.count - 1, waiting: true)
      try #require(sent == .sent)
    }
  }

  /// Receives the frames of one message; waits for it.
  func receiveMessage() throws -> [[UInt8]] {
    var frames: [[UInt8]] = []
    var buffer = ByteBuffer()
    while true {
      buffer.removeAll()
      guard case .frame(let more) = try receive(into: &buffer, waiting: true) else {
        Issue.record("no frame came within the receive timeout, after \(frames.count) of them")
        return frames
      }
      frames.append(bytes(of: buffer))
      if !more { return frames }
    }
  }
}

func bytes(of buffer: borrowing ByteBuffer) -> [UInt8] { buffer.bytes.array() }

/// A buffer with `count` bytes that differ from place to place.
func patterned(_ count: Int) -> [UInt8] { (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) } }

func buffer(_ bytes: [UInt8]) -> ByteBuffer {
  var buffer = ByteBuffer(capacity: bytes.count)
  buffer.append(bytes.span.bytes)
  return buffer
}
