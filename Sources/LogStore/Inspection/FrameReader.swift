/// Reads single frames and records of one segment, and finds the next valid one where the row of frames is broken.
/// A checksum depends on the place of what it covers, so bytes that only look like a frame are never taken for one.
internal import Bytes

enum FrameOutcome: Equatable {
  case good(FrameHeader)
  /// No frame can begin here: the segment, or the part of it that counts, ends.
  case limit
  /// The header is there when only the body is bad.
  case bad(FormatError, FrameHeader?)
}

/// A record and the byte of the segment at which it begins.
struct PlacedRecord {
  let header: RecordHeader
  let offset: Int
}

struct FrameReader: ~Copyable {
  let segment: SegmentFile
  let limit: Int
  private(set) var window: InspectionWindow
  /// The records of the frame that was read last, if it was good.
  private(set) var records: [PlacedRecord] = []

  init(_ segment: SegmentFile, limit: Int) {
    self.segment = segment
    self.limit = limit
    window = InspectionWindow(segment.file, limit: limit)
  }

  mutating func forget() { window.forget() }

  /// The bytes `range` of the segment, which the window holds.
  @_lifetime(borrow self)
  borrowing func span(_ range: Range<Int>) -> RawSpan {
    window.bytes.bytes.extracting((range.lowerBound - window.start)..<(range.upperBound - window.start))
  }

  // MARK: Frames

  /// Reads the head of the frame at `offset`, and nothing of its body; nil when none is there.
  mutating func header(at offset: Int) -> FrameHeader? {
    let size = Layout.FrameHeader.size
    guard window.load(offset, size),
      let header = try? FrameHeader.decode(span(offset..<(offset + size)), seed: segment.seed, offset: offset),
      offset + header.frameBytes <= limit
    else { return nil }
    return header
  }

  /// Reads the frame at `offset` and checks all of it, but not how it continues the log.
  mutating func read(at offset: Int) -> FrameOutcome {
    records.removeAll(keepingCapacity: true)
    guard offset + Layout.FrameHeader.size <= limit else { return .limit }
    guard window.load(offset, Layout.FrameHeader.size) else { return .bad(.truncated, nil) }
    let header: FrameHeader
    do {
      header = try FrameHeader.decode(
        span(offset..<(offset + Layout.FrameHeader.size)), seed: segment.seed, offset: offset)
    } catch {
      return .bad(error, nil)
    }
    guard window.load(offset, header.frameBytes) else { return .bad(.truncated, header) }
    do {
      try check(header, bodyOffset: offset + Layout.FrameHeader.size)
      return .good(header)
    } catch {
      records.removeAll(keepingCapacity: true)
      return .bad(error, header)
    }
  }

  private mutating func check(_ header: FrameHeader, bodyOffset: Int) throws(FormatError) {
    let end = bodyOffset + Int(header.bodyBytes)
    switch header.kind {
    case .commit:
      try checkRecords(header, bodyOffset..<end)
    case .stamp:
      guard header.bodyBytes == 0, header.recordCount == 0 else { throw .badLength }
      guard header.firstRevision == header.lastRevision.next else { throw .badField("last_revision") }
    case .seal:
      guard header.firstRevision == header.lastRevision.next else { throw .badField("last_revision") }
      _ = try CommitTable.decodeSealBody(span(bodyOffset..<end), seed: segment.seed, offset: bodyOffset)
    }
  }

  private mutating func checkRecords(_ frame: FrameHeader, _ body: Range<Int>) throws(FormatError) {
    var next = frame.firstRevision
    var position = body.lowerBound
    while position < body.upperBound {
      let header = try record(in: position..<body.upperBound)
      if header.fields.operation.takesRevision {
        guard header.fields.revision == next else { throw .badField("revision") }
        next = next.next
      } else if header.fields.revision != .none {
        throw .badField("revision")
      } else if header.fields.operation == .gap {
        let payload = position + header.payloadRange.lowerBound..<position + header.payloadRange.upperBound
        next = try CommitFrame.revision(behindGap: span(payload), expected: next)
      }
      records.append(PlacedRecord(header: header, offset: position))
      position += Int(header.recordBytes)
    }
    guard records.count == Int(frame.recordCount) else { throw .badField("record_count") }
    guard frame.lastRevision.value &+ 1 == next.value else { throw .badField("last_revision") }
  }

