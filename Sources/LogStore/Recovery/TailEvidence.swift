/// What lies behind the first frame that can not be read, and what it proves. See FORMAT.md, "Torn tail or rot".
internal import Bytes

package struct TailEvidence: Equatable, Sendable {
  /// Whether anything but zeros was found.
  package var hasContent = false
  /// The highest claims of the valid frames that were found behind the place.
  package var durableThrough = Revision.none
  package var durableOffset: UInt64 = 0

  /// Looks at every place behind `offset` at which a frame could begin. A frame's checksum depends on where it lies,
  /// so bytes that only look like a frame (a payload that holds one, say) prove nothing.
  package static func collect(
    behind offset: Int, in segment: SegmentFile, limit: Int
  ) throws(LogError) -> TailEvidence {
    var evidence = TailEvidence()
    var window = ByteBuffer(capacity: min(windowBytes, max(limit - offset, 0)))
    var position = offset
    while position < limit {
      window.removeAll()
      do {
        try segment.file.read(
          at: UInt64(position), length: min(windowBytes, limit - position), into: &window)
      } catch {
        throw LogError(error, segment: segment.number, offset: UInt64(position))
      }
      if window.count == 0 { break }
      if !window.bytes.isZero {
        evidence.hasContent = true
        evidence.search(window.bytes, at: position, seed: segment.seed)
      }
      if window.count < Layout.FrameHeader.size { break }
      // Neighbouring windows overlap, so that a header across their border is seen whole.
      position += max(window.count - Layout.FrameHeader.size, Layout.alignment) & ~7
    }
    return evidence
  }

  private static let windowBytes = 1 << 20

  private mutating func search(_ bytes: RawSpan, at start: Int, seed: FrameSeed) {
    var position = 0
    while position + Layout.FrameHeader.size <= bytes.byteCount {
      if bytes.u32(position + Layout.FrameHeader.magicOffset) == Layout.FrameHeader.magic {
        let place = bytes.extracting(position..<(position + Layout.FrameHeader.size))
        if let header = try? FrameHeader.decode(place, seed: seed, offset: start + position) {
          durableThrough = max(durableThrough, header.durableThrough)
          durableOffset = max(durableOffset, header.durableOffset)
        }
      }
      position += Layout.alignment
    }
  }
}
