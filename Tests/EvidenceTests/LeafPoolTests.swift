/// Leaves that are hashed on several threads are those of one thread, in the order of the records.
import Bytes
import HistoryTree
import TestSupport
import Testing

@testable import Evidence
@testable import LogStore

@Suite struct LeafPoolTests {
  static let origin = RecordOrigin(lineage: .none, epoch: 1)
  static let seed = FrameSeed(store: .none, segment: SegmentNumber(1), generation: 0)

  struct Record {
    let header: RecordHeader
    let bytes: [UInt8]
    let position: RecordPosition

    init(_ revision: UInt64, payloadBytes: Int, codec: Codec = .plain, edits: RecordEdits = RecordEdits()) throws {
      var fields = RecordFields(operation: .create, revision: Revision(revision), time: Int64(revision))
      fields.salt = UInt128(revision)
      var buffer = ByteBuffer(capacity: 512)
      let payload = [UInt8](repeating: UInt8(truncatingIfNeeded: revision), count: payloadBytes)
      withNames(["k", "a", "", ""].map { Array($0.utf8) }) { names in
        RecordEncoder.append(
          fields, names, payload: payload.span.bytes, codec: codec, seed: seed, offset: 4_168, to: &buffer)
      }
      var header = try RecordHeader.decode(buffer.bytes, seed: seed, offset: 4_168)
      var editor = RecordEditor(edits)
      if try editor.edit(header, buffer.bytes, origin, seed: seed, offset: 4_168) {
        buffer.removeAll()
        buffer.append(editor.result.bytes)
        header = try RecordHeader.decode(buffer.bytes, seed: seed, offset: 4_168)
      }
      self.header = header
      bytes = buffer.bytes.array()
      position = RecordPosition(segment: SegmentNumber(1), offset: UInt32(revision), length: header.recordBytes)
    }

    func add(to pool: LeafPool, _ sink: (HashedLeaves) -> Void) throws {
      let span = bytes.span
      try pool.add(header, span.bytes, origin, at: position, to: sink)
    }

    func leaf() throws -> Digest {
      var hasher = LeafHasher()
      return try hasher.hash(header, bytes.span.bytes, origin)
    }
  }

  /// Small records, which share a batch, and some that are more than what may wait; among them emptied ones of both
  /// kinds, which bear their commitment or their leaf.
  static func records(_ generator: inout SeededGenerator) throws -> [Record] {
    var records: [Record] = []
    for revision in 1...UInt64(6_000) {
      let isHuge = (3_000...3_003).contains(revision)
      let bytes = isHuge ? 12 << 20 : Int.random(in: 0..<900, using: &generator)
      var edits = RecordEdits()
      switch Int.random(in: 0..<10, using: &generator) {
      case 0: edits.redacted = [Revision(revision)]
      case 1:
        let next = Revision(revision + 1)
        edits.dropped = SupersededRevisions(Revision(revision)...next, kept: 1)
        let goes = edits.dropped.note(next, supersedes: Revision(revision))
        #expect(goes)
      default: break
      }
      records.append(try Record(revision, payloadBytes: bytes, edits: edits))
    }
    return records
  }

  @Test("The leaves come in the order of the records, with any number of threads", arguments: [0, 1, 3])
  func order(helpers: Int) throws {
    var generator = SeededGenerator.fromEnvironment("LeafPoolTests.order")
    let records = try Self.records(&generator)
    let pool = LeafPool(helpers: helpers)
    var leaves = HashedLeaves(hashes: [], places: [])
    for record in records {
      try record.add(to: pool) { leaves += $0 }
    }
    let before = leaves.hashes.count
    pool.finish { leaves += $0 }
    // Helpers that get no time hand over nothing before the end.
    #expect((before > 0 || helpers > 0) && before < records.count)
    #expect(leaves.places.map(\.revision) == records.map(\.header.fields.revision))
    #expect(leaves.places.map(\.position) == records.map(\.position))
    let expected = try records.map { try $0.leaf() }
    #expect(leaves.hashes == expected)
  }

  @Test("A record without a leaf is refused when it is added, and those around it keep theirs")
  func withoutLeaf() throws {
    let pool = LeafPool(helpers: 1)
    let good = try [Record(1, payloadBytes: 10), Record(3, payloadBytes: 10)]
    let bad = try Record(2, payloadBytes: 10, codec: .zstd)
    var leaves = HashedLeaves(hashes: [], places: [])
    try good[0].add(to: pool) { leaves += $0 }
    #expect(throws: LogError.self) {
      try bad.add(to: pool) { leaves += $0 }
    }
    try good[1].add(to: pool) { leaves += $0 }
    pool.finish { leaves += $0 }
    let expected = try good.map { try $0.leaf() }
    #expect(leaves.hashes == expected)
  }

  @Test("A pool that is given up ends its threads")
  func givenUp() throws {
    let record = try Record(1, payloadBytes: 300 << 10)
    for _ in 0..<50 {
      let pool = LeafPool(helpers: 2)
      try record.add(to: pool) { _ in }
    }
  }
}

extension HashedLeaves {
  fileprivate static func += (all: inout HashedLeaves, more: HashedLeaves) {
    all.hashes += more.hashes
    all.places += more.places
  }
}
