/// Reads and replaces the two copies of the manifest.
internal import Bytes

package enum ManifestStore {
  package enum Found {
    case none
    /// The newest valid copy, and what is wrong with the other one, if anything.
    case manifest(Manifest, otherCopy: String?)
    /// There are copies and none is valid.
    case damaged(String)
    case unsupported(String)
  }

  package static func read(_ storage: any Storage) throws(StorageError) -> Found {
    var best: Manifest?
    var complaints: [String] = []
    var unsupported: String?
    var missing = 0
    for name in StoreNames.manifests {
      var bytes = ByteBuffer(capacity: 4096)
      do {
        let file = try storage.open(name, writable: false)
        let size = try file.size()
        guard size <= UInt64(Layout.Manifest.bytesMax) else {
          complaints.append("\(name) is \(size) bytes long")
          continue
        }
        try file.read(at: 0, length: Int(size), into: &bytes)
      } catch {
        guard error.errno == PosixText.missing else { throw error }
        missing += 1
        continue
      }
      do {
        let manifest = try Manifest.decode(bytes.bytes)
        if best.map({ manifest.sequence > $0.sequence }) ?? true { best = manifest }
      } catch {
        complaints.append("\(name): \(error.text)")
        switch error {
        case .unknownVersion, .unknownFeatures: unsupported = complaints.last
        default: break
        }
      }
    }
    if let unsupported { return .unsupported(unsupported) }
    if let best {
      if missing > 0 { complaints.append("one copy is missing") }
      return .manifest(best, otherCopy: complaints.first)
    }
    return complaints.isEmpty ? .none : .damaged(complaints.joined(separator: "; "))
  }

  /// Replaces both copies, one after the other: at every moment one of them is whole.
  package static func write(_ manifest: Manifest, to storage: any Storage) throws(StorageError) {
    let bytes = manifest.encode()
    for name in StoreNames.manifests {
      let temporary = name + StoreNames.temporarySuffix
      do {
        try storage.remove(temporary)
      } catch {
        guard error.errno == PosixText.missing else { throw error }
      }
      do {
        let file = try storage.create(temporary)
        try file.write(bytes.bytes, at: 0)
        try file.sync()
        try storage.rename(temporary, to: name)
      } catch {
        try? storage.remove(temporary)
        throw error
      }
      try storage.syncDirectory("")
    }
  }
}
