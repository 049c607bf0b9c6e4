/// A packed block stands for the very bytes that were packed, whatever they are.
import Bytes
import LogStore
import TestSupport
import Testing

/// Frames and records as a segment might hold them, some of them strange.
struct PackedContent: ~Copyable {
  var offset = Layout.SegmentHeader.blockBytes
  private(set) var plain = ByteBuffer()
  private(set) var builder = PackedBlockBuilder()
  private var random: SeededGenerator
  private var revision: UInt64
  private var time: Int64 = 1_754_587_800_123_456

  init(_ random: SeededGenerator, firstRevision: UInt64 = 1) {
    self.random = random
    revision = firstRevision
    builder.begin(at: offset)
  }

  mutating func addCommit(_ count: Int) {
    let first = revision
    var body = ByteBuffer()
    let start = offset
    for index in 0..<count { appendRecord(to: &body, at: start + Layout.FrameHeader.size, isLast: index == count - 1) }
    var header = FrameHeader(
      kind: .commit, durability: Durability.allCases.randomElement(using: &random)!, bodyBytes: UInt32(body.count),
      recordCount: UInt32(count), firstRevision: Revision(first), lastRevision: Revision(revision - 1),
      epoch: UInt64.random(in: 1...3, using: &random), time: time)
    header.durableThrough = Revision(UInt64.random(in: 0...revision, using: &random))
    header.durableOffset = UInt64(start - start % 8) - UInt64(Int.random(in: 0...9, using: &random) * 8)
    add(header)
    var position = 0
    while position < body.count {
      let length = Int(body.bytes.u32(position + Layout.RecordHeader.recordBytes))
      let record = Array(body.bytes.extracting(position..<(position + length)).array())
      builder.append(record.span.bytes)
      position += length
    }
    plain.append(body.bytes)
    offset += body.count
  }

  mutating func addStamp(isCleanClose: Bool) {
    add(
      FrameHeader(
        kind: .stamp, durability: .fsync, isCleanClose: isCleanClose, firstRevision: Revision(revision),
        lastRevision: Revision(revision - 1), epoch: 3, time: time + 5, durableThrough: Revision(revision - 1),
        durableOffset: UInt64(offset)))
  }

  mutating func addSeal() {
    var table = CommitTable()
    table.note(Sample.header(body: 8), at: 4_096)
    var body = ByteBuffer()
    table.encodeSealBody(into: &body, seed: Sample.seed, offset: offset + Layout.FrameHeader.size)
    add(
      FrameHeader(
        kind: .seal, durability: .fsync, bodyBytes: UInt32(body.count), firstRevision: Revision(revision),
        lastRevision: Revision(revision - 1), epoch: 3, time: time))
    builder.append(sealBody: body.bytes)
    plain.append(body.bytes)
    offset += body.count
  }

  private mutating func add(_ header: FrameHeader) {
    var bytes = ByteBuffer()
    bytes.append(zeros: Layout.FrameHeader.size)
    header.encode(over: &bytes, seed: Sample.seed, offset: offset)
    builder.append(header, at: offset)
    plain.append(bytes.bytes)
    offset += Layout.FrameHeader.size
  }

  private mutating func appendRecord(to body: inout ByteBuffer, at start: Int, isLast: Bool) {
    let operations: [LogStore.Operation] = [
      .create, .update, .update, .update, .delete, .expire, .void, .epoch, .redaction,
    ]
    let operation = operations.randomElement(using: &random)!
    time += Int64.random(in: 0...4_000, using: &random)
    var fields = RecordFields(
      operation: operation, revision: Revision(operation.takesRevision ? revision : 0), time: time)
    if operation.takesRevision { revision += 1 }
    let key = chance(10) ? "" : "agent:\(Int.random(in: 0...40, using: &random)):memory"
    let agent = chance(4) ? "" : chance(2) ? "planner" : "agent-\(Int.random(in: 0...999, using: &random))"
    fields.itemKind = chance(9) ? 77 : 1
    fields.previousRevision = chance(2) ? .none : Revision(UInt64.random(in: 1...(revision + 3), using: &random))
    fields.skipRevision = chance(2) ? .none : Revision(UInt64.random(in: 0..<(1 << 62), using: &random))
    fields.depth = chance(2) ? 0 : UInt32.random(in: 0..<(1 << 24), using: &random)
    fields.creationTime = chance(3) ? 0 : chance(2) ? time : Int64.random(in: .min ... .max, using: &random)
    fields.expiry = chance(2) ? 0 : chance(5) ? .min : time + Int64.random(in: -9...9_000_000_000, using: &random)
    fields.fingerprint = chance(2) ? 0 : UInt64.random(in: 1 ... .max, using: &random)
    fields.salt = chance(5) ? 0 : UInt128(UInt64.random(in: .min ... .max, using: &random)) << 64 | 9
    fields.continues = !isLast && chance(2)
    let payload = Array(payload(key, agent, fields).utf8)
    var scratch = ByteBuffer()
    let keyBytes = Array(key.utf8)
    let isForeign = chance(6)
    if operation.isPut {
      // The definition of the state checksum, once more.
      scratch.append(littleEndian: UInt32(keyBytes.count))
      for byte in keyBytes { scratch.append(byte) }
      scratch.append(littleEndian: fields.revision.value)
      scratch.append(littleEndian: UInt32(payload.count))
      for byte in payload { scratch.append(byte) }
      fields.stateHash = Checksum.xxh128(scratch.bytes)
      if isForeign { fields.stateHash = 0x0123_4567_89AB_CDEF_0011_2233_4455_6677 }
    }
    let agentBytes = Array(agent.utf8)
    let correlation = Array((chance(3) ? "" : "c-\(Int.random(in: 0...2, using: &random))").utf8)
    let request = Array((chance(3) ? "" : "request").utf8)
    let names = RecordNames(
      key: keyBytes.span.bytes, agent: agentBytes.span.bytes, correlation: correlation.span.bytes,
      request: request.span.bytes)
    RecordEncoder.append(
      fields, names, payload: payload.span.bytes, seed: Sample.seed, offset: start + body.count, to: &body)
  }

