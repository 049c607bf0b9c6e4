/// Packed segments: whatever the file says, the plain bytes that are made of it are as many as there should be, and no more
/// memory is taken than the format allows.
///
/// An input is a byte of choices, the store's identity, and the file behind its header.
internal import Bytes
package import FuzzSupport
internal import LogStore

package enum PackedFuzz: FuzzTarget {
  package static let name = "packed"

  private enum Mode {
    static let repairs: UInt8 = 1
  }

  private static let headBytes = 17
  private static let capacity = 32 << 10
  private static let pieceBytes = 777

  private static func header(_ store: StoreIdentity) -> SegmentHeader {
    var header = SegmentHeader(
      store: store, lineage: StoreIdentity(high: 3, low: 4), number: SegmentNumber(1), generation: 1,
      capacity: UInt64(capacity), baseRevision: Revision(1), epoch: 1, createdAt: Samples.time)
    header.packedFrom = 0
    return header
  }

  package static func run(_ input: RawSpan) throws(FuzzFailure) {
    guard input.byteCount >= headBytes else { return }
    let header = header(input.identity(1))
    var file = ByteBuffer(capacity: Layout.SegmentHeader.blockBytes + input.byteCount)
    header.encode(into: &file)
    file.append(input.extracting(headBytes..<input.byteCount))
    if input.u8(0) & Mode.repairs != 0 { repair(&file, header.seed) }
    let disk = MemoryDisk()
    disk.place(StoreNames.segment(header.number, generation: header.generation), file)
    guard
      let segment = try? SegmentFile.open(
        header.number, generation: header.generation, store: header.store, storage: disk, writable: false),
      let packed = segment.packed
    else { throw FuzzFailure("a packed segment with a sound header is not opened") }
    try checkBytes(packed)
    var scanner = SegmentScanner(segment)
    _ = try? scanner.scan(after: .none) { (_, _, _) throws(LogError) in }
    for offset in stride(from: 0, to: capacity, by: 1_024) { _ = packed.problem(at: offset) }
    _ = try? packed.problems()
  }

  private static func checkBytes(_ packed: PackedFile) throws(FuzzFailure) {
    var whole = ByteBuffer(capacity: capacity)
    var pieces = ByteBuffer(capacity: capacity)
    do {
      try packed.read(at: 0, length: capacity + 1, into: &whole)
      packed.unload()
      for offset in stride(from: 0, to: capacity, by: pieceBytes) {
        try packed.read(at: UInt64(offset), length: min(pieceBytes, capacity - offset), into: &pieces)
      }
    } catch {
      throw FuzzFailure("a disk in memory failed: \(error)")
    }
    try require(whole.count == capacity, "a read gives \(whole.count) bytes of \(capacity)")
    // Not always the same bytes: of a forged block that can be made in part only, a piece may be there that is filler in
    // a longer read. Either way no check lets it pass that would not let pass the whole.
    try require(pieces.count == capacity, "reads in pieces give \(pieces.count) bytes of \(capacity)")
  }

  /// Makes the checksums of the blocks right again, as far as their lengths lead, and that of the tail.
  private static func repair(_ file: inout ByteBuffer, _ seed: FrameSeed) {
    var offset = Layout.SegmentHeader.blockBytes
    while offset < file.count {
      guard let length = PackedBlock.length(file.bytes.extracting(offset..<file.count)), offset + length <= file.count
      else { break }
      let checksum = Checksum.xxh3(file.bytes.extracting((offset + 8)..<(offset + length)), seed: seed.at(offset))
      file.store(littleEndian: checksum, at: offset)
      offset += length
    }
    let tail = file.count - Layout.PackedTail.size
    guard tail >= Layout.SegmentHeader.blockBytes else { return }
    let checksum = Checksum.xxh3(file.bytes.extracting((tail + 8)..<file.count), seed: seed.at(tail))
    file.store(littleEndian: checksum, at: tail)
  }

  // MARK: Seeds

  package static var seeds: [FuzzSeed] {
    [10, 60].flatMap { records in
      let (store, body) = pack(records)
      var head: [UInt8] = []
      for half in [store.high, store.low] {
        for shift in stride(from: 0, to: 64, by: 8) { head.append(UInt8(half >> UInt64(shift) & 255)) }
      }
      return [UInt8(0), 1].map { FuzzSeed("records-\(records)-\($0)", [$0] + head + body) }
    }
  }

  /// A log whose first segment is sealed and packed: its store, and the packed file behind its header.
  private static func pack(_ records: Int) -> (StoreIdentity, [UInt8]) {
    let disk = MemoryDisk()
    let options = LogOptions(segmentBytes: capacity, firstSegmentBytes: capacity, usesThreads: false)
    guard let log = try? RecordLog(disk, options: options, now: Samples.time) else {
      preconditionFailure("a disk in memory takes a log")
    }
    defer { log.abandon() }
    let words = ["plan", "agent", "memory", "what", "others", "forget", "each", "day"]
    let none: [UInt8] = []
    var number = 0
    // Until the first segment is full, `records` in a commit.
    while log.status.activeSegment == SegmentNumber(1) {
      let text = (0..<(4 + number % 9)).map { words[($0 * 3 + number) % words.count] }.joined(separator: " ")
      let agent = Array(words[number % 3].utf8)
      let key = Array("memory/\(number % 17)".utf8)
      let payload = Array(#"{"content":"\#(text)","n":\#(number)}"#.utf8)
      var fields = RecordFields(
        operation: number % 7 == 6 ? .delete : .create, revision: log.lastRevision.next,
        time: Samples.time + Int64(number))
      fields.itemKind = UInt8(1 + number % 3)
      guard (try? log.reserve(2_048)) != nil else { preconditionFailure("a disk in memory has room") }
      _ = log.append(
        fields,
        RecordNames(
          key: key.span.bytes, agent: agent.span.bytes, correlation: none.span.bytes,
          request: none.span.bytes),
        payload: fields.operation.isPut ? payload.span.bytes : none.span.bytes)
      number += 1
      if number % records == 0 { log.submit() }
    }
    log.submit()
    while let buffer = log.takeCompleted(through: log.completedTicket) { log.recycle(buffer) }
    log.beginCompaction()
    log.settleCompaction()
    let name = StoreNames.segment(SegmentNumber(1), generation: 1)
    return (log.status.store, Array(disk.contents(name).dropFirst(Layout.SegmentHeader.blockBytes)))
  }
}
