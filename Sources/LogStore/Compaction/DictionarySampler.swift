/// Trains a dictionary on texts of records from all over a segment.
internal import Bytes

struct DictionarySampler {
  private let source: SegmentFile
  private let limit: UInt64?
  private let edits: RecordEdits

  /// So many bytes of samples for each byte of the dictionary: more makes it slower, not better.
  private static let sampleFactor = 40
  /// A dictionary is worth a 256th of the plain segment.
  private static let share = 256
  /// A plain record is about twice as long as its text.
  private static let textShare = 2

  /// - Parameter edits: what is taken out of the records: no dictionary remembers it.
  init(_ source: SegmentFile, limit: UInt64?, _ edits: RecordEdits) {
    self.source = source
    self.limit = limit
    self.edits = edits
  }

  /// Empty when the segment is too small to gain from one.
  func train(pace: (Int) throws(LogError) -> Void) throws(LogError) -> ByteBuffer {
    let bytes = Int(min(limit ?? source.header.capacity, source.header.capacity))
    let bytesMax = min(Layout.PackedBlock.dictionaryBytesMax, bytes / DictionarySampler.share)
    let wanted = bytesMax * DictionarySampler.sampleFactor
    var samples = ByteBuffer(capacity: min(wanted, 1 << 20))
    var lengths: [Int] = []
    var builder = PackedBlockBuilder()
    let stride = max(1, bytes / DictionarySampler.textShare / max(wanted, 1))
    var count = 0
    var scanner = SegmentScanner(source, limit: limit)
    _ = try scanner.scan(after: try source.revisionBeforeFirst()) { (frame, offset, body) throws(LogError) in
      try pace(frame.frameBytes)
      guard frame.kind == .commit, samples.count < wanted else { return }
      try CommitFrame.forEach(in: body, seed: source.seed, bodyOffset: offset + Layout.FrameHeader.size) {
        (header, _, record) throws(LogError) in
        guard !header.isEmptied, edits.fate(of: header).keepsPayload else { return }
        count += 1
        guard count % stride == 0, record.byteCount <= DictionarySampler.recordBytesMax else { return }
        builder.begin(at: 0)
        builder.append(record)
        lengths.append(builder.text.count)
        samples.append(builder.text.bytes)
      }
    }
    var dictionary = ByteBuffer(capacity: bytesMax)
    ZstdDictionary.train(samples.bytes, lengths: lengths, bytesMax: bytesMax, into: &dictionary)
    return dictionary
  }

  /// A longer record finds what it repeats in itself.
  private static let recordBytesMax = 64 << 10
}

extension SegmentFile {
  /// The last revision before the segment's first frame, as that says itself.
  func revisionBeforeFirst() throws(LogError) -> Revision {
    let offset = Layout.SegmentHeader.blockBytes
    var bytes = ByteBuffer(capacity: Layout.FrameHeader.size)
    do {
      try file.read(at: UInt64(offset), length: Layout.FrameHeader.size, into: &bytes)
    } catch {
      throw LogError(error, segment: number, offset: UInt64(offset))
    }
    guard let first = try? FrameHeader.decode(bytes.bytes, seed: seed, offset: offset) else { return .none }
    return Revision(first.firstRevision.value - 1)
  }

  /// Refuses a scan that did not end where the segment should.
  func check(_ scan: SegmentScan, limit: UInt64?) throws(LogError) {
    let reason: String
    switch scan.stop {
    case .sealed where limit == nil || limit == UInt64(scan.end): return
    case .limit where limit == UInt64(scan.end): return
    case .bad(let error): reason = error.text
    case .zeros, .limit, .sealed: reason = "the segment's frames do not end where they should"
    }
    throw LogError(
      .damaged, "\(reason); restore the segment from a backup or a replica", segment: number, offset: UInt64(scan.end))
  }
}
