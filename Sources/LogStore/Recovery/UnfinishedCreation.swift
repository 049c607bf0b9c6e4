/// Tells a creation that was cut short from a store that has lost its manifests. See FORMAT.md, "Recovery".

package enum UnfinishedCreation {
  /// Whether the store has no manifest, and no segment but a first one with nothing but its opening stamp: so a
  /// creation leaves it between naming the segment and writing the manifest. Nothing was acknowledged by then.
  package static func isFound(in storage: any Storage) throws(LogError) -> Bool {
    let first = SegmentNumber(1)
    do {
      // What a store that has worked may have besides, a creation has not.
      let known = [StoreNames.lock, StoreNames.segments]
      guard try storage.list("").allSatisfy({ known.contains($0) }) else { return false }
      guard case .none = try ManifestStore.read(storage) else { return false }
      let names = try storage.list(StoreNames.segments).compactMap { StoreNames.parseSegment($0) }
      guard names.count == 1, names[0] == (first, 0) else { return false }
    } catch {
      throw LogError(error)
    }
    let segment = try SegmentFile.open(first, generation: 0, store: nil, storage: storage, writable: false)
    var scanner = SegmentScanner(segment)
    let scan = try scanner.scan(after: .none) { (_, _, _) throws(LogError) in }
    guard scan.stop == .zeros, scan.frames == 1, scan.lastFrame?.kind == .stamp else { return false }
    return try !TailEvidence.collect(behind: scan.end, in: segment, limit: Int(segment.header.capacity)).hasContent
  }
}
