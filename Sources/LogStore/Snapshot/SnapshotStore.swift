/// The snapshots of a store's directory: which there are, what they prove, and which are kept.
///
/// A snapshot is derived from the log. A damaged one costs time, never data: it is moved aside, not deleted, and the
/// one before it, or the whole log, serves in its place.
internal import Bytes

package struct SnapshotStore: Sendable {
  let storage: any Storage

  /// How many are kept.
  private static let keptMax = 2

  init(storage: any Storage) { self.storage = storage }

  /// The names of all snapshots, newest first.
  package func names() throws(LogError) -> [String] {
    do {
      return try storage.list(StoreNames.snapshots).filter { StoreNames.parseSnapshot($0) != nil }
        .sorted(by: >).map { "\(StoreNames.snapshots)/\($0)" }
    } catch {
      if error.errno == PosixText.missing { return [] }
      throw LogError(error)
    }
  }

  /// The snapshots of this store whose two ends are sound, newest first, and what is wrong with the others.
  package func open(store: StoreIdentity) throws(LogError) -> (readers: [SnapshotReader], problems: [LogError]) {
    var readers: [SnapshotReader] = []
    var problems: [LogError] = []
    for name in try names() {
      do {
        let reader = try SnapshotReader(name, storage: storage)
        if reader.head.store == store {
          readers.append(reader)
        } else {
          problems.append(
            LogError(.damaged, "\(name) belongs to store \(reader.head.store), not to this one (\(store))"))
        }
      } catch {
        problems.append(error)
      }
    }
    return (readers, problems)
  }

  /// The highest revision that a snapshot proves to have been durable.
  package func durableRevision(store: StoreIdentity) throws(LogError) -> Revision {
    try open(store: store).readers.map(\.tail.revision).max() ?? .none
  }

  /// Moves a damaged snapshot aside, for whoever wants to find out why.
  package func quarantine(_ name: String) throws(LogError) {
    do {
      try storage.rename(name, to: name + StoreNames.damagedSuffix)
      try storage.syncDirectory(StoreNames.snapshots)
    } catch {
      throw LogError(error)
    }
  }

  /// Removes all of them, also damaged ones and an unfinished one, and makes that durable.
  package func removeAll() throws(LogError) {
    do {
      let names = try storage.list(StoreNames.snapshots)
      for name in names { try storage.removeIfThere("\(StoreNames.snapshots)/\(name)") }
      if !names.isEmpty { try storage.syncDirectory(StoreNames.snapshots) }
    } catch {
      if error.errno == PosixText.missing { return }
      throw LogError(error)
    }
  }

  /// Removes all but the newest, once `newest` is durable. What can not be removed now is removed next time.
  func prune(keeping newest: Revision) {
    guard let names = try? names() else { return }
    let own = "\(StoreNames.snapshot(newest))"
    let older = names.filter { $0 < own }
    for name in older.dropFirst(SnapshotStore.keptMax - 1) { try? storage.remove(name) }
  }
}
