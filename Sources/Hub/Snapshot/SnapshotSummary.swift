/// The last block of a snapshot: what is exact at its revision and can not be told from the keys.
internal import Bytes
internal import LogStore

struct SnapshotSummary: Equatable {
  var revision: Revision
  var checksum: UInt128
  var events: HubState.EventCounts
  /// The seed of the names of remembered requests.
  var requestSeed: UInt64
  /// Live keys by item kind; kinds without any are left out.
  var countByKind: [UInt8: UInt64]
  /// The generation of every segment that positions in the snapshot may name.
  var generations: [SegmentGeneration]

  private static let fixedBytes = 8 + 16 + 32 + 8 + 8
  private static let pairBytes = 8 + 8

  func encode() -> SnapshotBlock {
    let block = SnapshotBlock(kind: SnapshotSection.summary.rawValue, capacity: 4_096)
    block.count = 1
    block.payload.append(littleEndian: revision.value)
    block.payload.append(littleEndian: checksum)
    for count in [events.create, events.update, events.delete, events.expire] {
      block.payload.append(littleEndian: count)
    }
    block.payload.append(littleEndian: requestSeed)
    block.payload.append(littleEndian: UInt32(countByKind.count))
    block.payload.append(littleEndian: UInt32(generations.count))
    for (kind, count) in countByKind.sorted(by: { $0.key < $1.key }) {
      block.payload.append(littleEndian: UInt64(kind))
      block.payload.append(littleEndian: count)
    }
    for segment in generations {
      block.payload.append(littleEndian: UInt64(segment.number.value))
      block.payload.append(littleEndian: UInt64(segment.generation))
    }
    return block
  }

  static func decode(_ bytes: RawSpan) throws(FormatError) -> SnapshotSummary {
    guard bytes.byteCount >= fixedBytes else { throw .truncated }
    let kinds = Int(bytes.u32(fixedBytes - 8))
    let segments = Int(bytes.u32(fixedBytes - 4))
    guard bytes.byteCount == fixedBytes + (kinds + segments) * pairBytes else { throw .badLength }
    var summary = SnapshotSummary(
      revision: Revision(bytes.u64(0)), checksum: bytes.u128(8),
      events: .init(create: bytes.u64(24), update: bytes.u64(32), delete: bytes.u64(40), expire: bytes.u64(48)),
      requestSeed: bytes.u64(56), countByKind: [:], generations: [])
    var position = fixedBytes
    for _ in 0..<kinds {
      guard let kind = UInt8(exactly: bytes.u64(position)), kind < HubState.kindsMax else {
        throw .badField("item_kind")
      }
      summary.countByKind[kind] = bytes.u64(position + 8)
      position += pairBytes
    }
    // Each event has taken a revision, and each live key is there by one.
    let counts = [summary.events.create, summary.events.update, summary.events.delete, summary.events.expire]
    guard (counts + summary.countByKind.values).allSatisfy({ $0 <= summary.revision.value }) else {
      throw .badField("counts")
    }
    for _ in 0..<segments {
      guard let number = UInt32(exactly: bytes.u64(position)),
        let generation = UInt32(exactly: bytes.u64(position + 8))
      else { throw .badField("segment") }
      summary.generations.append(SegmentGeneration(number: SegmentNumber(number), generation: generation))
      position += pairBytes
    }
    return summary
  }
}
