/// Writes one segment from its beginning to its seal. Its header comes last: only then it is known how large it is.
internal import Bytes

final class SegmentWriter {
  private var header: SegmentHeader
  let file: any StorageFile
  let seed: FrameSeed
  /// The byte at which the next frame begins.
  private(set) var offset = Layout.SegmentHeader.blockBytes
  private var table = CommitTable()
  /// Frames that are not written yet.
  private var pending = ByteBuffer(capacity: SegmentWriter.pieceBytes + (256 << 10))

  private static let pieceBytes = 4 << 20

  init(_ storage: any Storage, header: SegmentHeader) throws(LogError) {
    self.header = header
    seed = header.seed
    do {
      file = try storage.create(StoreNames.segment(header.number, generation: header.generation))
    } catch {
      throw LogError(error)
    }
  }

  /// Writes a frame; `frame` has room for the header at its beginning.
  func write(_ header: FrameHeader, _ frame: inout ByteBuffer) throws(LogError) {
    header.encode(over: &frame, seed: seed, offset: offset)
    SegmentWriter.append(frame, to: &pending)
    table.note(header, at: offset)
    SegmentWriter.mark(frame, header, at: offset, in: &table)
    offset += frame.count
    if pending.count >= SegmentWriter.pieceBytes { try flush() }
  }

  private static func mark(
    _ frame: borrowing ByteBuffer, _ header: FrameHeader, at offset: Int, in table: inout CommitTable
  ) {
    table.markRecords(header, at: offset, frame.bytes.extracting(Layout.FrameHeader.size..<frame.count))
  }

  private static func append(_ frame: borrowing ByteBuffer, to buffer: inout ByteBuffer) { buffer.append(frame.bytes) }

  private func flush() throws(LogError) {
    try SegmentWriter.write(pending, to: file, at: offset - pending.count)
    pending.removeAll()
  }

  private static func write(
    _ bytes: borrowing ByteBuffer, to file: any StorageFile, at offset: Int
  ) throws(LogError) {
    do { try file.write(bytes.bytes, at: UInt64(offset)) } catch { throw LogError(error) }
  }

  /// Ends the segment; what is left is to sync it. It is as large as what is in it.
  func seal(_ frameHeader: FrameHeader) throws(LogError) -> Manifest.Segment {
    var frame = ByteBuffer(capacity: 64 << 10)
    frame.append(zeros: Layout.FrameHeader.size)
    table.encodeSealBody(into: &frame, seed: seed, offset: offset + Layout.FrameHeader.size)
    var sealHeader = frameHeader
    sealHeader.bodyBytes = UInt32(frame.count - Layout.FrameHeader.size)
    try write(sealHeader, &frame)
    try flush()
    header.capacity = UInt64(offset)
    guard Layout.capacities.contains(header.capacity) else {
      throw LogError(.tooLarge, "the segment has \(offset) bytes: no reader could name a place in it")
    }
    var block = ByteBuffer(capacity: Layout.SegmentHeader.blockBytes)
    header.encode(into: &block)
    try SegmentWriter.write(block, to: file, at: 0)
    return Manifest.Segment(number: header.number, generation: header.generation, capacity: header.capacity)
  }
}
