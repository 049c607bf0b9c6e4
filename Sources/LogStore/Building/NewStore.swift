/// A directory in which a store is being made. A file in it says so, from the first moment to the last: as long as it is
/// there without a manifest nobody opens what lies beside it.

package struct NewStore {
  private let storage: any Storage
  /// Held until the store is whole, so that two do not build in one place.
  private let lock: any StorageLock

  /// Why a directory can not take a new store.
  ///
  /// - Returns: nil when it is empty, or has what is left of an attempt that did not come to its end.
  package static func obstacle(in storage: any Storage) throws(LogError) -> String? {
    do {
      let names = try storage.list("")
      if names.contains(StoreNames.unfinished), !names.contains(where: StoreNames.manifests.contains) { return nil }
      // What an attempt leaves that failed: a lock file, and a directory without segments.
      let others = names.filter { $0 != StoreNames.lock && $0 != StoreNames.segments }
      if let first = others.min() { return first }
      guard names.contains(StoreNames.segments), try !storage.list(StoreNames.segments).isEmpty else { return nil }
      return StoreNames.segments
    } catch {
      throw LogError(error)
    }
  }

  /// Takes the directory, and clears away what an earlier attempt has left.
  ///
  /// - Throws: `LogError`: `notAStore` when it is not empty, `locked`, `io`. Then nothing is changed.
  package static func begin(_ storage: any Storage) throws(LogError) -> NewStore {
    // Before the lock: locking makes a file.
    try refuse(storage)
    let lock: any StorageLock
    do { lock = try storage.lock(StoreNames.lock) } catch { throw LogError(error) }
    try refuse(storage)
    let made = NewStore(storage: storage, lock: lock)
    do {
      try made.clear()
      let mark = try storage.create(StoreNames.unfinished)
      try mark.sync()
      try storage.makeDirectory(StoreNames.segments)
      // Everything that follows lies behind this: no power cut can leave segments without the mark.
      try storage.syncDirectory("")
    } catch {
      made.takeBack()
      throw LogError(error)
    }
    return made
  }

  private static func refuse(_ storage: any Storage) throws(LogError) {
    guard let name = try obstacle(in: storage) else { return }
    throw LogError(.notAStore, "the directory is not empty (\(name)…): name an empty or a new one")
  }

  /// Says that the store is whole: its manifest is there and durable.
  package func complete() throws(LogError) {
    do {
      try storage.remove(StoreNames.unfinished)
      try storage.syncDirectory("")
    } catch {
      throw LogError(error)
    }
  }

  /// Removes everything again, as far as the disk lets it.
  package func takeBack() {
    try? clear()
    try? storage.remove(StoreNames.lock)
  }

  private func clear() throws(StorageError) {
    // The manifest first: without it and with the mark nothing here is a store.
    for name in StoreNames.manifests {
      try storage.removeIfThere(name)
      try storage.removeIfThere(name + StoreNames.temporarySuffix)
    }
    do {
      for name in try storage.list(StoreNames.segments) where StoreNames.parseSegment(name) != nil {
        try storage.remove("\(StoreNames.segments)/\(name)")
      }
    } catch {
      guard error.errno == PosixText.missing else { throw error }
    }
    try storage.removeIfThere(StoreNames.unfinished)
  }

  /// Whether what is here is not a store yet.
  static func isUnfinished(_ storage: any Storage) throws(LogError) -> Bool {
    do {
      let names = try storage.list("")
      return names.contains(StoreNames.unfinished) && !names.contains(where: StoreNames.manifests.contains)
    } catch {
      if error.errno == PosixText.missing { return false }
      throw LogError(error)
    }
  }

  static var refusal: LogError {
    LogError(
      .notAStore,
      "a replay into this directory did not come to its end, it holds no store: run it again, or remove the directory")
  }
}
