/// Writes a segment anew from what is left of it, with the checksums of its new place.
internal import Bytes

/// How far the salvaged log has come.
struct SalvageCursor {
  var next: Revision
  var time: Int64 = 0
  var epoch: UInt64
  var durability: Durability
}

struct SegmentRewriter: ~Copyable {
  private let segment: SegmentFile
  private var source: InspectionWindow
  private let sourceFile: SegmentFile?
  private(set) var offset = Layout.SegmentHeader.blockBytes
  private var table = CommitTable()
  private(set) var cursor: SalvageCursor

  init(to segment: SegmentFile, from source: SegmentFile?, _ cursor: SalvageCursor) {
    self.segment = segment
    self.cursor = cursor
    sourceFile = source
    self.source = InspectionWindow(
      source?.file ?? segment.file, limit: source.map { Int(clamping: $0.header.capacity) } ?? 0)
  }

  /// The most bytes that frames of these pieces take.
  static func bytes(of pieces: [SalvagePiece]) -> Int {
    pieces.reduce(0) { total, piece in
      switch piece {
      case .frame(let header, _): total + (header.kind == .commit ? header.frameBytes : 0)
      case .records(let records, _): records.reduce(total + Layout.FrameHeader.size) { $0 + $1.length }
      case .gap(let gap): total + Layout.FrameHeader.size + gapRecordBytes(gap)
      }
    }
  }

  private static func gapRecordBytes(_ gap: GapRecord) -> Int {
    RecordEncoder.size(names: 0, payload: Layout.Gap.size + gap.reason.utf8.count)
  }

  // MARK: Pieces

  mutating func write(_ piece: SalvagePiece) throws(LogError) {
    switch piece {
    case .frame(let header, let offset):
      cursor.time = max(cursor.time, header.time)
      cursor.epoch = header.epoch
      cursor.durability = header.durability
      guard header.kind == .commit else { return }
      try copy((offset + Layout.FrameHeader.size)..<(offset + header.frameBytes), behind: header.lastRevision)
    case .records(let records, let durability):
      guard let first = records.first, let last = records.last else { return }
      cursor.time = max(cursor.time, last.time)
      cursor.epoch = last.epoch
      cursor.durability = durability
      try copy(first.offset..<(last.offset + last.length), behind: piece.lastRevision)
    case .gap(let gap):
      try writeRecord(.gap, payload: gap.encode(), behind: gap.last)
    }
  }

  /// Copies the records that lie at `range` of the old segment into one commit. `revision` is the last one of them.
  private mutating func copy(_ range: Range<Int>, behind revision: Revision?) throws(LogError) {
    guard let old = sourceFile, let body = load(range) else { throw unreadable(range) }
    var frame = ByteBuffer(capacity: Layout.FrameHeader.size + range.count)
    frame.append(zeros: Layout.FrameHeader.size)
    frame.append(body.bytes)
    var position = 0
    var count: UInt32 = 0
    while position < range.count {
      let record = try check(body, at: position, old.seed, range)
      let start = Layout.FrameHeader.size + position
      RecordEncoder.relocate(record, at: start, in: &frame, seed: segment.seed, offset: offset + start)
      position += Int(record.recordBytes)
      count += 1
    }
    try put(&frame, .commit, records: count, behind: revision)
  }

  private mutating func load(_ range: Range<Int>) -> ByteBuffer? {
    guard source.load(range.lowerBound, range.count) else { return nil }
    var copy = ByteBuffer(capacity: range.count)
    let start = range.lowerBound - source.start
    copy.append(source.bytes.bytes.extracting(start..<(start + range.count)))
    return copy
  }

  /// The disk may give something else than at the first look.
  private func check(
    _ body: borrowing ByteBuffer, at position: Int, _ seed: FrameSeed, _ range: Range<Int>
  ) throws(LogError) -> RecordHeader {
    let bytes = body.bytes.extracting(position..<body.count)
    do {
      let header = try RecordHeader.decode(bytes, seed: seed, offset: range.lowerBound + position)
      try header.checkPayload(bytes, seed: seed, offset: range.lowerBound + position)
      return header
    } catch {
      throw unreadable(range)
    }
  }

  private func unreadable(_ range: Range<Int>) -> LogError {
    LogError(
      .io, "what could be read before can not be read again; look at the kernel's log (dmesg) for this disk",
      segment: segment.number, offset: UInt64(range.lowerBound))
  }

  /// Writes a commit of one record that has no revision of its own.
  mutating func writeRecord(
    _ operation: Operation, payload: borrowing ByteBuffer, behind revision: Revision?
  ) throws(LogError) {
    var frame = ByteBuffer(capacity: 1_024)
    let none = ByteBuffer(capacity: 16)
    frame.append(zeros: Layout.FrameHeader.size)
    RecordEncoder.append(
      RecordFields(operation: operation, revision: .none, time: cursor.time),
      RecordNames(key: none.bytes, agent: none.bytes, correlation: none.bytes, request: none.bytes),
      payload: payload.bytes, seed: segment.seed, offset: offset + Layout.FrameHeader.size, to: &frame)
    try put(&frame, .commit, records: 1, behind: revision)
  }

  mutating func writeSeal() throws(LogError) {
    var frame = ByteBuffer(capacity: 1_024)
    frame.append(zeros: Layout.FrameHeader.size)
    table.encodeSealBody(into: &frame, seed: segment.seed, offset: offset + Layout.FrameHeader.size)
    try put(&frame, .seal, records: 0, behind: nil)
  }

  /// Says that the log ends here in good order, in the epoch that begins now.
  mutating func writeEnd(epoch: UInt64, _ durability: Durability, now: Int64) throws(LogError) {
    cursor.time = max(cursor.time, now)
    cursor.epoch = epoch
    cursor.durability = durability
    try writeRecord(.epoch, payload: ByteBuffer(capacity: 16), behind: nil)
    var frame = ByteBuffer(capacity: Layout.FrameHeader.size)
    frame.append(zeros: Layout.FrameHeader.size)
    try put(&frame, .stamp, records: 0, behind: nil, isCleanClose: true)
  }

  /// Gives a frame its header and writes it. The file gets its name only when all of it is durable, so each frame may
  /// claim that all before it is.
  private mutating func put(
    _ frame: inout ByteBuffer, _ kind: FrameKind, records: UInt32, behind revision: Revision?,
    isCleanClose: Bool = false
  ) throws(LogError) {
    let before = Revision(cursor.next.value - 1)
    let last = max(revision ?? before, before)
    let header = FrameHeader(
      kind: kind, durability: cursor.durability, isCleanClose: isCleanClose,
      bodyBytes: UInt32(frame.count - Layout.FrameHeader.size), recordCount: records, firstRevision: cursor.next,
      lastRevision: last, epoch: cursor.epoch, time: cursor.time, durableThrough: before,
      durableOffset: UInt64(offset))
    header.encode(over: &frame, seed: segment.seed, offset: offset)
    do { try segment.file.write(frame.bytes, at: UInt64(offset)) } catch { throw LogError(error) }
    table.note(header, at: offset)
    offset += frame.count
    cursor.next = last.next
  }
}
