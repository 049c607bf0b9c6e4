/// Builds a packed block from the frames and records of a plain segment, which the caller has checked.
package import Bytes

package struct PackedBlockBuilder: ~Copyable {
  private var columns = PackedColumnsWriter()
  /// Salts and hashes: random bytes that no compression makes shorter.
  private var wide = ByteBuffer(capacity: 4_096)
  package private(set) var text = ByteBuffer(capacity: 64 << 10)
  package private(set) var plainOffset = 0
  package private(set) var plainBytes = 0
  private var base = PackedBase(revision: 0, time: 0)
  private var epoch: UInt64 = 0
  private var escapes = PackedText()
  private var hashScratch = ByteBuffer(capacity: 4_096)
  private var numbers = ByteBuffer(capacity: 4_096)
  private var agent = ByteBuffer(capacity: 256)
  private var correlation = ByteBuffer(capacity: 256)
  /// The frame to which the records belong that come.
  private var frame: (header: FrameHeader, offset: Int, nextRevision: UInt64, records: Int, bytes: Int)?

  package init() {}

  package var isEmpty: Bool { plainBytes == 0 }
  package var rows: Int { max(columns.head.records, columns.head.frames) }

  /// Begins a block that stands for the plain segment from byte `offset` on.
  package mutating func begin(at offset: Int) {
    plainOffset = offset
    plainBytes = 0
    columns.removeAll()
    columns.head.baseRevision = base.revision
    columns.head.baseTime = base.time
    columns.head.baseEpoch = epoch
    wide.removeAll()
    text.removeAll()
    agent.removeAll()
    correlation.removeAll()
    frame = nil
  }

  package mutating func append(_ header: FrameHeader, at offset: Int) {
    endFrame()
    frame = (header, offset, base.revision, 0, 0)
    plainBytes += Layout.FrameHeader.size
    columns.head.frames += 1
  }

  /// The body of a seal: all of it but its checksum.
  package mutating func append(sealBody body: RawSpan) {
    text.append(body.extracting(Layout.Seal.sections..<body.byteCount))
    plainBytes += body.byteCount
  }

  /// Appends a whole record as it lies in its commit.
  package mutating func append(_ record: RawSpan) {
    typealias Field = Layout.RecordHeader
    let names = PackedNames(record)
    let (revision, time) = (record.u64(Field.revision), record.u64(Field.time))
    let creationTime = record.u64(Field.creationTime)
    columns.append(UInt64(record.u8(Field.operation)), .operation)
    columns.append(UInt64(record.u8(Field.itemKind)), .itemKind)
    columns.append(UInt64(record.u8(Field.codec)), .codec)
    columns.append(UInt64(record.u8(Field.encryption)), .encryption)
    let takesRevision = record.u8(Field.operation) < PackedBase.firstWithoutRevision
    columns.append(takesRevision ? ZigZag.difference(revision, base.revision) : revision, .revision)
    columns.append(PackedNumber.link(record.u64(Field.previousRevision), from: revision), .previousRevision)
    columns.append(PackedNumber.link(record.u64(Field.skipRevision), from: revision), .skipRevision)
    columns.append(ZigZag.difference(time, base.time), .time)
    columns.append(PackedNumber.creation(creationTime, at: time), .creationTime)
    columns.append(PackedNumber.expiry(record.u64(Field.expiry), at: time), .expiry)
    columns.append(
      ZigZag.difference(UInt64(record.u32(Field.plainBytes)), UInt64(record.u32(Field.storedBytes))), .plainBytes)
    columns.append(UInt64(record.u32(Field.storedBytes)), .storedBytes)
    columns.append(UInt64(record.u32(Field.dictionary)), .dictionary)
    columns.append(UInt64(record.u32(Field.flags)), .flags)
    escapes.set(
      key: record.extracting(names.key), agent: record.extracting(names.agent),
      creationTime: Int64(bitPattern: creationTime), time: Int64(bitPattern: time))
    appendText(record, names)
    base.pass(operation: record.u8(Field.operation), revision: revision, time: time)
    columns.head.records += 1
    if frame == nil { columns.head.leadingRecords += 1 }
    frame?.records += 1
    frame?.bytes += record.byteCount
    plainBytes += record.byteCount
  }

  private mutating func appendText(_ record: RawSpan, _ names: PackedNames) {
    var marks: PackedMarks = []
    text.append(record.extracting(names.key))
    columns.append(UInt64(names.key.count), .keyBytes)
    if appendName(
      record.extracting(names.agent), .agentBytes, isSame: agent.bytes.equals(record.extracting(names.agent)))
    {
      marks.insert(.sameAgent)
    }
    if appendName(
      record.extracting(names.correlation), .correlationBytes,
      isSame: correlation.bytes.equals(record.extracting(names.correlation)))
    {
      marks.insert(.sameCorrelation)
    }
    agent.removeAll()
    agent.append(record.extracting(names.agent))
    correlation.removeAll()
    correlation.append(record.extracting(names.correlation))
    text.append(record.extracting(names.request))
    columns.append(UInt64(names.request.count), .requestBytes)
    let start = text.count
    let payload = record.extracting(names.payload)
    // What was emptied has zeros, which need no text.
    if !payload.isZero {
      if escapes.append(payload, to: &text) { marks.insert(.escaped) } else { text.append(payload) }
    }
    columns.append(UInt64(text.count - start), .textBytes)
    appendWide(record, names, &marks)
    columns.append(marks.rawValue, .marks)
  }

  /// Returns whether the name was left out, because it is that of the record before.
  private mutating func appendName(_ name: RawSpan, _ column: PackedColumn, isSame: Bool) -> Bool {
    let isLeftOut = isSame && name.byteCount > 0
    columns.append(isLeftOut ? 0 : UInt64(name.byteCount), column)
    if !isLeftOut { text.append(name) }
    return isLeftOut
  }

  private mutating func appendWide(_ record: RawSpan, _ names: PackedNames, _ marks: inout PackedMarks) {
    typealias Field = Layout.RecordHeader
    if record.u128(Field.salt) != 0 {
      marks.insert(.salt)
      wide.append(record.extracting(Field.salt..<(Field.salt + 16)))
    }
    if record.u64(Field.fingerprint) != 0 {
      marks.insert(.fingerprint)
      wide.append(littleEndian: record.u64(Field.fingerprint))
    }
    let hash = record.u128(Field.stateHash)
    guard hash != 0 else { return }
    let derived = Checksum.stateBlock(
      key: record.extracting(names.key), revision: Revision(record.u64(Field.revision)),
      item: record.extracting(names.payload), scratch: &hashScratch)
    if hash == derived {
      marks.insert(.derivedHash)
    } else {
      marks.insert(.stateHash)
      wide.append(record.extracting(Field.stateHash..<(Field.stateHash + 16)))
    }
  }

  private mutating func endFrame() {
    guard let (header, offset, nextRevision, records, bytes) = frame else { return }
    frame = nil
    let before = Revision(header.firstRevision.value - 1)
    columns.append(UInt64(header.kind.rawValue), .frameKind)
    columns.append(UInt64(header.flagByte), .frameFlags)
    columns.append(Int(header.bodyBytes) == bytes ? 0 : UInt64(header.bodyBytes) >> 3 + 1, .frameBodyBytes)
    columns.append(UInt64(header.recordCount), .frameRecords)
    columns.append(ZigZag.difference(UInt64(header.recordCount), UInt64(records)), .frameRecordsHere)
    columns.append(ZigZag.difference(header.firstRevision.value, nextRevision), .frameFirst)
    columns.append(ZigZag.difference(header.lastRevision.value, base.revision &- 1), .frameLast)
    columns.append(ZigZag.difference(header.epoch, epoch), .frameEpoch)
    columns.append(ZigZag.difference(UInt64(bitPattern: header.time), base.time), .frameTime)
    columns.append(ZigZag.difference(before.value, header.durableThrough.value), .frameDurableThrough)
    columns.append(ZigZag.difference(UInt64(offset) >> 3, header.durableOffset >> 3), .frameDurableOffset)
    epoch = header.epoch
  }

  /// Appends the block, to stand at byte `fileOffset` of the packed file. `begin` makes the builder ready for the next.
  package mutating func finish(
    _ compressor: ZstdCompressor, usesDictionary: Bool, seed: FrameSeed, fileOffset: Int, to buffer: inout ByteBuffer
  ) {
    endFrame()
    numbers.removeAll()
    columns.encode(into: &numbers)
    PackedBlockBuilder.append(wide, to: &numbers)
    var block = PackedBlock(.frames)
    block.usesDictionary = usesDictionary
    block.plainOffset = UInt32(plainOffset)
    block.plainBytes = UInt32(plainBytes)
    PackedBlockBuilder.append(block, numbers, text, compressor, seed, fileOffset, to: &buffer)
  }

  private static func append(_ bytes: borrowing ByteBuffer, to buffer: inout ByteBuffer) { buffer.append(bytes.bytes) }

  private static func append(
    _ block: PackedBlock, _ columns: borrowing ByteBuffer, _ text: borrowing ByteBuffer, _ compressor: ZstdCompressor,
    _ seed: FrameSeed, _ offset: Int, to buffer: inout ByteBuffer
  ) {
    PackedBlock.append(
      block, columns: columns.bytes, text: text.bytes, compressor, seed: seed, offset: offset, to: &buffer)
  }
}

/// Where the byte strings of a plain record lie in it.
struct PackedNames {
  let key: Range<Int>
  let agent: Range<Int>
  let correlation: Range<Int>
  let request: Range<Int>
  let payload: Range<Int>

  init(_ record: RawSpan) {
    typealias Field = Layout.RecordHeader
    key = Field.size..<(Field.size + Int(record.u16(Field.keyBytes)))
    agent = key.upperBound..<(key.upperBound + Int(record.u16(Field.agentBytes)))
    correlation = agent.upperBound..<(agent.upperBound + Int(record.u16(Field.correlationBytes)))
    request = correlation.upperBound..<(correlation.upperBound + Int(record.u16(Field.requestBytes)))
    payload = request.upperBound..<(request.upperBound + Int(record.u32(Field.storedBytes)))
  }
}
