/// A packed block, unpacked as far as it takes to tell what lies where: the bytes of the plain segment are made for
/// what is asked for only. See FORMAT.md, "Packed segment".
package import Bytes

package struct UnpackedBlock: ~Copyable {
  private struct Row {
    var start = 0
    var length = 0
    var textOffset = 0
    var agent = 0..<0
    var correlation = 0..<0
    var request = 0..<0
    var payload = 0..<0
    var wide = 0
    var revision: UInt64 = 0
    var time: UInt64 = 0
  }

  private struct FrameRow {
    var start = 0
    var header: FrameHeader
    /// Where the seal's body begins in the text.
    var sealText: Range<Int>?
  }

  private enum Item {
    case record(Int)
    case frame(Int)
    case sealBody(Int)
  }

  /// The bytes of the plain segment that the block stands for.
  package private(set) var range = 0..<0
  private var columns = PackedColumns()
  private var wide = ByteBuffer(capacity: 1_024)
  private var text = ByteBuffer(capacity: 32 << 10)
  private var rows: [Row] = []
  private var frames: [FrameRow] = []
  private var items: [(start: Int, item: Item)] = []

  package init() {}

  /// Bytes of memory that it holds.
  package var memoryBytes: Int { text.capacity + wide.capacity + items.count * 128 }

  // MARK: Decoding

  /// Takes in the block that `bytes` is, whose head was decoded and whose checksum was checked.
  package mutating func decode(_ block: PackedBlock, _ bytes: RawSpan, _ decompressor: ZstdDecompressor)
    throws(FormatError)
  {
    range = 0..<0
    guard block.kind == .frames else { throw .unknownKind(block.kind.rawValue) }
    text.removeAll(shrinkingAbove: UnpackedBlock.keptBytes)
    if block.textBytes > 0 {
      try decompressor.append(bytes.extracting(block.storedRange), count: Int(block.textBytes), to: &text)
    }
    let stored = bytes.extracting(block.columnRange)
    let columnEnd = try columns.decode(stored)
    wide.removeAll()
    wide.append(stored.extracting(columnEnd..<stored.byteCount))
    items.removeAll(keepingCapacity: true)
    try decodeRows(block)
  }

  private static let keptBytes = 1 << 20

  private mutating func decodeRows(_ block: PackedBlock) throws(FormatError) {
    let head = columns.head
    rows.removeAll(keepingCapacity: true)
    frames.removeAll(keepingCapacity: true)
    var cursor = Cursor(base: PackedBase(revision: head.baseRevision, time: head.baseTime), epoch: head.baseEpoch)
    cursor.plain = Int(block.plainOffset)
    for _ in 0..<head.leadingRecords { try decodeRecord(&cursor) }
    for index in 0..<head.frames { try decodeFrame(index, &cursor) }
    guard rows.count == head.records, cursor.text == text.count, cursor.wide == wide.count,
      cursor.plain == Int(block.plainOffset) + Int(block.plainBytes)
    else { throw .badLength }
    range = block.plainRange
  }

  private struct Cursor {
    var base: PackedBase
    var epoch: UInt64
    var plain = 0
    var text = 0
    var wide = 0
  }

  private mutating func decodeRecord(_ cursor: inout Cursor) throws(FormatError) {
    let index = rows.count
    guard index < columns.head.records else { throw .badField("rows") }
    let marks = PackedMarks(rawValue: columns[.marks, index])
    guard marks.isSubset(of: .all), !marks.isSuperset(of: [.stateHash, .derivedHash]) else { throw .badField("marks") }
    guard let operation = UInt8(exactly: columns[.operation, index]) else { throw .badField("operation") }
    var row = Row()
    row.start = cursor.plain
    let revision = columns[.revision, index]
    row.revision =
      operation < PackedBase.firstWithoutRevision ? ZigZag.sum(revision, cursor.base.revision) : revision
    row.time = ZigZag.sum(columns[.time, index], cursor.base.time)
    row.textOffset = cursor.text
    _ = try take(columns[.keyBytes, index], UInt64(UInt16.max), &cursor)
    row.agent = try take(columns[.agentBytes, index], UInt64(UInt16.max), &cursor)
    if marks.contains(.sameAgent) {
      guard row.agent.isEmpty, index > 0 else { throw .badField("agent") }
      row.agent = rows[index - 1].agent
    }
    row.correlation = try take(columns[.correlationBytes, index], UInt64(UInt16.max), &cursor)
    if marks.contains(.sameCorrelation) {
      guard row.correlation.isEmpty, index > 0 else { throw .badField("correlation") }
      row.correlation = rows[index - 1].correlation
    }
    row.request = try take(columns[.requestBytes, index], UInt64(UInt16.max), &cursor)
    row.payload = try take(columns[.textBytes, index], UInt64(text.count), &cursor)
    row.wide = cursor.wide
    cursor.wide += marks.wideBytes
    let stored = columns[.storedBytes, index]
    guard cursor.wide <= wide.count, stored <= UInt64(Layout.PackedBlock.textBytesMax) else { throw .badLength }
    let names = Int(columns[.keyBytes, index]) + row.agent.count + row.correlation.count + row.request.count
    row.length = RecordEncoder.size(names: names, payload: Int(stored))
    cursor.plain += row.length
    cursor.base.pass(operation: operation, revision: row.revision, time: row.time)
    items.append((row.start, .record(index)))
    rows.append(row)
  }

  private func take(_ length: UInt64, _ most: UInt64, _ cursor: inout Cursor) throws(FormatError) -> Range<Int> {
    guard length <= most, cursor.text + Int(length) <= text.count else { throw .badLength }
    defer { cursor.text += Int(length) }
    return cursor.text..<(cursor.text + Int(length))
  }

  private mutating func decodeFrame(_ index: Int, _ cursor: inout Cursor) throws(FormatError) {
    let start = cursor.plain
    let nextRevision = cursor.base.revision
    items.append((start, .frame(index)))
    cursor.plain += Layout.FrameHeader.size
    let here =
      columns[.frameRecords, index] &- UInt64(bitPattern: ZigZag.decode(columns[.frameRecordsHere, index]))
    guard here <= UInt64(columns.head.records - rows.count) else { throw .badField("rows") }
    let bodyStart = cursor.plain
    for _ in 0..<Int(here) { try decodeRecord(&cursor) }
    let body = columns[.frameBodyBytes, index]
    let bodyBytes = body == 0 ? UInt64(cursor.plain - bodyStart) : (body - 1) << 3
    cursor.epoch = ZigZag.sum(columns[.frameEpoch, index], cursor.epoch)
    let first = ZigZag.sum(columns[.frameFirst, index], nextRevision)
    guard let kind = UInt8(exactly: columns[.frameKind, index]).flatMap({ FrameKind(rawValue: $0) }),
      let flags = UInt8(exactly: columns[.frameFlags, index]), let durability = Durability(rawValue: flags >> 1),
      let bodyBytes = UInt32(exactly: bodyBytes), let records = UInt32(exactly: columns[.frameRecords, index])
    else { throw .badField("frame") }
    let through = (first &- 1) &- UInt64(bitPattern: ZigZag.decode(columns[.frameDurableThrough, index]))
    let offset =
      UInt64(start) >> 3 &- UInt64(bitPattern: ZigZag.decode(columns[.frameDurableOffset, index]))
    var row = FrameRow(
      start: start,
      header: FrameHeader(
        kind: kind, durability: durability, isCleanClose: flags & 1 == 1, bodyBytes: bodyBytes, recordCount: records,
        firstRevision: Revision(first),
        lastRevision: Revision(ZigZag.sum(columns[.frameLast, index], cursor.base.revision &- 1)),
        epoch: cursor.epoch,
        time: Int64(bitPattern: ZigZag.sum(columns[.frameTime, index], cursor.base.time)),
        durableThrough: Revision(through), durableOffset: offset << 3))
    if kind == .seal {
      guard here == 0, bodyBytes >= UInt32(Layout.Seal.sections) else { throw .badLength }
      row.sealText = try take(UInt64(bodyBytes) - UInt64(Layout.Seal.sections), UInt64(text.count), &cursor)
      items.append((cursor.plain, .sealBody(index)))
      cursor.plain += Int(bodyBytes)
    }
    frames.append(row)
  }

  // MARK: Plain bytes

  /// Appends the bytes `wanted` of the plain segment, all of which the block stands for.
  ///
  /// - Parameter seed: of the segment that they are read as a part of.
  package func append(
    _ wanted: Range<Int>, seed: FrameSeed, _ scratch: inout PackedScratch, to buffer: inout ByteBuffer
  ) throws(FormatError) {
    var index = firstItem(reaching: wanted.lowerBound)
    while index < items.count, items[index].start < wanted.upperBound {
      scratch.item.removeAll()
      let start = items[index].start
      try appendItem(items[index].item, seed, &scratch)
      let range = max(wanted.lowerBound - start, 0)..<min(wanted.upperBound - start, scratch.item.count)
      buffer.append(scratch.item.bytes.extracting(range))
      index += 1
    }
  }

  private func firstItem(reaching offset: Int) -> Int {
    var low = 0
    var high = items.count
    while low < high {
      let middle = (low + high) / 2
      if items[middle].start <= offset { low = middle + 1 } else { high = middle }
    }
    return max(low - 1, 0)
  }

  /// Makes one item in `scratch`.
  private func appendItem(_ item: Item, _ seed: FrameSeed, _ scratch: inout PackedScratch) throws(FormatError) {
    switch item {
    case .record(let index): try appendRecord(index, seed, &scratch)
    case .frame(let index):
      scratch.item.append(zeros: Layout.FrameHeader.size)
      frames[index].header.encode(over: &scratch.item, seed: seed, offset: frames[index].start)
    case .sealBody(let index):
      guard let range = frames[index].sealText else { preconditionFailure("a seal has a body") }
      scratch.item.append(littleEndian: UInt64(0))
      scratch.item.append(text.bytes.extracting(range))
      let checksum = Checksum.xxh3(
        scratch.item.bytes.extracting(8..<scratch.item.count),
        seed: seed.at(frames[index].start + Layout.FrameHeader.size))
      scratch.item.store(littleEndian: checksum, at: 0)
    }
  }

  private func appendRecord(
    _ index: Int, _ seed: FrameSeed, _ scratch: inout PackedScratch
  ) throws(FormatError) {
    typealias Field = Layout.RecordHeader
    let row = rows[index]
    let key = row.textOffset..<(row.textOffset + Int(columns[.keyBytes, index]))
    scratch.item.reserve(row.length)
    scratch.item.append(zeros: Field.size)
    for range in [key, row.agent, row.correlation, row.request] { scratch.item.append(text.bytes.extracting(range)) }
    let payloadStart = scratch.item.count
    storeNumbers(index, row, &scratch.item)
    let marks = PackedMarks(rawValue: columns[.marks, index])
    try appendPayload(row, key, marks, &scratch, count: Int(columns[.storedBytes, index]))
    let payload = payloadStart..<scratch.item.count
    storeWide(row, key, marks, payload, &scratch)
    scratch.item.append(zeros: row.length - scratch.item.count)
    let payloadChecksum = Checksum.xxh3(scratch.item.bytes.extracting(payload), seed: seed.at(row.start))
    scratch.item.store(littleEndian: payloadChecksum, at: Field.payloadChecksum)
    let checksum = Checksum.xxh3(scratch.item.bytes.extracting(8..<payloadStart), seed: seed.at(row.start))
    scratch.item.store(littleEndian: checksum, at: Field.checksum)
  }

  private func storeNumbers(_ index: Int, _ row: Row, _ item: inout ByteBuffer) {
    typealias Field = Layout.RecordHeader
    item.store(littleEndian: UInt32(row.length), at: Field.recordBytes)
    item.store(littleEndian: UInt8(truncatingIfNeeded: columns[.operation, index]), at: Field.operation)
    item.store(littleEndian: UInt8(truncatingIfNeeded: columns[.itemKind, index]), at: Field.itemKind)
    item.store(littleEndian: UInt8(truncatingIfNeeded: columns[.codec, index]), at: Field.codec)
    item.store(littleEndian: UInt8(truncatingIfNeeded: columns[.encryption, index]), at: Field.encryption)
    item.store(littleEndian: row.revision, at: Field.revision)
    item.store(
      littleEndian: PackedNumber.target(columns[.previousRevision, index], from: row.revision),
      at: Field.previousRevision)
    item.store(littleEndian: row.time, at: Field.time)
    item.store(
      littleEndian: PackedNumber.creationTime(columns[.creationTime, index], at: row.time), at: Field.creationTime)
    item.store(littleEndian: PackedNumber.expiryTime(columns[.expiry, index], at: row.time), at: Field.expiry)
    item.store(littleEndian: UInt16(columns[.keyBytes, index]), at: Field.keyBytes)
    item.store(littleEndian: UInt16(row.agent.count), at: Field.agentBytes)
    item.store(littleEndian: UInt16(row.correlation.count), at: Field.correlationBytes)
    item.store(littleEndian: UInt16(row.request.count), at: Field.requestBytes)
    let stored = columns[.storedBytes, index]
    item.store(
      littleEndian: UInt32(truncatingIfNeeded: ZigZag.sum(columns[.plainBytes, index], stored)), at: Field.plainBytes)
    item.store(littleEndian: UInt32(truncatingIfNeeded: stored), at: Field.storedBytes)
    item.store(littleEndian: UInt32(truncatingIfNeeded: columns[.dictionary, index]), at: Field.dictionary)
    item.store(littleEndian: UInt32(truncatingIfNeeded: columns[.flags, index]), at: Field.flags)
    item.store(
      littleEndian: PackedNumber.target(columns[.skipRevision, index], from: row.revision), at: Field.skipRevision)
  }

  private func appendPayload(
    _ row: Row, _ key: Range<Int>, _ marks: PackedMarks, _ scratch: inout PackedScratch, count: Int
  ) throws(FormatError) {
    let payload = text.bytes.extracting(row.payload)
    guard marks.contains(.escaped) else {
      if payload.byteCount == 0 { return scratch.item.append(zeros: count) }
      guard payload.byteCount == count else { throw .badField("text") }
      return scratch.item.append(payload)
    }
    let creationTime = scratch.item.bytes.i64(Layout.RecordHeader.creationTime)
    scratch.escapes.set(
      key: text.bytes.extracting(key), agent: text.bytes.extracting(row.agent), creationTime: creationTime,
      time: Int64(bitPattern: row.time))
    try scratch.escapes.expand(payload, count: count, to: &scratch.item)
  }

  private func storeWide(
    _ row: Row, _ key: Range<Int>, _ marks: PackedMarks, _ payload: Range<Int>, _ scratch: inout PackedScratch
  ) {
    typealias Field = Layout.RecordHeader
    var position = row.wide
    for (mark, field, words) in UnpackedBlock.wideFields where marks.contains(mark) {
      for word in 0..<words {
        scratch.item.store(littleEndian: wide.bytes.u64(position), at: field + word * 8)
        position += 8
      }
    }
    if marks.contains(.derivedHash) {
      let hash = UnpackedBlock.stateHash(text, key, row.revision, scratch.item, payload, &scratch.hash)
      scratch.item.store(littleEndian: UInt64(truncatingIfNeeded: hash), at: Field.stateHash)
      scratch.item.store(littleEndian: UInt64(truncatingIfNeeded: hash >> 64), at: Field.stateHash + 8)
    }
  }

  private static func stateHash(
    _ text: borrowing ByteBuffer, _ key: Range<Int>, _ revision: UInt64, _ record: borrowing ByteBuffer,
    _ payload: Range<Int>, _ scratch: inout ByteBuffer
  ) -> UInt128 {
    Checksum.stateBlock(
      key: text.bytes.extracting(key), revision: Revision(revision), item: record.bytes.extracting(payload),
      scratch: &scratch)
  }

  /// What lies behind the columns, in this order, and how many words each takes.
  private static let wideFields: [(PackedMarks, Int, Int)] = [
    (.salt, Layout.RecordHeader.salt, 2), (.fingerprint, Layout.RecordHeader.fingerprint, 1),
    (.stateHash, Layout.RecordHeader.stateHash, 2),
  ]
}

/// What plain bytes are made in.
package struct PackedScratch: ~Copyable {
  var item = ByteBuffer(capacity: 4_096)
  var hash = ByteBuffer(capacity: 4_096)
  var escapes = PackedText()

  package init() {}
}
