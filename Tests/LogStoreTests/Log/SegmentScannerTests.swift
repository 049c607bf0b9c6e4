/// What the scan of a segment does with frames that are sound in themselves and yet can not be true.
import Bytes
import LogStore
import Testing

@Suite("Scanning a segment")
struct SegmentScannerTests {
  /// Bytes in memory that remember the longest read.
  private final class MeasuredFile: StorageFile, @unchecked Sendable {
    var bytes: [UInt8]
    var longestRead = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    func size() -> UInt64 { UInt64(bytes.count) }
    func read(at offset: UInt64, length: Int, into buffer: inout ByteBuffer) {
      longestRead = max(longestRead, length)
      let end = min(Int(offset) + length, bytes.count)
      if Int(offset) < end { buffer.append(Array(bytes[Int(offset)..<end]).span.bytes) }
    }
    func write(_ bytes: RawSpan, at offset: UInt64) { preconditionFailure("a scan does not write") }
    func sync() {}
  }

  private static let header = SegmentHeader(
    store: StoreIdentity(high: 1, low: 2), lineage: StoreIdentity(high: 3, low: 4), number: SegmentNumber(1),
    capacity: 64 << 10, baseRevision: Revision(1), epoch: 1, createdAt: 0)

  /// A segment with these frames and no bodies.
  private func scan(_ frames: [FrameHeader]) throws -> (SegmentScan, longestRead: Int) {
    var bytes = [UInt8](repeating: 0, count: Int(Self.header.capacity))
    for (index, frame) in frames.enumerated() {
      let offset = Layout.SegmentHeader.blockBytes + index * Layout.FrameHeader.size
      var encoded = ByteBuffer()
      encoded.append(zeros: Layout.FrameHeader.size)
      frame.encode(over: &encoded, seed: Self.header.seed, offset: offset)
      bytes.replaceSubrange(offset..<(offset + Layout.FrameHeader.size), with: encoded.bytes.array())
    }
    let file = MeasuredFile(bytes)
    var scanner = SegmentScanner(SegmentFile(header: Self.header, file: file))
    return (try scanner.scan(after: .none) { (_, _, _) throws(LogError) in }, file.longestRead)
  }

  private func frame(_ kind: FrameKind = .stamp, first: UInt64 = 1, time: Int64 = 0, body: UInt32 = 0) -> FrameHeader {
    FrameHeader(
      kind: kind, durability: .fsync, bodyBytes: body, firstRevision: Revision(first),
      lastRevision: Revision(first - 1), epoch: 1, time: time)
  }

  @Test("A frame that says it is 4 GiB long takes no more memory than the segment has bytes")
  func longFrame() throws {
    let (scan, longestRead) = try scan([frame(), frame(.commit, body: .max - 7)])
    #expect(scan.frames == 1 && scan.stop == .bad(.truncated))
    #expect(longestRead <= Int(Self.header.capacity))
  }

  @Test("A gap in the revisions and a time that goes back end the scan, and name the field")
  func order() throws {
    #expect(try scan([frame(time: 5), frame(time: 5)]).0.frames == 2)
    #expect(try scan([frame(), frame(first: 2)]).0.stop == .bad(.badField("first_revision")))
    #expect(try scan([frame(time: 5), frame(time: 4)]).0.stop == .bad(.badField("time")))
  }
}
