/// The name of a complete envelope in tables: two envelopes have one name only when all their frames are equal.
internal import Hub

struct EnvelopeName: Hashable {
  let frames: KeyHash
  /// Where each frame ends. Without it `ab` and `a` `b` would be one envelope, and clients choose their frames.
  let ends: [Int]

  init(_ frames: RawSpan, ends: [Int]) {
    self.frames = KeyHash(frames)
    self.ends = ends
  }

  /// The name of a call that came through the gate. No envelope is without frames: so it is nobody else's.
  init(call number: UInt64) {
    frames = KeyHash(number: number)
    ends = []
  }

  func hash(into hasher: inout Hasher) { frames.hash(into: &hasher) }
}
