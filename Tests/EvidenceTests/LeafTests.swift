/// The bytes of a leaf and of a block, pinned: FORMAT.md says the same.
import Bytes
import Foundation
import HistoryTree
import Testing

@testable import Evidence
@testable import LogStore

@Suite struct LeafTests {
  static let store = StoreIdentity(high: 0x0011_2233_4455_4677, low: 0x8899_AABB_CCDD_EEFF)

  /// Computed with Python's hashlib and struct from what FORMAT.md says.
  @Test("The worked example has the leaf that FORMAT.md names")
  func workedExample() throws {
    let time: Int64 = 1_754_587_800_000_000
    var fields = RecordFields(operation: .create, revision: Revision(1), time: time)
    fields.itemKind = 1
    fields.creationTime = time
    fields.salt = 0x1F1E_1D1C_1B1A_1918_1716_1514_1312_1110
    let seed = FrameSeed(store: Self.store, segment: SegmentNumber(1), generation: 0)
    let payload = Array(#"{"content":"hello"}"#.utf8)
    var record = ByteBuffer(capacity: 512)
    withNames(["greeting", "planner", "", ""].map { Array($0.utf8) }) { names in
      RecordEncoder.append(fields, names, payload: payload.span.bytes, seed: seed, offset: 4_240, to: &record)
    }
    let header = try RecordHeader.decode(record.bytes, seed: seed, offset: 4_240)
    var hasher = LeafHasher()
    let leaf = try hasher.hash(header, record.bytes, RecordOrigin(lineage: Self.store, epoch: 1))
    let hex = leaf.array.map { String(format: "%02x", $0) }.joined()
    #expect(hex == "56a4b3356a8b70a591bb9eedb1b5791592be5f1fef633b9349bb89cadf20dcff")
    let path = URL(fileURLWithPath: #filePath).deletingLastPathComponent().path + "/../../FORMAT.md"
    #expect(try String(contentsOfFile: path, encoding: .utf8).contains(hex))
  }

  @Test("The sizes are those of FORMAT.md's tables")
  func sizes() {
    #expect(LeafLayout.size == 84 && LeafLayout.operation == 72 && LeafLayout.keyBytes == 76)
    #expect(TreeBlock.bytes == 88 && LeafPlace.bytes == 48)
  }

  @Test("Every field of a record is in its leaf, and nothing that is physical or derived")
  func everyField() throws {
    var base = RecordFields(operation: .update, revision: Revision(9), time: 90)
    base.salt = 5
    func leaf(
      _ fields: RecordFields, _ names: [String] = ["k", "a", "c", "r"], _ payload: String = "{}",
      _ origin: RecordOrigin = RecordOrigin(lineage: Self.store, epoch: 2), offset: Int = 4_240
    ) throws -> Digest {
      let seed = FrameSeed(store: Self.store, segment: SegmentNumber(1), generation: 0)
      var record = ByteBuffer(capacity: 512)
      let payload = Array(payload.utf8)
      withNames(names.map { Array($0.utf8) }) { names in
        RecordEncoder.append(fields, names, payload: payload.span.bytes, seed: seed, offset: offset, to: &record)
      }
      let header = try RecordHeader.decode(record.bytes, seed: seed, offset: offset)
      var hasher = LeafHasher()
      return try hasher.hash(header, record.bytes, origin)
    }
    func with(_ change: (inout RecordFields) -> Void) throws -> Digest {
      var fields = base
      change(&fields)
      return try leaf(fields)
    }
    let original = try leaf(base)
    let others = [
      try with { $0.operation = .create }, try with { $0.itemKind = 1 }, try with { $0.revision = Revision(10) },
      try with { $0.previousRevision = Revision(1) }, try with { $0.time = 91 }, try with { $0.creationTime = 1 },
      try with { $0.expiry = 1 }, try with { $0.continues = true }, try with { $0.salt = 6 },
      try leaf(base, ["k2", "a", "c", "r"]), try leaf(base, ["k", "a2", "c", "r"]),
      try leaf(base, ["k", "a", "", "r"]),
      try leaf(base, ["k", "a", "c", ""]), try leaf(base, ["ka", "", "c", "r"]),
      try leaf(base, ["k", "a", "c", "r"], "{ }"),
      try leaf(base, ["k", "a", "c", "r"], "{}", RecordOrigin(lineage: .none, epoch: 2)),
      try leaf(base, ["k", "a", "c", "r"], "{}", RecordOrigin(lineage: Self.store, epoch: 3)),
    ]
    #expect(Set(others + [original]).count == others.count + 1)
    let same = [
      try with { $0.fingerprint = 7 }, try with { $0.stateHash = 7 }, try with { $0.skipRevision = Revision(3) },
      try with { $0.depth = 4 }, try leaf(base, ["k", "a", "c", "r"], "{}", offset: 9_000),
    ]
    #expect(Set(same) == [original])
  }
}
