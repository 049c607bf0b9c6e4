/// Sends replies without ever waiting for a client: what a client does not take is dropped and counted.
internal import Bytes
internal import ZeroMQ

final class ReplySender {
  private let socket: Socket
  private let service: ServiceInfo
  private let largeBytes = SendCounter()

  /// Replies from this size on are counted until they have left the process.
  private static let largeReplyBytes = 32 << 10
  /// What large replies may take together. libzmq counts messages, not bytes: without this a client that asks and
  /// does not read could make the hub hold a thousand replies of 8 MiB.
  private static let largeBytesMax = 128 << 20

  init(socket: Socket, service: ServiceInfo) {
    self.socket = socket
    self.service = service
  }

  /// Whether another large reply may be made now.
  var hasRoom: Bool { largeBytes.outstanding < ReplySender.largeBytesMax }

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
      _ = try socket.send(reply, countedIn: largeBytes)
    } else {
      _ = try socket.send(reply, more: false)
    }
  }
}
