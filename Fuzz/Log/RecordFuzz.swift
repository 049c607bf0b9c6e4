/// Records and the commit frame around them. The first byte of an input says which checksums are repaired.
internal import Bytes
package import FuzzSupport
internal import LogStore

package enum RecordFuzz: FuzzTarget {
  package static let name = "record"

  /// The bits of the first byte.
  private enum Mode {
    static let repairs: UInt8 = 1
    static let repairsLengths: UInt8 = 2
    /// The frame's counts and revisions are made those of its records.
    static let repairsFrame: UInt8 = 4
  }

  static let seed = FrameSeed(store: StoreIdentity(high: 1, low: 2), segment: SegmentNumber(3), generation: 4)
  private static let offset = 8_192

  package static func run(_ input: RawSpan) throws(FuzzFailure) {
    guard input.byteCount > Layout.FrameHeader.size else { return }
    let mode = input.u8(0)
    var frame = input.extracting(1..<input.byteCount).copy()
    let body = Layout.FrameHeader.size..<frame.count
    let base = offset + Layout.FrameHeader.size
    if mode & Mode.repairs != 0 {
      ChecksumRepair.records(
        &frame, body, seed: seed, base: base, lengths: mode & Mode.repairsLengths != 0)
    }
    try checkRecords(frame.bytes.extracting(body), base)
    try checkFrame(&frame, repairs: mode & Mode.repairsFrame != 0)
  }

  // MARK: Records

  private static func checkRecords(_ body: RawSpan, _ base: Int) throws(FuzzFailure) {
    var position = 0
    while position < body.byteCount {
      let rest = body.extracting(position..<body.byteCount)
      let place = base + position
      guard let header = try? RecordHeader.decode(rest, seed: seed, offset: place) else { return }
      let length = Int(header.recordBytes)
      try require(length % Layout.alignment == 0, "a record's length is not a multiple of 8")
      try require(header.payloadRange.upperBound <= length, "a payload ends behind its record")
      guard (try? header.checkPayload(rest, seed: seed, offset: place)) != nil else { return }
      try require(length <= rest.byteCount, "a record ends behind its frame")
      try checkEncoding(header, rest.extracting(0..<length), place)
      try checkRelocation(header, rest.extracting(0..<length), place)
      position += length
    }
  }

  /// What was read, written again, gives the same bytes, if this version writes everything that is in them.
  private static func checkEncoding(_ header: RecordHeader, _ record: RawSpan, _ place: Int) throws(FuzzFailure) {
    typealias Field = Layout.RecordHeader
    guard header.codec == .plain, record.u32(Field.dictionary) == 0,
      record.extracting((Field.flags + 1)..<Field.stateHash).isZero
    else { return }
    var again = ByteBuffer(capacity: record.byteCount)
    RecordEncoder.append(
      header.fields,
      RecordNames(
        key: record.extracting(header.keyRange), agent: record.extracting(header.agentRange),
        correlation: record.extracting(header.correlationRange), request: record.extracting(header.requestRange)),
      payload: record.extracting(header.payloadRange), seed: seed, offset: place, to: &again)
    try require(again.bytes.equals(record), "a record that was read is written as another one")
  }

  /// Moved elsewhere it is the same record; moved back it is the same bytes.
  private static func checkRelocation(_ header: RecordHeader, _ record: RawSpan, _ place: Int) throws(FuzzFailure) {
    let elsewhere = place + 1_024
    var moved = record.copy()
    RecordEncoder.relocate(header, at: 0, in: &moved, seed: seed, offset: elsewhere)
    let isSame: Bool
    do {
      let read = try RecordHeader.decode(moved.bytes, seed: seed, offset: elsewhere)
      try read.checkPayload(moved.bytes, seed: seed, offset: elsewhere)
      isSame = read.fields == header.fields
    } catch {
      throw FuzzFailure("a record that was moved can not be read: \(error.text)")
    }
    try require(isSame, "a record that was moved is another one")
    RecordEncoder.relocate(header, at: 0, in: &moved, seed: seed, offset: place)
    try require(moved.bytes.equals(record), "a record that was moved and moved back is another one")
  }

  // MARK: The frame

  private static func checkFrame(_ frame: inout ByteBuffer, repairs: Bool) throws(FuzzFailure) {
    if repairs {
      frame.store(littleEndian: Layout.FrameHeader.magic, at: Layout.FrameHeader.magicOffset)
      let checksum = Checksum.xxh3(frame.bytes.extracting(8..<Layout.FrameHeader.size), seed: seed.at(offset))
      frame.store(littleEndian: checksum, at: Layout.FrameHeader.checksum)
    }
    guard let header = try? FrameHeader.decode(frame.bytes, seed: seed, offset: offset) else { return }
    var again = ByteBuffer(capacity: Layout.FrameHeader.size)
    again.append(zeros: Layout.FrameHeader.size)
    header.encode(over: &again, seed: seed, offset: offset)
    let original = frame.bytes.extracting(0..<Layout.FrameHeader.size)
    try require(again.bytes.equals(original), "a frame's header that was read is written as another one")
    try checkBody(header, frame.bytes)
  }

  private static func checkBody(_ header: FrameHeader, _ frame: RawSpan) throws(FuzzFailure) {
    let body = frame.extracting(Layout.FrameHeader.size..<frame.byteCount)
    let base = offset + Layout.FrameHeader.size
    if let table = try? CommitTable.decodeSealBody(body, seed: seed, offset: base) {
      _ = table.offset(before: header.firstRevision)
    }
    guard (try? CommitFrame.check(header, body, seed: seed, bodyOffset: base)) != nil else { return }
    var count: UInt32 = 0
    var next = header.firstRevision
    var end = base
    try CommitFrame.forEach(in: body, seed: seed, bodyOffset: base) {
      (record, place, bytes) throws(FuzzFailure) in
      try require(place == end && bytes.byteCount == Int(record.recordBytes), "a record is not where it should be")
      if record.fields.operation.takesRevision {
        try require(record.fields.revision == next, "a revision is missing")
        next = next.next
      } else if record.fields.operation == .gap {
        guard let gap = try? GapRecord.decode(bytes.extracting(record.payloadRange)) else {
          throw FuzzFailure("a gap record was taken that can not be read")
        }
        try require(gap.first == next, "a gap begins elsewhere")
        next = gap.last.next
      }
      count += 1
      end = place + bytes.byteCount
    }
    try require(count == header.recordCount && end == base + body.byteCount, "records are missing")
    try require(next == header.lastRevision.next, "the last revision is another one")
  }

  package static var seeds: [FuzzSeed] {
    let put = Samples.frame(first: 1, [Samples.put("key", #"{"key":"key","content":"x"}"#, revision: 1)])
    let batch = Samples.frame(
      first: 7,
      [
        Samples.put("a", "1", revision: 7, request: "r-1", continues: true),
        Samples.delete("b", revision: 8),
        Samples.epoch(),
      ])
    var seeds: [FuzzSeed] = []
    for mode: UInt8 in [0, 1, 3, 5, 7] {
      seeds.append(FuzzSeed("put-\(mode)", [mode] + put.bytes(seed: seed, at: offset)))
      seeds.append(FuzzSeed("batch-\(mode)", [mode] + batch.bytes(seed: seed, at: offset)))
    }
    return seeds
  }
}
