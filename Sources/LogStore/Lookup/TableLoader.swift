/// Gets the commit table of a segment that is not written to any more: from its seal, or, where a recovery cut the
/// segment so that it has none, from the heads of its frames.
internal import Bytes

struct TableLoader {
  private let segment: SegmentFile

  /// Read at once, from the end backwards.
  private static let pieceBytes = 64 << 10
  private static let scanBytes = 1 << 20

  init(_ segment: SegmentFile) { self.segment = segment }

  // MARK: From the heads of frames

  /// Goes from frame to frame up to byte `limit`.
  func scan(limit: Int) throws(LogError) -> CommitTable {
    var table = CommitTable()
    var window = FrameWindow(segment, limit: limit, pieceBytes: min(TableLoader.scanBytes, limit))
    var offset = Layout.SegmentHeader.blockBytes
    while offset < limit {
      let header = try window.frame(at: offset)
      if header.kind == .seal { break }
      table.note(header, at: offset)
      offset += header.frameBytes
    }
    return table
  }

  // MARK: From the seal

  /// Reads the table in the segment's seal.
  ///
  /// No field says where a seal begins, but nothing other than zeros follows it. So the last valid frame head is the
  /// seal's, and nothing that a client sent can stand behind it.
  func readSeal() throws(LogError) -> CommitTable {
    let capacity = Int(segment.header.capacity)
    guard let end = try endOfContent(before: capacity), let (header, offset) = try lastFrame(before: end),
      header.kind == .seal, offset + header.frameBytes >= end, offset + header.frameBytes <= capacity
    else { throw missing() }
    var window = FrameWindow(segment, limit: offset + header.frameBytes, pieceBytes: header.frameBytes)
    let body = offset + Layout.FrameHeader.size
    try window.load(body, Int(header.bodyBytes))
    let table: CommitTable
    do {
      table = try CommitTable.decodeSealBody(
        window.bytes(body, Int(header.bodyBytes)), seed: segment.seed, offset: body)
    } catch {
      throw window.damaged(body, error.text)
    }
    guard table.entries.allSatisfy({ $0.offset < UInt64(offset) }),
      table.marks.allSatisfy({ $0.offset < UInt64(offset) })
    else {
      throw window.damaged(body, FormatError.badField("offset").text)
    }
    return table
  }

  private func missing() -> LogError {
    LogError(
      .damaged,
      "the segment's seal can not be found; check the disk and restore the segment from a backup or a replica",
      segment: segment.number)
  }

  /// The byte behind the last 8 that are not zeros.
  private func endOfContent(before capacity: Int) throws(LogError) -> Int? {
    var high = capacity & ~7
    while high > Layout.SegmentHeader.blockBytes {
      let low = max(Layout.SegmentHeader.blockBytes, high - TableLoader.pieceBytes)
      let piece = try read(low, high - low)
      if let place = TableLoader.last(in: piece, where: { bytes, place in bytes.u64(place) != 0 }) {
        return low + place + 8
      }
      high = low
    }
    return nil
  }

  private func lastFrame(before end: Int) throws(LogError) -> (FrameHeader, Int)? {
    var high = end
    while high >= Layout.SegmentHeader.blockBytes + Layout.FrameHeader.size {
      let low = max(Layout.SegmentHeader.blockBytes, high - TableLoader.pieceBytes)
      let piece = try read(low, high - low)
      let seed = segment.seed
      var found: FrameHeader?
      let place = TableLoader.last(in: piece) { bytes, place in
        guard place + Layout.FrameHeader.size <= bytes.byteCount,
          bytes.u32(place + Layout.FrameHeader.magicOffset) == Layout.FrameHeader.magic
        else { return false }
        found = try? FrameHeader.decode(
          bytes.extracting(place..<bytes.byteCount), seed: seed, offset: low + place)
        return found != nil
      }
      if let found, let place { return (found, low + place) }
      if low == Layout.SegmentHeader.blockBytes { break }
      // Neighbouring pieces overlap, so that a head across their border is seen whole.
      high = low + Layout.FrameHeader.size - Layout.alignment
    }
    return nil
  }

  /// The last multiple of 8 in `piece` that `test` holds for.
  private static func last(in piece: borrowing ByteBuffer, where test: (RawSpan, Int) -> Bool) -> Int? {
    var place = piece.count - 8
    while place >= 0 {
      if test(piece.bytes, place) { return place }
      place -= 8
    }
    return nil
  }

  /// Bytes that the file does not have, because it was cut short, are zeros like those behind a seal.
  private func read(_ offset: Int, _ length: Int) throws(LogError) -> ByteBuffer {
    var piece = ByteBuffer(capacity: length)
    do {
      try segment.file.read(at: UInt64(offset), length: length, into: &piece)
    } catch {
      throw LogError(error, segment: segment.number, offset: UInt64(offset))
    }
    piece.append(zeros: length - piece.count)
    return piece
  }
}
