/// One frame on its way to the disk: built by the log's owner, then handed to the commit worker, never shared.
package import Bytes

package final class CommitBuffer: @unchecked Sendable {
  // Unchecked exclusivity: one thread owns this object, and asking at every access costs a tenth of a write.
  /// Frame header (filled in by the worker) and body.
  @exclusivity(unchecked) package var bytes = ByteBuffer(capacity: 64 << 10)
  @exclusivity(unchecked) package var header: FrameHeader
  @exclusivity(unchecked) package private(set) var segment: SegmentFile
  /// The byte of the segment at which the frame begins.
  @exclusivity(unchecked) package private(set) var offset: Int
  @exclusivity(unchecked) package private(set) var ticket: UInt64
  /// When it was handed to the worker.
  @exclusivity(unchecked) var submittedAt = ContinuousClock.now
  /// The time of its first record; nil as long as it has none.
  @exclusivity(unchecked) private(set) var firstTime: Int64?
  /// Synced before it is acknowledged, in every durability mode.
  @exclusivity(unchecked) package var isForced = false

  private static let keptBytes = 1 << 20

  init(_ header: FrameHeader, segment: SegmentFile, offset: Int, ticket: UInt64) {
    self.header = header
    self.segment = segment
    self.offset = offset
    self.ticket = ticket
    bytes.append(zeros: Layout.FrameHeader.size)
  }

  /// Makes a finished buffer serve again.
  func reuse(_ header: FrameHeader, segment: SegmentFile, offset: Int, ticket: UInt64) {
    self.header = header
    self.segment = segment
    self.offset = offset
    self.ticket = ticket
    isForced = false
    firstTime = nil
    bytes.removeAll(shrinkingAbove: CommitBuffer.keptBytes)
    bytes.append(zeros: Layout.FrameHeader.size)
  }

  func append(
    _ fields: RecordFields, _ names: borrowing RecordNames, payload: RawSpan
  ) -> RecordPosition {
    let start = bytes.count
    RecordEncoder.append(fields, names, payload: payload, seed: segment.seed, offset: offset + start, to: &bytes)
    header.recordCount += 1
    if firstTime == nil { firstTime = fields.time }
    if fields.operation.takesRevision { header.lastRevision = fields.revision }
    header.time = max(header.time, fields.time)
    return RecordPosition(
      segment: segment.number, offset: UInt32(offset + start), length: UInt32(bytes.count - start))
  }

  /// Notes the frame as the worker will write it.
  func note(in table: inout CommitTable) {
    var final = header
    final.bodyBytes = UInt32(bytes.count - Layout.FrameHeader.size)
    table.note(final, at: offset)
    CommitBuffer.mark(bytes, final, at: offset, in: &table)
  }

  private static func mark(
    _ bytes: borrowing ByteBuffer, _ header: FrameHeader, at offset: Int, in table: inout CommitTable
  ) {
    table.markRecords(header, at: offset, bytes.bytes.extracting(Layout.FrameHeader.size..<bytes.count))
  }

  func appendSealBody(_ table: CommitTable) {
    table.encodeSealBody(into: &bytes, seed: segment.seed, offset: offset + Layout.FrameHeader.size)
  }

  /// Calls `visit` with each of the frame's records: for the owner, once the frame is acknowledged.
  package func forEachRecord(
    _ visit: (RecordHeader, RecordPosition, _ record: RawSpan) throws(LogError) -> Void
  ) throws(LogError) {
    try CommitBuffer.forEach(bytes, segment, offset, visit)
  }

  private static func forEach(
    _ bytes: borrowing ByteBuffer, _ segment: SegmentFile, _ offset: Int,
    _ visit: (RecordHeader, RecordPosition, _ record: RawSpan) throws(LogError) -> Void
  ) throws(LogError) {
    let body = bytes.bytes.extracting(Layout.FrameHeader.size..<bytes.count)
    try CommitFrame.forEach(in: body, seed: segment.seed, bodyOffset: offset + Layout.FrameHeader.size) {
      (header, place, record) throws(LogError) in
      try visit(
        header, RecordPosition(segment: segment.number, offset: UInt32(place), length: header.recordBytes), record)
    }
  }

  var end: Int { offset + bytes.count }

  /// Where the log goes on behind this frame.
  package var placeBehind: LogPlace {
    header.kind == .seal
      ? LogPlace(segment: segment.number.next, offset: Layout.SegmentHeader.blockBytes)
      : LogPlace(segment: segment.number, offset: end)
  }
}
