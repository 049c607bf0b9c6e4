/// A window over one segment that reads what is asked for, a few pages at a time, and checks every head that it gives.
///
/// `SegmentScanner` reads all of a segment and finds where it ends; this knows where what counts ends, and jumps.
internal import Bytes

struct FrameWindow: ~Copyable {
  let segment: SegmentFile
  /// Bytes from here on do not count, or are not acknowledged.
  let limit: Int
  private let pieceBytes: Int
  private var window: ByteBuffer
  /// The byte of the segment at which the window begins.
  private var start = 0

  /// What one read takes when no more is asked for: the stride of a commit table, so that one read finds a revision.
  static let lookupBytes = Layout.Seal.commitTableStrideBytes
  /// Of a packed segment every byte has to be made: no more is read than is looked at.
  private static let packedLookupBytes = Layout.FrameHeader.size
  /// How much of a record is read to have its head: names are short as a rule.
  private let headBytes: Int
  private static let plainHeadBytes = 1_024
  private static let packedHeadBytes = 256
  private static let headBytesMax = Layout.RecordHeader.size + 4 * Int(UInt16.max)

  init(_ segment: SegmentFile, limit: Int, pieceBytes: Int? = nil) {
    self.segment = segment
    self.limit = limit
    let isPacked = segment.header.packedFrom != nil
    self.pieceBytes = pieceBytes ?? (isPacked ? FrameWindow.packedLookupBytes : FrameWindow.lookupBytes)
    headBytes = isPacked ? FrameWindow.packedHeadBytes : FrameWindow.plainHeadBytes
    window = ByteBuffer(capacity: self.pieceBytes)
  }

  /// The `length` bytes from byte `offset` of the segment; they were loaded.
  @_lifetime(borrow self)
  func bytes(_ offset: Int, _ length: Int) -> RawSpan {
    window.bytes.extracting((offset - start)..<(offset - start + length))
  }

  mutating func load(_ offset: Int, _ length: Int) throws(LogError) {
    guard offset < start || offset + length > start + window.count else { return }
    guard offset + length <= limit else { throw damaged(offset, FormatError.badLength.text) }
    window.removeAll()
    start = offset
    do {
      try segment.file.read(at: UInt64(offset), length: min(max(length, pieceBytes), limit - offset), into: &window)
    } catch {
      throw LogError(error, segment: segment.number, offset: UInt64(offset))
    }
    guard window.count >= length else { throw damaged(offset, FormatError.truncated.text) }
  }

  /// The head of the frame at `offset`, all of which lies before the limit.
  mutating func frame(at offset: Int) throws(LogError) -> FrameHeader {
    try load(offset, Layout.FrameHeader.size)
    let header: FrameHeader
    do {
      header = try FrameHeader.decode(bytes(offset, Layout.FrameHeader.size), seed: segment.seed, offset: offset)
    } catch {
      throw damaged(offset, error.text)
    }
    guard offset + header.frameBytes <= limit else { throw damaged(offset, FormatError.badLength.text) }
    return header
  }

  /// The head of the record at `offset` of a frame that ends at byte `end`.
  mutating func record(at offset: Int, before end: Int) throws(LogError) -> RecordHeader {
    let available = end - offset
    var wanted = min(available, headBytes)
    while true {
      try load(offset, wanted)
      do throws(FormatError) {
        let header = try RecordHeader.decode(bytes(offset, wanted), seed: segment.seed, offset: offset)
        guard Int(header.recordBytes) <= available else { throw FormatError.badLength }
        return header
      } catch {
        let all = min(available, FrameWindow.headBytesMax)
        guard error == .badLength, wanted < all else { throw damaged(offset, error.text) }
        wanted = wanted < FrameWindow.plainHeadBytes ? min(all, FrameWindow.plainHeadBytes) : all
      }
    }
  }

  /// Loads all of a record and checks its payload.
  mutating func loadRecord(_ header: RecordHeader, at offset: Int) throws(LogError) {
    try load(offset, Int(header.recordBytes))
    do {
      try header.checkPayload(bytes(offset, Int(header.recordBytes)), seed: segment.seed, offset: offset)
    } catch {
      throw damaged(offset, error.text)
    }
  }

  /// What a gap record tells; it must begin with revision `expected`.
  mutating func gap(_ header: RecordHeader, at offset: Int, expected: Revision) throws(LogError) -> GapRecord {
    try loadRecord(header, at: offset)
    do throws(FormatError) {
      let gap = try GapRecord.decode(bytes(offset, Int(header.recordBytes)).extracting(header.payloadRange))
      guard gap.first == expected else { throw FormatError.badField("first_revision of a gap") }
      return gap
    } catch {
      throw damaged(offset, error.text)
    }
  }

  func damaged(_ offset: Int, _ reason: String) -> LogError {
    LogError(
      .damaged, "\(reason); check the disk and restore the segment from a backup or a replica",
      segment: segment.number, offset: UInt64(offset))
  }
}
