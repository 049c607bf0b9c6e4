/// What a write has to know of the version that it replaces, kept for the newest revisions: memories that are written
/// again and again are replaced without a look at the disk.
///
/// A revision names one version for ever, so an entry can not be stale; it can only be missing.
internal import LogStore

struct RecentVersions {
  private struct Entry {
    var revision = Revision.none
    var creationTime: Int64 = 0
    var expiry: Int64 = 0
    var stateHash: UInt128 = 0
    var link = ChainLink()
    var isPut = false
  }

  /// Of the last revisions, 5 MiB.
  private static let countMax = 1 << 16

  private var entries = [Entry](repeating: Entry(), count: countMax)

  private static func place(_ revision: Revision) -> Int { Int(truncatingIfNeeded: revision.value) & (countMax - 1) }

  /// Remembers an acknowledged event.
  mutating func note(_ fields: RecordFields) {
    entries[RecentVersions.place(fields.revision)] = Entry(
      revision: fields.revision, creationTime: fields.creationTime, expiry: fields.expiry, stateHash: fields.stateHash,
      link: ChainLink(fields), isPut: fields.operation.isPut)
  }

  /// The version that the index names, and how its event links on; nil when it is not one of the newest.
  func version(_ entry: VersionEntry) -> (Version, ChainLink)? {
    let found = entries[RecentVersions.place(entry.revision)]
    guard found.revision == entry.revision, entry.revision != .none, found.isPut else { return nil }
    let version = Version(
      entry: entry, creationTime: found.creationTime, expiry: found.expiry, stateHash: found.stateHash)
    return (version, found.link)
  }

  /// The item of a version was redacted: what is remembered of it is that no more.
  mutating func forget(_ revision: Revision) {
    if entries[RecentVersions.place(revision)].revision == revision {
      entries[RecentVersions.place(revision)] = Entry()
    }
  }

  /// How an event links on; nil when it is not one of the newest.
  func link(_ revision: Revision) -> ChainLink? {
    let found = entries[RecentVersions.place(revision)]
    return found.revision == revision && revision != .none ? found.link : nil
  }
}
