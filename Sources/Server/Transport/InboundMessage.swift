/// One request as it came over ZeroMQ: envelope and body, or what is wrong with its frames. CONTRACT: section 2.
internal import Bytes

struct InboundMessage: ~Copyable {
  enum Shape {
    /// Envelope and one body frame.
    case request
    /// The envelope can be answered, the body can not be used.
    case malformed(String)
    /// Not even an address: nothing can be answered.
    case unanswerable
  }

  static let envelopeFramesMax = 8

  private(set) var bytes = ByteBuffer(capacity: 8 << 10)
  /// Where each frame that was kept ends.
  private(set) var ends: [Int] = []
  /// Frames that came, kept or not.
  private(set) var frameCount = 0

  private static let keptFramesMax = envelopeFramesMax + 1
  private static let keptBytes = 64 << 10

  mutating func begin() {
    bytes.removeAll(shrinkingAbove: InboundMessage.keptBytes)
    ends.removeAll(keepingCapacity: true)
    frameCount = 0
  }

  /// Gives `receive` the buffer to append the next frame to.
  mutating func add<Failure: Error>(
    _ receive: (inout ByteBuffer) throws(Failure) -> Bool
  ) throws(Failure) -> Bool {
    let start = bytes.count
    let more = try receive(&bytes)
    frameCount += 1
    if ends.count < InboundMessage.keptFramesMax {
      ends.append(bytes.count)
    } else {
      bytes.truncate(to: start)
    }
    return more
  }

  func frame(_ index: Int) -> Range<Int> { (index == 0 ? 0 : ends[index - 1])..<ends[index] }

  /// How many frames form the envelope: all up to and including the first empty one. Without an empty frame it is the
  /// first one alone, the routing id that the socket put there.
  var envelopeFrames: Int {
    for index in 1..<max(ends.count, 1) where index < InboundMessage.envelopeFramesMax && frame(index).isEmpty {
      return index + 1
    }
    return min(1, ends.count)
  }

  var shape: Shape {
    guard let first = ends.first, first > 0 else { return .unanswerable }
    let envelope = envelopeFrames
    let bodies = frameCount - envelope
    if bodies == 1 { return .request }
    guard envelope > 1 else {
      return .malformed(
        "the message has \(bodies) frames and no empty one among the first \(InboundMessage.envelopeFramesMax): send "
          + "one frame with the request, or an envelope that ends with an empty frame and then the request")
    }
    return .malformed("a request has one body frame behind its envelope, this message has \(bodies)")
  }

  var body: Range<Int> { frame(envelopeFrames) }
}
