/// Versions whose item is redacted and whose bytes are not yet gone from all files.
internal import LogStore

struct Redactions {
  /// The block of the state checksum that each has once it is redacted.
  private var hashes: [Revision: UInt128] = [:]
  /// The snapshots that knew the items are gone, and a new one has not been taken.
  var wantsSnapshot = false
  /// Redaction records that are not acknowledged.
  var unsettled = 0
  /// Snapshots from before are removed.
  var hasRemovedSnapshots = false

  var count: Int { hashes.count }
  var isEmpty: Bool { hashes.isEmpty }

  func contains(_ revision: Revision) -> Bool { !hashes.isEmpty && hashes[revision] != nil }

  func stateHash(_ revision: Revision) -> UInt128? { hashes.isEmpty ? nil : hashes[revision] }

  mutating func insert(_ revision: Revision, stateHash: UInt128) {
    hashes[revision] = stateHash
    hasRemovedSnapshots = false
  }

  /// All bytes are gone.
  mutating func finish() {
    hashes = [:]
    wantsSnapshot = true
  }
}
