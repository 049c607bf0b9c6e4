/// The directory of a backup: a new one, or one with an earlier backup of the same store.

struct BackupPlace {
  private let storage: any Storage
  /// Of the earlier backup.
  let manifest: Manifest?
  /// The mark and the lock of a directory that holds nothing yet.
  private let new: NewStore?
  private let lock: (any StorageLock)?

  var isUpdate: Bool { manifest != nil }

  /// - Throws: `LogError`: `notAStore` when something else is there, `locked`, `damaged`, `io`. Nothing is changed then.
  static func open(_ storage: any Storage, store: StoreIdentity) throws(LogError) -> BackupPlace {
    if try NewStore.obstacle(in: storage) == nil {
      return BackupPlace(storage: storage, manifest: nil, new: try NewStore.begin(storage), lock: nil)
    }
    let manifest = try earlier(storage)
    guard manifest.store == store else {
      throw LogError(.notAStore, "it holds another store (\(manifest.store)): name an empty directory")
    }
    guard manifest.listsAll else {
      throw LogError(
        .notAStore, "it is a store that a hub has worked on, and no backup any more: name an empty directory")
    }
    do {
      return BackupPlace(storage: storage, manifest: manifest, new: nil, lock: try storage.lock(StoreNames.lock))
    } catch {
      throw LogError(error)
    }
  }

  private static func earlier(_ storage: any Storage) throws(LogError) -> Manifest {
    let found: ManifestStore.Found
    do { found = try ManifestStore.read(storage) } catch { throw LogError(error) }
    switch found {
    case .none: throw LogError(.notAStore, "it is not empty and holds no backup: name an empty directory")
    case .manifest(let manifest, _): return manifest
    case .damaged(let complaint), .unsupported(let complaint):
      throw LogError(.damaged, "the backup there can not be read (\(complaint)): name an empty directory")
    }
  }

  func lists(_ number: SegmentNumber, generation: UInt32) -> Bool {
    manifest?.segments.contains { $0.number == number && $0.generation == generation } ?? false
  }

  /// The new manifest is in force: removes what it does not list.
  func complete(_ manifest: Manifest) throws(LogError) {
    try new?.complete()
    let listed = Set(manifest.segments.map { StoreNames.segmentFile($0.number, generation: $0.generation) })
    do {
      let names = try storage.list(StoreNames.segments)
      for name in names where !listed.contains(name) && BackupPlace.isSegment(name) {
        try storage.remove("\(StoreNames.segments)/\(name)")
      }
      try storage.syncDirectory(StoreNames.segments)
    } catch {
      throw LogError(error)
    }
  }

  private static func isSegment(_ name: String) -> Bool {
    StoreNames.parseSegment(name) != nil || StoreNames.isTemporary(name, in: StoreNames.segments)
  }

  /// After a failure: an earlier backup stays as it is, and segments that were copied already serve the next attempt.
  func takeBack() {
    new?.takeBack()
    guard new == nil, let names = try? storage.list(StoreNames.segments) else { return }
    for name in names where StoreNames.isTemporary(name, in: StoreNames.segments) {
      try? storage.remove("\(StoreNames.segments)/\(name)")
    }
  }
}
