/// The two copies of the manifest: which one counts, and that a later one is always told from an earlier one.
import LogStore
import LogStoreTesting
import Testing

@Suite("The manifest's two copies")
struct ManifestStoreTests {
  @Test("The copy with the higher sequence number counts, whichever file it is in")
  func newest() throws {
    for newer in StoreNames.manifests {
      let disk = SimulatedDisk()
      let driver = Driver(disk)
      try driver.open()
      let older = disk.image
      try driver.close()
      for name in StoreNames.manifests where name != newer {
        disk.image.put(name, try #require(older.contents(name)))
      }
      let before = try #require(try manifest(SimulatedDisk(older)))
      let taken = try #require(try manifest(disk))
      #expect(taken.sequence > before.sequence, "\(newer)")
    }
  }

  @Test("Every manifest that is written has a higher sequence number than the one before")
  func sequence() throws {
    let disk = SimulatedDisk()
    let driver = Driver(disk)
    try driver.open()
    var last = try #require(try manifest(disk))
    var written = 0
    for _ in 0..<60 {
      try driver.commit(1, payload: 1_000)
      let now = try #require(try manifest(disk))
      if now != last {
        #expect(now.sequence > last.sequence)
        written += 1
      }
      last = now
    }
    try driver.close()
    let closed = try #require(try manifest(disk))
    #expect(closed.sequence > last.sequence)
    #expect(written >= 3)
  }

  private func manifest(_ disk: SimulatedDisk) throws -> Manifest? {
    guard case .manifest(let manifest, _) = try ManifestStore.read(disk) else { return nil }
    return manifest
  }
}
