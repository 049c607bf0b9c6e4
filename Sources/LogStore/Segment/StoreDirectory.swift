/// What a store's directory holds: the manifest and the segments, each opened and checked against the others.
/// Nothing is changed. Writers refuse a directory with problems; inspection tools report them and read on.

package struct StoreDirectory {
  package var manifest: Manifest
  /// The segments that could be opened, in order of their numbers.
  package var segments: [SegmentFile]
  /// What is wrong, in order of the segments.
  package var problems: [LogError]
  /// What was noticed and does no harm.
  package var warnings: [String]
  /// The highest revision that a snapshot proves to have been durable.
  package var snapshotRevision = Revision.none

  package static func load(_ storage: any Storage, writable: Bool) throws(LogError) -> StoreDirectory {
    let names = try segmentNames(storage)
    let found: ManifestStore.Found
    do { found = try ManifestStore.read(storage) } catch { throw LogError(error) }
    switch found {
    case .none:
      guard names.isEmpty else {
        throw LogError(
          .damaged,
          "both copies of the manifest are missing, but \(names.count) segments are there: restore "
            + "MANIFEST-A from a backup")
      }
      throw LogError(.notFound, "there is no store here")
    case .damaged(let complaint):
      throw LogError(.damaged, "no valid manifest (\(complaint)): restore MANIFEST-A or MANIFEST-B from a backup")
    case .unsupported(let complaint):
      throw LogError(.unsupported, "\(complaint); use the version that wrote it, or a newer one")
    case .manifest(let manifest, let otherCopy):
      var directory = StoreDirectory(manifest: manifest, segments: [], problems: [], warnings: [])
      if let otherCopy { directory.warnings.append("\(otherCopy): the other copy of the manifest is used") }
      directory.openSegments(names, storage, writable: writable)
      directory.snapshotRevision = try SnapshotStore(storage: storage).durableRevision(store: manifest.store)
      return directory
    }
  }

  private static func segmentNames(_ storage: any Storage) throws(LogError) -> [SegmentNumber: UInt32] {
    let listed: [String]
    do {
      listed = try storage.list(StoreNames.segments)
    } catch {
      if error.errno == PosixText.missing { return [:] }
      throw LogError(error)
    }
    var names: [SegmentNumber: UInt32] = [:]
    for name in listed {
      guard let (number, generation) = StoreNames.parseSegment(name) else { continue }
      names[number] = max(names[number] ?? 0, generation)
    }
    return names
  }

  private mutating func openSegments(
    _ names: [SegmentNumber: UInt32], _ storage: any Storage, writable: Bool
  ) {
    let listed = Dictionary(uniqueKeysWithValues: manifest.segments.map { ($0.number, $0.generation) })
    let found = manifest.listsAll ? names.filter { listed[$0.key] != nil } : names
    let all = found.merging(listed) { _, inManifest in inManifest }
    for number in all.keys.sorted() {
      guard let generation = all[number] else { continue }
      guard names[number] != nil else {
        problems.append(missing(number, generation))
        continue
      }
      if let previous = segments.last, previous.number.next != number, problems.isEmpty {
        problems.append(missing(previous.number.next, 0))
      }
      do {
        segments.append(
          try SegmentFile.open(
            number, generation: generation, store: manifest.store, storage: storage, writable: writable))
      } catch {
        problems.append(error)
      }
    }
    if segments.isEmpty, problems.isEmpty {
      problems.append(LogError(.damaged, "the manifest lists no segment and there is none: restore a backup"))
    }
  }

  private func missing(_ number: SegmentNumber, _ generation: UInt32) -> LogError {
    LogError(
      .damaged,
      "\(StoreNames.segment(number, generation: generation)) is missing, with all its revisions: restore it from a "
        + "backup or a replica", segment: number)
  }

  /// How many bytes of a segment count: as many as the next one's header says, if it says so.
  package func limit(at index: Int) -> UInt64? {
    guard index + 1 < segments.count else { return nil }
    let end = segments[index + 1].header.predecessorEnd
    return end == 0 ? nil : end
  }
}
