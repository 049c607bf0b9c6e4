/// Reads the manifest's two copies for an inspection: whatever is wrong with them is reported, never fatal.
internal import Bytes

struct ManifestInspection {
  /// The valid copy with the higher sequence.
  var manifest: Manifest?
  var issues: [InspectionIssue] = []
  /// Copies that exist, valid or not.
  var found = 0

  /// - Throws: `LogError.unsupported` when a copy was written by a version that this program does not know.
  static func read(_ storage: any Storage) throws(LogError) -> ManifestInspection {
    var result = ManifestInspection()
    var missing: [String] = []
    for name in StoreNames.manifests {
      do {
        let bytes = try contents(name, storage)
        result.found += 1
        try result.take(bytes.bytes, name)
      } catch let error as StorageError {
        if error.errno == PosixText.missing {
          missing.append(name)
        } else {
          result.found += 1
          result.issues.append(InspectionIssue(error))
        }
      } catch let error as LogError {
        throw error
      } catch {
        preconditionFailure("only storage and log errors are thrown here: \(error)")
      }
    }
    result.judge(missing)
    return result
  }

  private static func contents(_ name: String, _ storage: any Storage) throws(StorageError) -> ByteBuffer {
    let file = try storage.open(name, writable: false)
    // One byte more than is allowed: a longer file then fails its length check.
    let length = Int(min(try file.size(), UInt64(Layout.Manifest.bytesMax + 1)))
    var bytes = ByteBuffer(capacity: length)
    try file.read(at: 0, length: length, into: &bytes)
    return bytes
  }

  private mutating func take(_ bytes: RawSpan, _ name: String) throws(LogError) {
    do {
      let decoded = try Manifest.decode(bytes)
      if manifest.map({ decoded.sequence > $0.sequence }) ?? true { manifest = decoded }
    } catch {
      switch error {
      case .unknownVersion, .unknownFeatures:
        throw LogError(.unsupported, "\(name): \(error.text); use the version that wrote it, or a newer one")
      default:
        issues.append(
          InspectionIssue(.damage, "\(name): \(error.text); the next start of the server on a sound copy rewrites it"))
      }
    }
  }

  private mutating func judge(_ missing: [String]) {
    guard let manifest else { return }
    // The first manifest of a store is written copy by copy: after a crash there may be one.
    let isFirst = manifest.sequence <= 1
    for name in missing {
      issues.append(
        InspectionIssue(isFirst ? .note : .damage, "\(name) is missing; the other copy of the manifest is used"))
    }
  }
}
