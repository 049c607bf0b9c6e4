/// The name of a complete envelope in tables: two envelopes have one name only when all their frames are equal.
internal import Hub

struct EnvelopeName: Hashable {
  let frames: KeyHash
  /// Where each frame ends. Without it `ab` and `a` `b` would be one envelope, and clients choose their frames.
  let ends: [Int]
  /// The connection that it came through: the first frame is libzmq's name for it.
  let peer: KeyHash

  init(_ frames: RawSpan, ends: [Int]) {
    self.frames = KeyHash(frames)
    self.ends = ends
    peer = ends[0] == frames.byteCount ? self.frames : KeyHash(frames.extracting(0..<ends[0]))
  }

  /// The name of a call that came through the gate. No envelope is without frames: so it is nobody else's.
  ///
  /// - Parameter peer: of the connection that the call came through; empty: it has one to itself.
  init(call number: UInt64, peer: RawSpan) {
    frames = KeyHash(number: number)
    ends = []
    self.peer = peer.isEmpty ? frames : KeyHash(peer)
  }

  func hash(into hasher: inout Hasher) { frames.hash(into: &hasher) }
}
