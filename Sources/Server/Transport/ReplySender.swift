/// Sends replies without ever waiting for a client: what a client does not take is dropped and counted.
internal import Bytes
internal import Hub
internal import ZeroMQ

final class ReplySender {
  private let socket: Socket
  private let service: ServiceInfo
  /// Bytes of large replies that have not left the process: of all clients, and of each that has some.
  private let all = SendCounter()
  private var peers: [KeyHash: SendCounter] = [:]

  /// Replies from this size on are counted until they have left the process. libzmq counts messages, not bytes:
  /// without this a client that asks and does not read could make the hub hold thousands of replies of 8 MiB.
  private static let largeReplyBytes = 4 << 10
  private static let peerBytesMax = 64 << 20
  private static let allBytesMax = 512 << 20

  init(socket: Socket, service: ServiceInfo) {
    self.socket = socket
    self.service = service
  }

  /// Whether the peer whose routing id this is has not taken so much that it gets nothing large before it does. When all
  /// clients together have reached the limit, this hits only those that have a part in it.
  func isBehind(_ peer: RawSpan) -> Bool {
    guard all.outstanding > 0, let own = peers[KeyHash(peer)]?.outstanding else { return false }
    return own >= ReplySender.peerBytesMax || own > 0 && all.outstanding >= ReplySender.allBytesMax
  }

  /// Forgets the peers that have taken everything.
  func keepHouse() {
    if !peers.isEmpty { peers = peers.filter { $0.value.outstanding > 0 } }
  }

  /// Sends one reply behind the frames of an envelope.
  func send(_ reply: RawSpan, envelope: RawSpan, ends: [Int]) throws(ZeroMQError) {
    var start = 0
    for (index, end) in ends.enumerated() {
      let sent = try socket.send(envelope.extracting(start..<end), more: true)
      // Only the first frame, the address, can be refused: what follows belongs to the same message.
      if sent != .sent, index == 0 {
        service.counters.droppedReplies += 1
        return
      }
      start = end
    }
    if reply.byteCount >= ReplySender.largeReplyBytes {
      _ = try socket.send(reply, countedIn: counter(envelope.extracting(0..<ends[0])))
    } else {
      _ = try socket.send(reply, more: false)
    }
  }

  private func counter(_ peer: RawSpan) -> SendCounter {
    let name = KeyHash(peer)
    if let known = peers[name] { return known }
    let counter = SendCounter(within: all)
    peers[name] = counter
    return counter
  }
}