  private mutating func payload(_ key: String, _ agent: String, _ fields: RecordFields) -> String {
    switch Int.random(in: 0..<6, using: &random) {
    case 0: return ""
    case 1: return "\u{1}\u{4} has bytes that stand for something else, and \(key)"
    case 2: return key + key + agent
    default:
      let text = time(fields.creationTime)
      return #"{"key":"\#(key)","content":"some text \#(Int.random(in: 0...99, using: &random)) of \#(agent)","#
        + #""timestamp":"\#(text)","updated_at":"\#(time(fields.time))","source_agent":"\#(agent)"}"#
    }
  }

  private func time(_ value: Int64) -> String {
    value == time ? "2025-08-07T17:30:00.123456Z" : "2025-08-07T17:30:0\(abs(value % 10)).000001Z"
  }

  private mutating func chance(_ count: Int) -> Bool { Int.random(in: 0..<count, using: &random) == 0 }
}

@Suite("Packed blocks")
struct PackedBlockTests {
  static let fileOffset = 8_192

  /// Packs what the content's builder holds; gives the block's bytes.
  static func pack(_ content: inout PackedContent, dictionary: [UInt8] = []) -> [UInt8] {
    var output = ByteBuffer()
    content.finish(dictionary, to: &output)
    return output.bytes.array()
  }

  static func unpack(
    _ bytes: [UInt8], dictionary: [UInt8] = [], range: Range<Int>? = nil
  ) throws -> [UInt8] {
    let head = try PackedBlock.decode(bytes.span.bytes, seed: Sample.seed, offset: fileOffset)
    var block = UnpackedBlock()
    try block.decode(head, bytes.span.bytes, ZstdDecompressor(dictionary: dictionary.span.bytes))
    var scratch = PackedScratch()
    var plain = ByteBuffer()
    try block.append(range ?? head.plainRange, seed: Sample.seed, &scratch, to: &plain)
    return plain.bytes.array()
  }

  @Test("Whatever frames and records hold, they come out of a block byte for byte")
  func roundTrip() throws {
    var random = SeededGenerator.fromEnvironment("packed blocks")
    for round in 0..<400 {
      var content = PackedContent(SeededGenerator(seed: random.next()), firstRevision: UInt64(round) * 1_000 + 1)
      if round % 3 == 0 { content.addStamp(isCleanClose: round % 2 == 0) }
      for commit in 0..<(round % 7) { content.addCommit(1 + (round + commit) % 5) }
      if round % 5 == 0 { content.addSeal() }
      guard content.plainCount > 0 else { continue }
      let expected = content.plainBytes
      let packed = Self.pack(&content)
      let unpacked = try Self.unpack(packed)
      #expect(unpacked == expected, "round \(round)")
    }
  }

  @Test("Any part of what a block stands for comes out alone")
  func parts() throws {
    var content = PackedContent(SeededGenerator(seed: 5))
    content.addStamp(isCleanClose: false)
    content.addCommit(4)
    content.addSeal()
    let expected = content.plainBytes
    let packed = Self.pack(&content)
    let start = Layout.SegmentHeader.blockBytes
    for low in stride(from: 0, to: expected.count, by: 37) {
      for high in stride(from: low, through: expected.count, by: 53) {
        let part = try Self.unpack(packed, range: (start + low)..<(start + high))
        #expect(part == Array(expected[low..<high]), "\(low)..<\(high)")
      }
    }
  }

  @Test("Every inverted bit of a block is noticed before anything is decompressed")
  func flips() throws {
    var content = PackedContent(SeededGenerator(seed: 6))
    content.addCommit(3)
    let packed = Self.pack(&content)
    for bit in 0..<(packed.count * 8) {
      let flipped = packed.flipping(bit: bit)
      #expect(throws: FormatError.self) {
        try PackedBlock.decode(flipped.span.bytes, seed: Sample.seed, offset: Self.fileOffset)
      }
    }
    #expect(throws: FormatError.badChecksum) {
      try PackedBlock.decode(packed.span.bytes, seed: Sample.seed, offset: Self.fileOffset + 8)
    }
  }

  @Test("A block whose checksum is right and whose content is not gives an error or bytes, and never more than it says")
  func forged() throws {
    var content = PackedContent(SeededGenerator(seed: 7))
    content.addCommit(5)
    let packed = Self.pack(&content)
    let covered = 8..<packed.count
    for offset in Layout.PackedBlock.kind..<packed.count {
      for value: UInt8 in [0, 1, 0x7F, 0x80, 0xFF, packed[offset] ^ 1] {
        let forged = packed.with(
          value, at: offset, sealing: covered, seed: Sample.seed.at(Self.fileOffset))
        if let plain = try? Self.unpack(forged) {
          let head = try PackedBlock.decode(forged.span.bytes, seed: Sample.seed, offset: Self.fileOffset)
          #expect(plain.count <= Int(head.plainBytes))
        }
      }
    }
  }
}

extension PackedContent {
  var plainBytes: [UInt8] { plain.bytes.array() }
  var plainCount: Int { plain.count }

  mutating func finish(_ dictionary: [UInt8], to output: inout ByteBuffer) {
    let compressor = ZstdCompressor(dictionary: dictionary.span.bytes, level: 3)
    builder.finish(
      compressor, usesDictionary: false, seed: Sample.seed, fileOffset: PackedBlockTests.fileOffset, to: &output)
  }
}
