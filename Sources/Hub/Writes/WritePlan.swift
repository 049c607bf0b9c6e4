/// The records that a request would write, decided one after the other before any of them is written: an atomic batch
/// either becomes records as a whole or leaves nothing behind.
internal import Bytes
internal import LogStore

package final class WritePlan {
  struct Planned {
    var fields: RecordFields
    var key: Range<Int>
    var payload: Range<Int>
    var keyHash: KeyHash
    /// EXPIRE records that a put brings along are the hub's own: they bear no request id.
    var isOwn: Bool
  }

  // Unchecked exclusivity: one thread owns this object, and asking at every access costs a tenth of a write.
  /// Keys and stored items of the planned records.
  @exclusivity(unchecked) var arena = ByteBuffer(capacity: 8_192)
  @exclusivity(unchecked) private(set) var records: [Planned] = []
  @exclusivity(unchecked) private(set) var results: [OperationResult] = []
  /// The state hashes of the live versions that planned records replace, with the revisions of those records.
  @exclusivity(unchecked) var replaced: [(Revision, UInt128)] = []
  /// The chains of heads that begin with a planned record.
  @exclusivity(unchecked) var heads: [(KeyHash, [ChainHead])] = []
  /// The newest planned record of each key; filled only for batches.
  @exclusivity(unchecked) private var newest: [KeyHash: Int] = [:]
  @exclusivity(unchecked) var nextRevision = Revision.none

  private static let arenaKeptBytes = 1 << 20

  func begin(after revision: Revision) {
    arena.removeAll(shrinkingAbove: WritePlan.arenaKeptBytes)
    records.removeAll(keepingCapacity: true)
    results.removeAll(keepingCapacity: true)
    replaced.removeAll(keepingCapacity: true)
    if !heads.isEmpty { heads.removeAll(keepingCapacity: true) }
    if !newest.isEmpty { newest.removeAll(keepingCapacity: true) }
    nextRevision = revision.next
  }

  func planned(_ key: KeyHash) -> Planned? { newest.isEmpty ? nil : newest[key].map { records[$0] } }

  func add(_ record: Planned, remembering: Bool) {
    records.append(record)
    if remembering { newest[record.keyHash] = records.count - 1 }
    nextRevision = nextRevision.next
  }

  func add(_ result: OperationResult) { results.append(result) }

  /// Appends a key to the arena.
  func keep(_ bytes: RawSpan) -> Range<Int> {
    let start = arena.count
    arena.append(bytes)
    return start..<arena.count
  }

  /// Bytes that the records take in a commit.
  func recordBytes(namesOf writer: borrowing Writer) -> Int {
    let names = writer.agent.byteCount + writer.correlation.byteCount + writer.request.byteCount
    return records.reduce(0) { $0 + RecordEncoder.size(names: names + $1.key.count, payload: $1.payload.count) }
  }
}
