/// The moment in which a salvaged store comes into force, and what is left to do after it.
///
/// The new manifest gets a name of its own. As long as that file is there, every opening begins with finishing it:
/// each step can be done again.
internal import Bytes

struct SalvageSwitch {
  private let storage: any Storage

  init(_ storage: any Storage) { self.storage = storage }

  /// Brings a manifest into force whose new segments are durable under their temporary names.
  func commit(_ manifest: Manifest) throws(LogError) {
    let temporary = StoreNames.salvageManifest + StoreNames.temporarySuffix
    let bytes = manifest.encode()
    do {
      try storage.removeIfThere(temporary)
      let file = try storage.create(temporary)
      try file.write(bytes.bytes, at: 0)
      try file.sync()
      try storage.rename(temporary, to: StoreNames.salvageManifest)
      try storage.syncDirectory("")
    } catch {
      throw LogError(error)
    }
    try finish(manifest)
  }

  /// Finishes a salvage that was cut short, if there is one.
  ///
  /// - Returns: the quarantine's directory; nil when there was nothing to finish.
  /// - Throws: `damaged` when there is one and its manifest can not be read.
  func finishIfUnderWay() throws(LogError) -> String? {
    guard let manifest = try pending() else { return nil }
    try finish(manifest)
    return Quarantine(storage, at: manifest.writtenAt).directory
  }

  private func pending() throws(LogError) -> Manifest? {
    var bytes = ByteBuffer(capacity: 4_096)
    do {
      let file = try storage.open(StoreNames.salvageManifest, writable: false)
      let size = try file.size()
      try file.read(at: 0, length: Int(min(size, UInt64(Layout.Manifest.bytesMax + 1))), into: &bytes)
    } catch {
      if error.errno == PosixText.missing { return nil }
      throw LogError(error)
    }
    do {
      return try Manifest.decode(bytes.bytes)
    } catch {
      switch error {
      case .unknownVersion, .unknownFeatures:
        throw LogError(
          .unsupported, "\(StoreNames.salvageManifest): \(error.text); use the version that wrote it, or a newer one")
      default:
        throw LogError(.damaged, "\(StoreNames.salvageManifest), of a salvage that was cut short: \(error.text)")
      }
    }
  }

  /// Moves a manifest aside that can not be read, so that another salvage can begin.
  func setAside(now: Int64) throws(LogError) {
    do throws(LogError) {
      _ = try pending()
    } catch {
      guard error.code == .damaged else { throw error }
      let quarantine = Quarantine(storage, at: try Quarantine.freeTime(storage, now: now))
      try quarantine.make()
      try quarantine.take([StoreNames.salvageManifest], from: "")
    }
  }

  private func finish(_ manifest: Manifest) throws(LogError) {
    let quarantine = Quarantine(storage, at: manifest.writtenAt)
    try quarantine.make()
    try nameSegments(manifest, quarantine)
    let snapshots = try Quarantine.names(storage, StoreNames.snapshots).filter { StoreNames.parseSnapshot($0) != nil }
    try quarantine.take(snapshots.sorted(), from: StoreNames.snapshots)
    try quarantine.take(try damagedManifests(), from: "")
    do {
      try ManifestStore.write(manifest, to: storage)
      try storage.remove(StoreNames.salvageManifest)
      try storage.syncDirectory("")
    } catch {
      throw LogError(error)
    }
  }

  /// Gives the new segments their names, and moves away whatever else has the name of a segment.
  private func nameSegments(_ manifest: Manifest, _ quarantine: Quarantine) throws(LogError) {
    let present = try Quarantine.names(storage, StoreNames.segments)
    let listed = Set(manifest.segments.map { StoreNames.segmentFile($0.number, generation: $0.generation) })
    do {
      for name in listed.sorted() where present.contains(name + StoreNames.temporarySuffix) {
        let path = "\(StoreNames.segments)/\(name)"
        try storage.rename(path + StoreNames.temporarySuffix, to: path)
      }
      try storage.syncDirectory(StoreNames.segments)
    } catch {
      throw LogError(error)
    }
    let others = present.filter { StoreNames.parseSegment($0) != nil && !listed.contains($0) }
    try quarantine.take(others.sorted(), from: StoreNames.segments)
  }

  /// Copies of the manifest that are there and wrong. Sound ones are replaced, as always.
  private func damagedManifests() throws(LogError) -> [String] {
    let present = try Quarantine.names(storage, "")
    var damaged: [String] = []
    for name in StoreNames.manifests where present.contains(name) {
      var bytes = ByteBuffer(capacity: 4_096)
      do {
        let file = try storage.open(name, writable: false)
        let size = min(try file.size(), UInt64(Layout.Manifest.bytesMax + 1))
        try file.read(at: 0, length: Int(size), into: &bytes)
      } catch {
        damaged.append(name)
        continue
      }
      if (try? Manifest.decode(bytes.bytes)) == nil { damaged.append(name) }
    }
    return damaged
  }
}
