/// Reads a segment's frames in order and says how much of it can be trusted. See FORMAT.md, "Recovery".
internal import Bytes

/// Where a scan of a segment ended, and why.
package struct SegmentScan: Sendable {
  package enum Stop: Equatable, Sendable {
    /// A seal: the segment is full, all of it was read.
    case sealed
    /// The end that the next segment's header gives, or the end of the file.
    case limit
    /// The next frame's place holds zeros, and so does everything behind it as far as it was looked at.
    case zeros
    /// The next frame is bad, or there is something behind a stretch of zeros.
    case bad(FormatError)
  }

  package var stop = Stop.zeros
  /// The byte behind the last valid frame.
  package var end = Layout.SegmentHeader.blockBytes
  /// The last revision of the log so far.
  package var lastRevision: Revision
  package var lastTime: Int64 = 0
  package var lastFrame: FrameHeader?
  /// What the frames say was durable when they were written.
  package var durableThrough = Revision.none
  package var durableOffset = UInt64(Layout.SegmentHeader.blockBytes)
  package var commitTable = CommitTable()
  package var frames = 0

  package init(lastRevision: Revision) { self.lastRevision = lastRevision }
}

package struct SegmentScanner: ~Copyable {
  package let segment: SegmentFile
  /// Frames are read up to this byte; what lies behind does not count.
  package let limit: Int
  private var window: ByteBuffer
  private var windowStart = 0

  private static let windowBytes = 1 << 20

  package init(_ segment: SegmentFile, limit: UInt64? = nil) {
    self.segment = segment
    self.limit = Int(min(limit ?? segment.header.capacity, segment.header.capacity))
    window = ByteBuffer(capacity: min(SegmentScanner.windowBytes, self.limit))
  }

  /// Scans from byte `start`, which a frame begins at. `after` is the last revision before it, and no frame may have a
  /// time before `earliest`. Each frame that is whole in itself and continues the log is given to `visit`; the first one that is not ends the scan.
  package mutating func scan(
    from start: Int = Layout.SegmentHeader.blockBytes, after lastRevision: Revision, notBefore earliest: Int64 = 0,
    _ visit: (FrameHeader, _ offset: Int, _ body: RawSpan) throws(LogError) -> Void
  ) throws(LogError) -> SegmentScan {
    var result = SegmentScan(lastRevision: lastRevision)
    result.end = start
    result.lastTime = earliest
    while true {
      let offset = result.end
      guard offset + Layout.FrameHeader.size <= limit else {
        result.stop = .limit
        return result
      }
      guard try load(offset, Layout.FrameHeader.size) else {
        result.stop = .bad(.truncated)
        return result
      }
      let header: FrameHeader
      do {
        header = try decodeHeader(at: offset)
      } catch {
        result.stop = isZero(offset, Layout.FrameHeader.size) ? .zeros : .bad(error)
        return result
      }
      guard try load(offset, header.frameBytes), offset + header.frameBytes <= limit else {
        result.stop = .bad(.truncated)
        return result
      }
      do {
        try check(header, at: offset, result)
      } catch {
        result.stop = .bad(error)
        return result
      }
      result.note(header, at: offset)
      result.commitTable.markRecords(header, at: offset, window.bytes.extracting(bodyRange(header, offset)))
      try visitBody(header, offset, visit)
      if header.kind == .seal {
        result.stop = .sealed
        return result
      }
    }
  }

  private func decodeHeader(at offset: Int) throws(FormatError) -> FrameHeader {
    try FrameHeader.decode(
      window.bytes.extracting((offset - windowStart)..<window.count), seed: segment.seed, offset: offset)
  }

  private func check(_ header: FrameHeader, at offset: Int, _ result: SegmentScan) throws(FormatError) {
    guard header.firstRevision == result.lastRevision.next else { throw .badField("first_revision") }
    guard header.time >= result.lastTime else { throw .badField("time") }
    let body = window.bytes.extracting(bodyRange(header, offset))
    let bodyOffset = offset + Layout.FrameHeader.size
    switch header.kind {
    case .commit:
      try CommitFrame.check(header, body, seed: segment.seed, bodyOffset: bodyOffset)
    case .stamp:
      guard header.bodyBytes == 0, header.recordCount == 0 else { throw .badLength }
      guard header.lastRevision == result.lastRevision else { throw .badField("last_revision") }
    case .seal:
      guard header.lastRevision == result.lastRevision else { throw .badField("last_revision") }
      _ = try CommitTable.decodeSealBody(body, seed: segment.seed, offset: bodyOffset)
    }
  }

  private func visitBody(
    _ header: FrameHeader, _ offset: Int, _ visit: (FrameHeader, Int, RawSpan) throws(LogError) -> Void
  ) throws(LogError) {
    try visit(header, offset, window.bytes.extracting(bodyRange(header, offset)))
  }

  private func bodyRange(_ header: FrameHeader, _ offset: Int) -> Range<Int> {
    let start = offset - windowStart + Layout.FrameHeader.size
    return start..<(start + Int(header.bodyBytes))
  }

  /// Has `length` bytes from `offset` in the window; false when the file ends before.
  private mutating func load(_ offset: Int, _ length: Int) throws(LogError) -> Bool {
    guard offset < windowStart || offset + length > windowStart + window.count else { return true }
    window.removeAll()
    windowStart = offset
    // A frame is never longer than the segment, whatever its header says.
    let wanted = min(max(length, SegmentScanner.windowBytes), limit - offset)
    do {
      try segment.file.read(at: UInt64(offset), length: wanted, into: &window)
    } catch {
      throw LogError(error, segment: segment.number, offset: UInt64(offset))
    }
    return window.count >= length
  }

  private func isZero(_ offset: Int, _ length: Int) -> Bool {
    window.bytes.extracting((offset - windowStart)..<(offset - windowStart + length)).isZero
  }
}

extension SegmentScan {
  mutating func note(_ header: FrameHeader, at offset: Int) {
    lastRevision = header.lastRevision
    lastTime = header.time
    lastFrame = header
    durableThrough = max(durableThrough, header.durableThrough)
    durableOffset = max(durableOffset, header.durableOffset)
    commitTable.note(header, at: offset)
    frames += 1
    end = offset + header.frameBytes
  }
}
