/// Some records on their way to their leaves: their bytes, which the one thread gathers and another hashes.
internal import Bytes
internal import HistoryTree
internal import LogStore

/// A leaf, and the record that it is of.
struct HashedLeaf: Sendable {
  let hash: Digest
  let revision: Revision
  let position: RecordPosition
}

struct LeafBatch: ~Copyable, Sendable {
  private struct Entry {
    let header: RecordHeader
    let origin: RecordOrigin
    let position: RecordPosition
    let range: Range<Int>
  }

  private var bytes = ByteBuffer(capacity: LeafBatch.targetBytes)
  private var entries: [Entry] = []
  private(set) var leaves: [HashedLeaf] = []

  /// Enough that handing a batch over costs nothing beside hashing it, and that it is still in the processor's cache.
  private static let targetBytes = 256 << 10

  var isEmpty: Bool { entries.isEmpty }
  var isFull: Bool { bytes.count >= LeafBatch.targetBytes }
  var byteCount: Int { bytes.count }

  mutating func add(
    _ header: RecordHeader, _ record: RawSpan, _ origin: RecordOrigin, at position: RecordPosition
  ) throws(LogError) {
    try RecordLeaf.check(header)
    let start = bytes.count
    bytes.append(record)
    entries.append(Entry(header: header, origin: origin, position: position, range: start..<bytes.count))
  }

  mutating func hash() {
    var hasher = LeafHasher()
    leaves.reserveCapacity(entries.count)
    for entry in entries {
      let hash = LeafBatch.hash(entry, bytes.bytes.extracting(entry.range), with: &hasher)
      leaves.append(HashedLeaf(hash: hash, revision: entry.header.fields.revision, position: entry.position))
    }
  }

  private static func hash(_ entry: Entry, _ record: RawSpan, with hasher: inout LeafHasher) -> Digest {
    do {
      return try hasher.hash(entry.header, record, entry.origin)
    } catch {
      preconditionFailure("a record without a leaf was taken into a batch: \(error.message)")
    }
  }
}
