/// One connection to the hub, and what it is waiting for.
internal import Access
internal import Bytes
internal import ZeroMQ

final class LoadClient {
  /// Readable when a reply may have come.
  let descriptor: Int32
  private let socket: Socket
  /// A ring: replies come in the order of the requests.
  private var waiting: [Waiting]
  private var first = 0
  private(set) var outstanding = 0

  struct Waiting {
    var operation = Operation.get
    /// When the request was to be sent, in nanoseconds.
    var time: Int64 = 0
  }

  init(_ target: LoadTarget, inFlight: Int) throws(LoadError) {
    waiting = [Waiting](repeating: Waiting(), count: inFlight)
    do throws(ZeroMQError) {
      socket = try Socket(.dealer, in: target.context)
      try socket.set(.linger, 0)
      try socket.set(.sendHighWater, 0)
      try socket.set(.receiveHighWater, 0)
      if let curve = target.curve {
        try socket.setCurveClient(
          serverKey: curve.hub.description, publicKey: curve.own.publicKey.description, secretKey: curve.own.secretText)
      }
      try socket.connect(target.endpoint)
      descriptor = try socket.fileDescriptor()
    } catch {
      throw LoadError(error)
    }
  }

  var hasRoom: Bool { outstanding < waiting.count }

  func send(_ body: RawSpan, _ sent: Waiting) throws(LoadError) {
    precondition(hasRoom, "a request is sent when there is room for it")
    do throws(ZeroMQError) {
      // Without a high-water mark nothing is refused.
      _ = try socket.send(RawSpan(), more: true)
      _ = try socket.send(body, more: false)
    } catch {
      throw LoadError(error)
    }
    let last = first + outstanding
    waiting[last < waiting.count ? last : last - waiting.count] = sent
    outstanding += 1
  }

  /// Makes `reply` the next reply that is there, and tells of its request; nil when there is none.
  func receive(_ reply: inout ByteBuffer) throws(LoadError) -> Waiting? {
    reply.removeAll()
    do throws(ZeroMQError) {
      // The empty delimiter, then the reply.
      guard try socket.receive(into: &reply) == .frame(more: true) else { return nil }
      _ = try socket.receive(into: &reply)
    } catch {
      throw LoadError(error)
    }
    precondition(outstanding > 0, "a reply answers a request")
    let answered = waiting[first]
    first = first + 1 < waiting.count ? first + 1 : 0
    outstanding -= 1
    return answered
  }
}
