/// The state that the acknowledged log stands for: which keys live and where, and everything derived from that.
///
/// `apply` is the only way to change it, both when the log is read at the start and when a commit is acknowledged.
internal import Bytes
package import KeyIndex
package import LogStore

package final class HubState {
  package let index: KeyTree
  /// Deleted keys, with their newest event: where the history of a key that is put again goes on.
  package let dead: KeyTree
  package let expiries: ExpiryQueue
  // Unchecked exclusivity: one thread owns this object, and asking at every access costs a tenth of a write.
  @exclusivity(unchecked) package private(set) var checksum = StateChecksum()
  @exclusivity(unchecked) package private(set) var revision = Revision.none
  /// Live keys by item kind.
  @exclusivity(unchecked) package private(set) var countByKind = [Int](repeating: 0, count: Int(HubState.kindsMax))
  /// Events since the store was opened or, with the log read at the start, since it was made.
  @exclusivity(unchecked) package private(set) var eventCounts = EventCounts()
  /// Up to this revision a deleted key may have been forgotten: what is known of others is all.
  @exclusivity(unchecked) package private(set) var forgottenThrough = Revision.none
  private let deadKeysMax: Int
  @exclusivity(unchecked) private var deadCursor: [UInt8] = []
  @exclusivity(unchecked) private var scratch = ByteBuffer(capacity: 4_096)

  /// Item kinds are below this.
  package static let kindsMax: UInt8 = 128

  package init(
    deadKeysMax: Int, index: KeyTree = KeyTree(), dead: KeyTree = KeyTree(), expiries: ExpiryQueue = ExpiryQueue()
  ) {
    self.deadKeysMax = deadKeysMax
    self.index = index
    self.dead = dead
    self.expiries = expiries
  }

  package var keyCount: Int { index.count }
  package var deadKeyCount: Int { dead.count }
  /// Memory of the index, the deleted keys and the expiries, in bytes.
  package var indexBytes: Int { index.memoryBytes + dead.memoryBytes + expiries.memoryBytes }

  package struct EventCounts: Equatable, Sendable {
    package var create: UInt64 = 0
    package var update: UInt64 = 0
    package var delete: UInt64 = 0
    package var expire: UInt64 = 0

    mutating func count(_ operation: Operation) {
      switch operation {
      case .create: create += 1
      case .update: update += 1
      case .delete: delete += 1
      case .expire: expire += 1
      case .void, .dropped, .epoch, .gap, .redaction: break
      }
    }
  }

  /// Takes in one record.
  ///
  /// - Parameter readReplaced: gives the state hash of a version that the record replaces.
  package func apply(
    _ header: RecordHeader, at position: RecordPosition, key: RawSpan,
    readReplaced: (VersionEntry) throws(LogError) -> UInt128
  ) throws(LogError) {
    let fields = header.fields
    guard fields.operation.takesRevision else { return }
    if let dropped = fields.droppedOperation {
      // Its key has later events: they are all that counts.
      revision = fields.revision
      return eventCounts.count(dropped)
    }
    try HubState.refuseUnknown(header, position, key)
    revision = fields.revision
    guard fields.operation != .void else { return }
    let replaced = fields.operation.isPut ? nil : index.remove(key)
    if fields.operation.isPut {
      let version = Version(header, at: position)
      let old = index.insert(key, version.entry.indexValue)
      if let old { try forget(VersionEntry(old), key, readReplaced) }
      if dead.count > 0 { _ = dead.remove(key) }
      checksum.add(fields.stateHash)
      countByKind[Int(version.entry.itemKind)] += 1
      if fields.expiry != 0 { expiries.set(key, expiry: fields.expiry) }
    } else {
      if let replaced { try forget(VersionEntry(replaced), key, readReplaced) }
      bury(key, VersionEntry(revision: fields.revision, itemKind: 0, mayExpire: false, position: position))
    }
    eventCounts.count(fields.operation)
  }

  /// The live version's item was redacted: its block of the checksum is another one.
  func replaceHash(_ old: UInt128, with new: UInt128) {
    checksum.remove(old)
    checksum.add(new)
  }

  /// Takes in a record that a snapshot may have seen already. The counts and the checksum are not touched: they are
  /// set when all such records are in.
  func patch(_ header: RecordHeader, at position: RecordPosition, key: RawSpan) throws(LogError) {
    let fields = header.fields
    guard fields.operation.takesRevision, fields.operation != .void, fields.operation != .dropped else { return }
    try HubState.refuseUnknown(header, position, key)
    let live = index.get(key).map { VersionEntry($0) }
    if let live, live.revision > fields.revision { return }
    if dead.count > 0, deadRevision(key) > fields.revision { return }
    if live?.mayExpire == true { expiries.remove(key) }
    if fields.operation.isPut {
      index.insert(key, Version(header, at: position).entry.indexValue)
      if dead.count > 0 { _ = dead.remove(key) }
      if fields.expiry != 0 { expiries.set(key, expiry: fields.expiry) }
    } else {
      if live != nil { _ = index.remove(key) }
      bury(key, VersionEntry(revision: fields.revision, itemKind: 0, mayExpire: false, position: position))
    }
  }

  private static func refuseUnknown(
    _ header: RecordHeader, _ position: RecordPosition, _ key: RawSpan
  ) throws(LogError) {
    guard VersionEntry.canHold(header, at: position), HubLimits.keyBytesRange.contains(key.byteCount) else {
      throw LogError(
        .unsupported,
        "revision \(header.fields.revision) has a key, a kind or a size that this version does not know; "
          + "use the version that wrote it, or a newer one", segment: position.segment, offset: UInt64(position.offset))
    }
  }

  /// Sets what a snapshot says of its own revision; everything up to it is in.
  func settle(_ summary: SnapshotSummary) {
    revision = summary.revision
    checksum = StateChecksum(sum: summary.checksum)
    eventCounts = summary.events
    for (kind, count) in summary.countByKind { countByKind[Int(kind)] = Int(clamping: count) }
    // The snapshot does not say which keys had to go, only that there was no more room.
    if dead.count >= deadKeysMax { forgottenThrough = max(forgottenThrough, summary.revision) }
  }

  private func forget(
    _ entry: VersionEntry, _ key: RawSpan, _ readReplaced: (VersionEntry) throws(LogError) -> UInt128
  ) throws(LogError) {
    checksum.remove(try readReplaced(entry))
    countByKind[Int(entry.itemKind)] -= 1
    // A put with an expiry of its own has not been noted yet: this is the old one.
    if entry.mayExpire { expiries.remove(key) }
  }

  /// Remembers a deleted key. Beyond the budget another one is forgotten, in turn round the key space: its history
  /// stays in the log, but a later put of it will not link to it.
  private func bury(_ key: RawSpan, _ entry: VersionEntry) {
    _ = dead.insert(key, entry.indexValue)
    guard dead.count > deadKeysMax else { return }
    var victim = deadKey(after: deadCursor)
    if victim.isEmpty { victim = deadKey(after: []) }
    deadCursor = victim
    guard let removed = dead.remove(victim.span.bytes) else { preconditionFailure("a key that was found is there") }
    forgottenThrough = max(forgottenThrough, VersionEntry(removed).revision)
  }

  /// The next deleted key in byte order; empty when there is none.
  private func deadKey(after start: [UInt8]) -> [UInt8] {
    var found: [UInt8] = []
    dead.scan(from: start.span.bytes, inclusive: false) { key, _ in
      found = key.array()
      return false
    }
    return found
  }

  /// The newest acknowledged event of a key that is not there.
  package func deadRevision(_ key: RawSpan) -> Revision {
    dead.get(key).map { VersionEntry($0).revision } ?? .none
  }

  /// The newest acknowledged event of a key, live or deleted; nil when none is known.
  package func newestEvent(_ key: RawSpan) -> VersionEntry? {
    (index.get(key) ?? dead.get(key)).map { VersionEntry($0) }
  }

  /// The live version of a key at `now`, without a look at the disk.
  package func live(_ key: RawSpan, now: Int64) -> VersionEntry? {
    guard let value = index.get(key) else { return nil }
    let entry = VersionEntry(value)
    if entry.mayExpire, let expiry = expiries.expiry(of: key), expiry <= now { return nil }
    return entry
  }
}
