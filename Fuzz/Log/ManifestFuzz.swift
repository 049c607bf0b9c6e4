/// Manifests, alone and as the two copies of a store. The first byte of an input says whether its checksum is repaired,
/// and what the other copy is.
internal import Bytes
package import FuzzSupport
internal import LogStore

package enum ManifestFuzz: FuzzTarget {
  package static let name = "manifest"

  private enum Mode {
    static let repairs: UInt8 = 1
    /// The other copy is one of the same store with a lower sequence.
    static let hasOther: UInt8 = 2
    /// The store's directory is loaded and inspected with it.
    static let loads: UInt8 = 4
  }

  package static func run(_ input: RawSpan) throws(FuzzFailure) {
    guard input.byteCount > 1 else { return }
    let mode = input.u8(0)
    var bytes = input.extracting(1..<input.byteCount).copy()
    if mode & Mode.repairs != 0 { ChecksumRepair.manifest(&bytes) }
    let decoded = try? Manifest.decode(bytes.bytes)
    if let decoded { try checkEncoding(decoded, bytes.bytes) }
    guard mode & Mode.loads != 0 else { return }
    let disk = MemoryDisk()
    disk.place("MANIFEST-A", bytes.bytes.copy())
    if mode & Mode.hasOther != 0 { disk.place("MANIFEST-B", other.encode()) }
    try checkStore(decoded, disk, hasOther: mode & Mode.hasOther != 0)
  }

  private static func checkEncoding(_ manifest: Manifest, _ bytes: RawSpan) throws(FuzzFailure) {
    for (segment, next) in zip(manifest.segments, manifest.segments.dropFirst()) {
      try require(segment.number.next == next.number, "a segment is missing from the list")
    }
    typealias Field = Layout.Manifest
    // One of an earlier version is written in this one.
    guard bytes.u16(Field.version) == Layout.formatVersion, bytes.u16(Field.reserved) == 0,
      bytes.u32(Field.compatibleFlags) == 0
    else { return }
    for index in manifest.segments.indices
    where bytes.u32(Field.size + index * Field.entryBytes + Field.entryReserved) != 0 { return }
    try require(manifest.encode().bytes.equals(bytes), "a manifest that was read is written as another one")
  }

  private static func checkStore(_ decoded: Manifest?, _ disk: MemoryDisk, hasOther: Bool) throws(FuzzFailure) {
    // The segments are missing: a store that is found is one with problems, which an inspection must survive too.
    if let directory = try? StoreDirectory.load(disk, writable: false) {
      try require(decoded != nil || hasOther, "a store without a manifest was loaded")
      try require(!directory.problems.isEmpty, "a store without its segments was found sound")
      if let decoded, hasOther {
        try require(
          directory.manifest == (decoded.sequence >= other.sequence ? decoded : other),
          "the copy with the lower sequence is in force")
      }
    }
    guard let store = try? StoreInspection.open(disk) else { return }
    let reader = InspectionReader()
    var inspector = LogInspector(store, visitor: reader)
    inspector.run()
    try require(reader.records.isEmpty, "records without segments")
  }

  private static let other = Manifest(
    store: StoreIdentity(high: 1, low: 2), lineage: StoreIdentity(high: 3, low: 4), sequence: 5, epoch: 1,
    durableThrough: Revision(9), writtenAt: 0,
    segments: [.init(number: SegmentNumber(1), generation: 0, capacity: 8 << 20)])

  package static var seeds: [FuzzSeed] {
    var longer = other
    longer.sequence = 6
    longer.parentLineage = StoreIdentity(high: 7, low: 8)
    longer.segments.append(.init(number: SegmentNumber(2), generation: 1, capacity: 64 << 20))
    let bytes = longer.encode().bytes.array()
    let modes: [UInt8] = [0, 1, 5, 7]
    return modes.map { FuzzSeed("two-\($0)", [$0] + bytes) }
  }
}
