/// Says for libzmq which CURVE keys are let in (https://rfc.zeromq.org/spec/27), and by which id their messages are known.
///
/// libzmq asks while it shakes hands, over a socket of its own within the process. Without an answer nobody is let in.
internal import Access
internal import Bytes
internal import ZeroMQ

final class ZapHandler {
  let socket: Socket
  // Unchecked exclusivity: one thread owns this object.
  @exclusivity(unchecked) private var bytes = ByteBuffer(capacity: 512)
  @exclusivity(unchecked) private var ends: [Int] = []
  @exclusivity(unchecked) private(set) var accepted: UInt64 = 0
  @exclusivity(unchecked) private(set) var refused: UInt64 = 0

  static let domain = "mfh"
  private static let endpoint = "inproc://zeromq.zap.01"
  private static let version = "1.0"
  /// version, request id, domain, address, routing id, mechanism, the client's public key
  private static let curveFrames = 7

  /// Call it before the socket that it speaks for is bound.
  init(in context: Context) throws(ZeroMQError) {
    socket = try Socket(.reply, in: context)
    try socket.set(.linger, 0)
    try socket.set(.receiveHighWater, 0)
    try socket.set(.sendHighWater, 0)
    _ = try socket.bind(ZapHandler.endpoint)
  }

  /// Answers all that has been asked.
  func answer(_ access: AccessControl) throws(ZeroMQError) {
    while try receive() {
      let id = ZapHandler.clientID(bytes, ends, access)
      if id == nil { refused += 1 } else { accepted += 1 }
      try reply(id)
    }
  }

  private func receive() throws(ZeroMQError) -> Bool {
    bytes.removeAll()
    ends.removeAll(keepingCapacity: true)
    while case .frame(let more) = try socket.receive(into: &bytes, waiting: !ends.isEmpty) {
      ends.append(bytes.count)
      if !more { return true }
    }
    return false
  }

  /// The id of the key that the client has; nil when it is not on the list, or this is not about one.
  private static func clientID(_ bytes: borrowing ByteBuffer, _ ends: [Int], _ access: AccessControl) -> KeyID? {
    let request = bytes.bytes
    func frame(_ index: Int) -> Range<Int> { (index == 0 ? 0 : ends[index - 1])..<ends[index] }
    guard ends.count == curveFrames, request.extracting(frame(0)).equals("1.0"),
      request.extracting(frame(2)).equals("mfh"), request.extracting(frame(5)).equals("CURVE"),
      let key = CurvePublicKey(request.extracting(frame(6)))
    else { return nil }
    return access.id(of: key)
  }

  private func reply(_ id: KeyID?) throws(ZeroMQError) {
    let request = ends.count > 1 ? ZapHandler.array(bytes, ends[0]..<ends[1]) : []
    let status = id == nil ? ("400", "the key is not on the list") : ("200", "OK")
    let frames = [
      Array(ZapHandler.version.utf8), request, Array(status.0.utf8), Array(status.1.utf8),
      Array((id?.description ?? "").utf8), [],
    ]
    for (index, frame) in frames.enumerated() {
      _ = try socket.send(frame.span.bytes, more: index < frames.count - 1)
    }
  }

  private static func array(_ bytes: borrowing ByteBuffer, _ range: Range<Int>) -> [UInt8] {
    bytes.bytes.extracting(range).array()
  }
}
