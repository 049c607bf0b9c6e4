/// A segment with which a copied log ends and a new one can begin: it raises the epoch and says that the store was
/// closed in good order, so that revisions which come after it are not taken for those that the source gave.
internal import Bytes

package struct LogEnd {
  /// As large as the first segment of a new store.
  package static let standardBytes = 8 << 20

  private let epoch: UInt64
  private let time: Int64
  private let lastRevision: Revision

  package init(epoch: UInt64, time: Int64, lastRevision: Revision) {
    self.epoch = epoch
    self.time = time
    self.lastRevision = lastRevision
  }

  /// Makes the segment, durable but for its name.
  package func write(
    _ header: SegmentHeader, capacity: Int, to storage: any Storage
  ) throws(LogError) -> Manifest.Segment {
    var header = header
    header.capacity = UInt64(capacity)
    let name = StoreNames.segment(header.number, generation: header.generation)
    do {
      try storage.expectSpace(for: name, bytes: header.capacity)
      let file = try storage.create(name)
      var bytes = ByteBuffer(capacity: LogEnd.pieceBytes)
      header.encode(into: &bytes)
      append(.commit, epochRecord(header.seed, at: bytes.count), header.seed, to: &bytes)
      append(.stamp, ByteBuffer(capacity: 16), header.seed, to: &bytes)
      var offset = 0
      while offset < capacity {
        bytes.append(zeros: max(0, min(LogEnd.pieceBytes, capacity - offset) - bytes.count))
        try file.write(bytes.bytes, at: UInt64(offset))
        offset += bytes.count
        bytes.removeAll()
      }
      try file.sync()
    } catch {
      throw LogError(error)
    }
    return Manifest.Segment(number: header.number, generation: header.generation, capacity: header.capacity)
  }

  private static let pieceBytes = 1 << 20

  private func epochRecord(_ seed: FrameSeed, at offset: Int) -> ByteBuffer {
    var body = ByteBuffer(capacity: 256)
    let none = ByteBuffer(capacity: 16)
    RecordEncoder.append(
      RecordFields(operation: .epoch, revision: .none, time: time),
      RecordNames(key: none.bytes, agent: none.bytes, correlation: none.bytes, request: none.bytes),
      payload: none.bytes, seed: seed, offset: offset + Layout.FrameHeader.size, to: &body)
    return body
  }

  private func append(
    _ kind: FrameKind, _ body: borrowing ByteBuffer, _ seed: FrameSeed, to bytes: inout ByteBuffer
  ) {
    var frame = ByteBuffer(capacity: 512)
    frame.append(zeros: Layout.FrameHeader.size)
    frame.append(body.bytes)
    let header = FrameHeader(
      kind: kind, durability: .fsync, isCleanClose: kind == .stamp, bodyBytes: UInt32(body.count),
      recordCount: kind == .commit ? 1 : 0, firstRevision: lastRevision.next, lastRevision: lastRevision,
      epoch: epoch, time: time, durableThrough: lastRevision, durableOffset: UInt64(bytes.count))
    header.encode(over: &frame, seed: seed, offset: bytes.count)
    LogEnd.append(frame, to: &bytes)
  }

  private static func append(_ frame: borrowing ByteBuffer, to bytes: inout ByteBuffer) { bytes.append(frame.bytes) }
}
