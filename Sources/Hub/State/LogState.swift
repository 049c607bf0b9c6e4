/// The state that a row of records stands for, worked out from the records alone. For tools that read a whole log: it
/// knows no places, never reads the disk, and says which record does not fit what came before it.
internal import Bytes
package import LogStore

package final class LogState {
  // Unchecked exclusivity: one thread owns this object, and asking at every access costs a tenth of a record.
  @exclusivity(unchecked) package private(set) var checksum = StateChecksum()
  @exclusivity(unchecked) package private(set) var revision = Revision.none
  @exclusivity(unchecked) package private(set) var keyCount = 0
  /// Live keys by item kind.
  @exclusivity(unchecked) package private(set) var countByKind = [Int](repeating: 0, count: Int(HubState.kindsMax))
  @exclusivity(unchecked) package private(set) var eventCounts = HubState.EventCounts()
  @exclusivity(unchecked) private var keys = KeyTable()
  @exclusivity(unchecked) private var dropped = RevisionBits()
  @exclusivity(unchecked) private var scratch = ByteBuffer(capacity: 8_192)

  package init() {}

  /// Makes room for so many keys, so that the table need not be moved again and again. There is room for more.
  package func expect(keys count: Int) { keys.reserve(count) }

  /// What is known of a key: its newest event, and whether that left it alive.
  package struct KeyState: Equatable, Sendable, BitwiseCopyable {
    fileprivate var name: UInt128 = 0
    /// The live version's block of the state checksum.
    package fileprivate(set) var stateHash: UInt128 = 0
    private var packed: UInt64 = 0
    /// When the live version expires; 0 for never.
    package fileprivate(set) var expiry: Int64 = 0

    fileprivate init() {}

    fileprivate mutating func set(_ fields: RecordFields, stateHash hash: UInt128) {
      let isLive = fields.operation.isPut
      packed = fields.revision.value << 8 | (isLive ? 0x80 | UInt64(fields.itemKind & 0x7F) : 0)
      stateHash = hash
      expiry = isLive ? fields.expiry : 0
    }

    /// The newest event; none when the key never had one.
    package var revision: Revision { Revision(packed >> 8) }
    package var isLive: Bool { packed & 0x80 != 0 }
    package var itemKind: UInt8 { UInt8(packed & 0x7F) }
  }

  /// Where a key's state stands until the next key is looked up.
  package struct Place: Sendable {
    fileprivate let index: Int
  }

  package func place(of key: RawSpan) -> Place { place(of: KeyHash(key)) }
  package func place(of key: KeyHash) -> Place { Place(index: keys.index(of: key.value)) }

  /// Looks where the states of these keys stand. In a large table each place is a wait for the memory; asked for together
  /// they are one wait for all, and the lookups that follow find them near.
  package func approach(_ keys: [KeyHash]) { self.keys.approach(keys) }

  package subscript(place: Place) -> KeyState { keys.entries[place.index] }

  /// The block of the state checksum that a record's key has after it, computed from the item's bytes, if these are
  /// still there.
  package func stateHash(_ header: RecordHeader, _ record: RawSpan) -> UInt128 {
    guard header.fields.operation.isPut else { return 0 }
    guard header.codec != .redacted else { return header.fields.stateHash }
    return StateChecksum.block(
      key: record.extracting(header.keyRange), revision: header.fields.revision,
      item: record.extracting(header.payloadRange), scratch: &scratch)
  }

  /// Whether the retention has let a revision go that was met.
  package func isDropped(_ revision: Revision) -> Bool { dropped.contains(revision) }

  /// Takes in an event of the key at `place`. Records without a revision change nothing and are not given.
  package func apply(_ fields: RecordFields, stateHash: UInt128, at place: Place) {
    revision = fields.revision
    if fields.operation == .void { return }
    if let event = fields.droppedOperation {
      dropped.insert(fields.revision)
      return eventCounts.count(event)
    }
    let before = keys.entries[place.index]
    if before.isLive {
      checksum.remove(before.stateHash)
      countByKind[Int(before.itemKind)] -= 1
      keyCount -= 1
    }
    keys.entries[place.index].set(fields, stateHash: stateHash)
    if fields.operation.isPut {
      checksum.add(stateHash)
      countByKind[Int(fields.itemKind & 0x7F)] += 1
      keyCount += 1
    }
    eventCounts.count(fields.operation)
  }

  /// Takes note that the item of a revision is redacted: its key has another block of the checksum, if the revision is
  /// still the key's newest.
  package func redact(_ revision: Revision, of key: KeyHash, to stateHash: UInt128) {
    let index = place(of: key).index
    guard keys.entries[index].isLive, keys.entries[index].revision == revision else { return }
    checksum.remove(keys.entries[index].stateHash)
    checksum.add(stateHash)
    keys.entries[index].stateHash = stateHash
  }

  // MARK: Flaws

  /// How a record contradicts its own item, or the records before it.
  package enum Flaw: Equatable, Sendable {
    /// The checksum block in the record is not that of its item.
    case stateHash
    /// It names another event as the key's newest earlier one than this.
    case previous(Revision)
    /// The key is there and the record creates it, or it is not there and the record changes it.
    case presence(isThere: Bool)

    package var text: String {
      switch self {
      case .stateHash: "the record's state hash is not that of its item"
      case .previous(let revision): "the record does not name revision \(revision), the key's newest earlier event"
      case .presence(true): "the record creates a key that is there"
      case .presence(false): "the record changes a key that is not there"
      }
    }
  }

  /// What is wrong with a record that is about to be applied.
  ///
  /// - Parameter knowsAll: false when records before it are lost, so that only what it says of itself can be checked.
  package func flaw(_ fields: RecordFields, stateHash: UInt128, at place: Place, knowsAll: Bool) -> Flaw? {
    if fields.operation.isPut, stateHash != fields.stateHash { return .stateHash }
    guard knowsAll, fields.operation != .void, fields.operation != .dropped else { return nil }
    // What the retention has let go, can not be compared with.
    if dropped.contains(fields.previousRevision) { return nil }
    let known = keys.entries[place.index]
    let isCreation = fields.operation == .create
    if known.isLive == isCreation { return .presence(isThere: known.isLive) }
    if fields.previousRevision == known.revision { return nil }
    // A hub remembers so many deleted keys and no more: a key that is put again may have lost its link.
    return isCreation && fields.previousRevision == .none ? nil : .previous(known.revision)
  }
}

