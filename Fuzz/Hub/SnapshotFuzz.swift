/// Snapshots: read, loaded, and used as the state of a hub. The first byte of an input says whether checksums are
/// repaired, and whether a hub starts from it.
internal import Bytes
internal import FuzzLog
package import FuzzSupport
@testable internal import Hub
internal import KeyIndex
@testable internal import LogStore

package enum SnapshotFuzz: FuzzTarget {
  package static let name = "snapshot"

  private enum Mode {
    static let repairs: UInt8 = 1
    static let opensHub: UInt8 = 2
  }

  package static func run(_ input: RawSpan) throws(FuzzFailure) {
    guard input.byteCount > 1 else { return }
    let mode = input.u8(0)
    var bytes = input.extracting(1..<input.byteCount).copy()
    if mode & Mode.repairs != 0 { SnapshotRepair.repair(&bytes) }
    let disk = MemoryDisk()
    let name = StoreNames.snapshot(Revision(1))
    disk.place(name, bytes.bytes.copy())
    if let state = load(name, disk) { try check(state) }
    if mode & Mode.opensHub != 0 { try openHub(bytes) }
  }

  private static func load(_ name: String, _ disk: MemoryDisk) -> HubState? {
    guard let reader = try? SnapshotReader(name, storage: disk),
      let loaded = try? SnapshotLoader(reader, limits: HubLimits()).load()
    else { return nil }
    loaded.state.settle(loaded.summary)
    return loaded.state
  }

  /// What was taken in is a sound tree, and can be asked.
  private static func check(_ state: HubState) throws(FuzzFailure) {
    for tree in [state.index, state.dead] {
      let violations = tree.violations()
      try require(violations.isEmpty, "a tree from a snapshot is wrong: \(violations.first ?? "")")
    }
    try require(state.expiries.count <= state.keyCount, "more expiries than keys")
    var cursor = ScanCursor()
    var live = 0
    state.index.scanChunk(&cursor, limit: 1_000_000) { key, _ in
      if state.live(key, now: FuzzClock.start) != nil { live += 1 }
    }
    try require(live <= state.keyCount, "more live keys than keys")
  }

  /// A hub starts from the snapshot, or without it, and takes a write.
  private static func openHub(_ snapshot: borrowing ByteBuffer) throws(FuzzFailure) {
    let disk = FuzzStore.disk()
    let name = StoreNames.snapshot(Revision(FuzzStore.revision))
    var file = snapshot.bytes.copy()
    if file.count >= Layout.Snapshot.size {
      FuzzStore.claim(&file, disk)
      SnapshotRepair.repair(&file)
    }
    disk.place(name, file)
    let session = RequestSession(disk)
    // The snapshot may say that records lie where there are none.
    session.expectsDamage = true
    guard let hub = session.hub else { return }
    try check(hub.state)
    for request in FuzzStore.laterRequests { try session.take(Array(request.utf8).span.bytes) }
    session.advance(milliseconds: 3_600_000)
    try session.take(Array(FuzzStore.checksumRequest.utf8).span.bytes)
    try check(hub.state)
  }

  package static var seeds: [FuzzSeed] {
    let bytes = FuzzStore.snapshot()
    // The last block is the summary; behind its two sizes and its checksum come the counts of events.
    var counts = bytes
    let counted = bytes.count - Layout.SnapshotTail.size - FuzzStore.summaryBytes + 24
    for index in counted..<(counted + 32) { counts[index] = 0xFF }
    let modes: [UInt8] = [0, 1, 2, 3]
    return [FuzzSeed("counts-beyond", [3] + counts)] + modes.map { FuzzSeed("keys-\($0)", [$0] + bytes) }
  }
}
