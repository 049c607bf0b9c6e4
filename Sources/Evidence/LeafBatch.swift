/// Some records on their way to their leaves: their bytes, which the one thread gathers and another hashes.
internal import HistoryTree
internal import LogStore

/// Leaves in the order of their records, and where these are.
struct HashedLeaves: Sendable {
  struct Place: Sendable {
    let revision: Revision
    let position: RecordPosition
  }

  var hashes: [Digest]
  /// One for each hash.
  var places: [Place]
}

struct LeafBatch: ~Copyable, Sendable {
  private var messages = LeafMessages()
  private var places: [HashedLeaves.Place] = []
  private(set) var leaves = HashedLeaves(hashes: [], places: [])

  /// Enough that handing a batch over costs nothing beside hashing it, and that it is still in the processor's cache.
  private static let targetBytes = 512 << 10

  var isEmpty: Bool { places.isEmpty }
  var isFull: Bool { messages.byteCount >= LeafBatch.targetBytes }
  var byteCount: Int { messages.byteCount }

  /// - Throws: `LogError` when records of this kind have no leaf; nothing is added then.
  mutating func add(
    _ header: RecordHeader, _ record: RawSpan, _ origin: RecordOrigin, at position: RecordPosition
  ) throws(LogError) {
    try messages.add(header, record, origin)
    places.append(HashedLeaves.Place(revision: header.fields.revision, position: position))
  }

  mutating func hash() {
    leaves = HashedLeaves(hashes: messages.hash(), places: places)
    places = []
  }
}