/// Revisions, a bit for each.
private struct RevisionBits {
  private var words: [UInt64] = []

  mutating func insert(_ revision: Revision) {
    let word = Int(revision.value / 64)
    if word >= words.count { words.append(contentsOf: repeatElement(0, count: word + 1 - words.count)) }
    words[word] |= 1 << (revision.value % 64)
  }

  func contains(_ revision: Revision) -> Bool {
    let word = revision.value / 64
    return word < UInt64(words.count) && words[Int(word)] & 1 << (revision.value % 64) != 0
  }
}

/// Key states by the hash of their key, in one array: open addressing, nothing is ever removed.
private struct KeyTable {
  var entries = [LogState.KeyState](repeating: LogState.KeyState(), count: 1 << 12)
  private var used = 0

  /// Where the state of this key stands; an empty one is made when there is none.
  mutating func index(of name: UInt128) -> Int {
    // 0 marks a free place.
    let name = name == 0 ? 1 : name
    if used >= entries.count / 4 * 3 { grow(to: entries.count * 2) }
    let index = KeyTable.find(name, in: entries)
    if entries[index].name == 0 {
      entries[index].name = name
      used += 1
    }
    return index
  }

  /// What `approach` came by. It is kept so that the compiler does not leave the reading out.
  private var passedBy: UInt64 = 0

  mutating func approach(_ keys: [KeyHash]) {
    let mask = entries.count - 1
    var sum: UInt64 = 0
    for key in keys {
      // Both ends: an entry can lie in two lines of the cache.
      let index = Int(truncatingIfNeeded: key.value) & mask
      sum &+= UInt64(truncatingIfNeeded: entries[index].name) ^ UInt64(bitPattern: entries[index].expiry)
    }
    passedBy = sum
  }

  private static func find(_ name: UInt128, in entries: [LogState.KeyState]) -> Int {
    let mask = entries.count - 1
    var index = Int(truncatingIfNeeded: name) & mask
    while entries[index].name != 0, entries[index].name != name { index = (index + 1) & mask }
    return index
  }

  mutating func reserve(_ keys: Int) {
    var size = entries.count
    while size / 4 * 3 <= keys { size *= 2 }
    if size > entries.count { grow(to: size) }
  }

  private mutating func grow(to size: Int) {
    var larger = [LogState.KeyState](repeating: LogState.KeyState(), count: size)
    for entry in entries where entry.name != 0 { larger[KeyTable.find(entry.name, in: larger)] = entry }
    entries = larger
  }
}
