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
  // Unchecked exclusivity: one thread owns this object, and asking at every access costs a tenth of a write.
  /// Frames of replies that are not sent yet, one behind the other, and where each ends.
  @exclusivity(unchecked) private var held = ByteBuffer(capacity: 64 << 10)
  @exclusivity(unchecked) private var heldFrames: [HeldFrame] = []
  @exclusivity(unchecked) private var heldReplies = 0

  private struct HeldFrame {
    var end: Int
    var isLast: Bool
  }

  /// Replies that are sent in one go at the latest.
  private static let heldRepliesMax = 32

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

  /// Sends one reply behind the frames of an envelope: a large one at once, a small one with `flush` at the latest.
  ///
  /// libzmq's thread sleeps when it has nothing to send, and waking it costs more than sending. Replies that come
  /// together wake it once, and leave in fewer packets.
  func send(_ reply: RawSpan, envelope: RawSpan, ends: [Int]) throws(ZeroMQError) {
    guard reply.byteCount < ReplySender.largeReplyBytes else {
      try flush()
      try sendNow(reply, envelope: envelope, ends: ends)
      return
    }
    let start = held.count
    held.append(envelope)
    for end in ends { heldFrames.append(HeldFrame(end: start + end, isLast: false)) }
    held.append(reply)
    heldFrames.append(HeldFrame(end: held.count, isLast: true))
    heldReplies += 1
    if heldReplies >= ReplySender.heldRepliesMax { try flush() }
  }

  /// Sends the replies that were held back so that they leave together. Call it before waiting for anything.
  func flush() throws(ZeroMQError) {
    guard heldReplies > 0 else { return }
    try ReplySender.flush(self, held)
    held.removeAll()
    heldFrames.removeAll(keepingCapacity: true)
    heldReplies = 0
  }

  private static func flush(_ sender: ReplySender, _ held: borrowing ByteBuffer) throws(ZeroMQError) {
    var start = 0
    var isFirst = true
    var isDropped = false
    for frame in sender.heldFrames {
      if !isDropped {
        let sent = try sender.socket.send(held.bytes.extracting(start..<frame.end), more: !frame.isLast)
        // Only the first frame, the address, can be refused: what follows belongs to the same message.
        if isFirst, sent != .sent {
          sender.service.counters.droppedReplies += 1
          isDropped = true
        }
      }
      isFirst = frame.isLast
      if frame.isLast { isDropped = false }
      start = frame.end
    }
  }

  private func sendNow(_ reply: RawSpan, envelope: RawSpan, ends: [Int]) throws(ZeroMQError) {
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
    _ = try socket.send(reply, countedIn: counter(envelope.extracting(0..<ends[0])))
  }

  private func counter(_ peer: RawSpan) -> SendCounter {
    let name = KeyHash(peer)
    if let known = peers[name] { return known }
    let counter = SendCounter(within: all)
    peers[name] = counter
    return counter
  }
}