  /// The record at the start of `range`, which the window holds, after all its checks.
  private func record(in range: Range<Int>) throws(FormatError) -> RecordHeader {
    let bytes = span(range)
    let header = try RecordHeader.decode(bytes, seed: segment.seed, offset: range.lowerBound)
    try header.checkPayload(bytes, seed: segment.seed, offset: range.lowerBound)
    return header
  }

  // MARK: Searching

  /// The first place from `start` on, and before `end`, at which a valid frame header stands.
  mutating func nextFrame(from start: Int, before end: Int? = nil) -> (offset: Int, header: FrameHeader)? {
    let size = Layout.FrameHeader.size
    let end = min(end ?? limit, limit)
    var position = Layout.aligned(start)
    while position + size <= end {
      guard window.load(position, size) else { return nil }
      let stop = min(end, window.end)
      if skipsZeros(&position, stop) { continue }
      while position + size <= stop {
        let place = span(position..<(position + size))
        if place.u32(Layout.FrameHeader.magicOffset) == Layout.FrameHeader.magic,
          let header = try? FrameHeader.decode(place, seed: segment.seed, offset: position)
        {
          return (position, header)
        }
        position += Layout.alignment
        if position % InspectionWindow.pageBytes == 0 { break }
      }
    }
    return nil
  }

  /// Passes over a page of zeros: in a segment made ready in advance most pages are.
  private func skipsZeros(_ position: inout Int, _ stop: Int) -> Bool {
    guard position + InspectionWindow.pageBytes <= stop,
      span(position..<(position + InspectionWindow.pageBytes)).isZero
    else { return false }
    // A header that begins in such a page would have a checksum of zero.
    position += InspectionWindow.pageBytes
    return true
  }

  /// The first record from `start` on, and before `end`, whose header is valid, and whether its payload is.
  mutating func nextRecord(from start: Int, before end: Int) -> (record: PlacedRecord, problem: FormatError?)? {
    var position = Layout.aligned(start)
    while position + Layout.RecordHeader.size <= end {
      guard window.load(position, Layout.RecordHeader.size) else { return nil }
      guard let length = plausibleLength(at: position, before: end) else {
        position += Layout.alignment
        continue
      }
      // A file that was cut off may still hold the header.
      let available = window.load(position, length) ? position + length : window.end
      let bytes = span(position..<min(available, end))
      if let header = try? RecordHeader.decode(bytes, seed: segment.seed, offset: position) {
        let record = PlacedRecord(header: header, offset: position)
        do {
          try header.checkPayload(bytes, seed: segment.seed, offset: position)
          return (record, nil)
        } catch {
          return (record, error)
        }
      }
      position += Layout.alignment
    }
    return nil
  }

  /// The length that a record at `position` would have, if its lengths agree with each other.
  private func plausibleLength(at position: Int, before end: Int) -> Int? {
    typealias Field = Layout.RecordHeader
    let place = span(position..<(position + Field.size))
    let names =
      Int(place.u16(Field.keyBytes)) + Int(place.u16(Field.agentBytes)) + Int(place.u16(Field.correlationBytes))
      + Int(place.u16(Field.requestBytes))
    let length = Int(place.u32(Field.recordBytes))
    guard length == Layout.aligned(Field.size + names + Int(place.u32(Field.storedBytes))), position + length <= end
    else { return nil }
    return length
  }

  /// What lies behind `offset`, and what it proves.
  mutating func evidence(behind offset: Int) -> TailEvidence {
    var evidence = TailEvidence()
    var position = offset
    while position < limit {
      window.slide(to: position)
      guard window.end > position else { break }
      if !window.bytes.bytes.isZero {
        evidence.hasContent = true
        break
      }
      position = window.end
    }
    guard evidence.hasContent else { return evidence }
    var from = max(offset + Layout.alignment, position & ~7 - Layout.FrameHeader.size)
    while let (place, header) = nextFrame(from: from) {
      evidence.durableThrough = max(evidence.durableThrough, header.durableThrough)
      evidence.durableOffset = max(evidence.durableOffset, header.durableOffset)
      from = place + Layout.FrameHeader.size
    }
    return evidence
  }
}
