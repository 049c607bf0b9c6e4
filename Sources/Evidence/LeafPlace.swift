/// Where in the log a leaf lies, so that reading can begin there. What a place says is a hint for where to look: which
/// records come from there is checked by their hashes.
internal import Bytes
package import LogStore

package struct LeafPlace: Equatable, Sendable {
  /// The segment, and the generation in which `frameOffset` is right.
  package var segment: SegmentNumber
  package var generation: UInt32
  package var frameOffset: UInt32 = UInt32(Layout.SegmentHeader.blockBytes)
  /// Records of that frame, and of that segment, that come before.
  package var frameSkip: UInt32 = 0
  package var segmentSkip: UInt32 = 0
  /// The last revisions before the leaf, before its frame, and before its segment.
  package var revisionBefore = Revision.none
  package var revisionBeforeFrame = Revision.none
  package var revisionBeforeSegment = Revision.none

  /// The place before the first record of a segment.
  init(beginningOf segment: SegmentFile, after revision: Revision) {
    self.segment = segment.number
    generation = segment.header.generation
    revisionBefore = revision
    revisionBeforeFrame = revision
    revisionBeforeSegment = revision
  }

  /// The first record of a log.
  package init(beginningOf log: DurableEnd) {
    let first = log.segments[0]
    self.init(beginningOf: first, after: Revision(max(first.header.baseRevision.value, 1) - 1))
  }

  mutating func enter(_ file: SegmentFile, _ frame: FrameHeader, at offset: Int) {
    let before = Revision(frame.firstRevision.value - 1)
    if file.number != segment || file.header.generation != generation {
      self = LeafPlace(beginningOf: file, after: before)
    }
    frameOffset = UInt32(offset)
    frameSkip = 0
    revisionBeforeFrame = before
  }

  mutating func pass(_ header: RecordHeader) {
    frameSkip += 1
    segmentSkip += 1
    if header.fields.revision != .none { revisionBefore = header.fields.revision }
  }

  // MARK: In a file

  static let bytes = 48

  func append(to buffer: inout ByteBuffer) {
    buffer.append(littleEndian: revisionBefore.value)
    buffer.append(littleEndian: revisionBeforeFrame.value)
    buffer.append(littleEndian: revisionBeforeSegment.value)
    for number in [segment.value, generation, frameOffset, frameSkip, segmentSkip, 0] {
      buffer.append(littleEndian: number)
    }
  }

  init?(_ span: RawSpan, at offset: Int) {
    guard let number = SegmentNumber(stored: UInt64(span.u32(offset + 24))) else { return nil }
    segment = number
    generation = span.u32(offset + 28)
    frameOffset = span.u32(offset + 32)
    frameSkip = span.u32(offset + 36)
    segmentSkip = span.u32(offset + 40)
    revisionBefore = Revision(span.u64(offset))
    revisionBeforeFrame = Revision(span.u64(offset + 8))
    revisionBeforeSegment = Revision(span.u64(offset + 16))
    guard frameSkip <= segmentSkip else { return nil }
  }
}
