/// The tree beside the log: what it hashes, how it goes on after a restart, and when it refuses to.
import Bytes
import HistoryTree
import LogStoreTesting
import TestSupport
import Testing

@testable import Evidence
@testable import LogStore

@Suite struct FollowerTests {
  @Test("The tree has one leaf for each record in the order of the log, and the last head covers all of them")
  func allLeaves() throws {
    let store = try TreeStore.written(700, seed: 3)
    let leaves = try store.plainLeaves()
    #expect(leaves.count == 700)
    let head = try #require(store.follower.newestHead)
    #expect(head.head.size == 700 && head.head.root == treeRoot(leaves) && head.head.revision == 700)
    #expect(head.isSigned(by: TreeStore.key.verifier))
    for kept in try HeadFile(store.disk).read() {
      #expect(kept.head.root == treeRoot(leaves.prefix(Int(kept.head.size))))
    }
  }

  @Test(
    "After a restart at any size the tree goes on where it was", arguments: [0, 1, 2, 255, 256, 257, 511, 512, 600])
  func restart(size: Int) throws {
    let store = try TreeStore.written(size, seed: UInt64(size))
    try store.open()
    #expect(store.follower.notices == [])
    try store.write(300)
    try store.close()
    let leaves = try store.plainLeaves()
    #expect(store.follower.newestHead?.head.size == UInt64(size + 300))
    #expect(store.follower.newestHead?.head.root == treeRoot(leaves))
    #expect(try TreeVerifier.check(store.disk, key: TreeStore.key.verifier).isSound)
  }

  @Test("A restart reads no more than the last whole block, what is behind it, and their segment")
  func restartReadsLittle() throws {
    let store = try TreeStore.written(3_000, seed: 5)
    let oldest = try StoreDirectory.load(store.disk, writable: false).segments[0]
    let name = StoreNames.segment(oldest.number, generation: oldest.header.generation)
    var image = store.disk.image
    // Behind its first block nobody looks at it.
    image.tamper(name) { $0[10_000] ^= 1 }
    store.disk.image = image
    store.disk.restart()
    try store.open()
    #expect(store.follower.newestHead?.head.size == 3_000)
  }

  @Test("After a power cut in any durability mode no head speaks of what the disk lost", arguments: Durability.allCases)
  func powerCut(durability: Durability) throws {
    for seed in 0..<UInt64(20) {
      let store = TreeStore(seed: seed)
      store.logOptions.durability = durability
      try store.open()
      try store.write(150 + Int(seed) * 13, headEvery: 20)
      store.losePower(seed: seed)
      try store.open()
      #expect(store.follower.notices == [])
      try store.write(40)
      try store.close()
      let report = try TreeVerifier.check(store.disk, key: TreeStore.key.verifier)
      #expect(report.findings == [])
      #expect(report.root == treeRoot(try store.plainLeaves()))
    }
  }

  @Test(
    "A crash before the second head loses nothing of the tree, whatever the first one speaks of",
    arguments: [0, 1, 256])
  func crashAfterTheFirstHead(size: Int) throws {
    let store = TreeStore(seed: 2)
    try store.open()
    for _ in 0..<size { try store.commit(1) }
    try store.keep()
    try store.commit(3)
    store.losePower(seed: 1)
    try store.open()
    #expect(store.follower.notices == [])
    try store.close()
    #expect(store.follower.newestHead?.head.size == UInt64(size + 3))
    #expect(store.follower.newestHead?.head.beginning.leaves == 0)
    #expect(try TreeVerifier.check(store.disk, key: TreeStore.key.verifier).isSound)
  }

  @Test("A damaged file of blocks is made anew, with the same root")
  func damagedBlocks() throws {
    let store = try TreeStore.written(800, seed: 6)
    var image = store.disk.image
    image.tamper(TreeBlockFile.name) { $0[100] ^= 1 }
    store.disk.image = image
    store.disk.restart()
    let report = try TreeVerifier.check(store.disk, key: TreeStore.key.verifier)
    #expect(report.findings.map(\.kind) == [.rot])
    #expect(report.findings.first?.message.contains("block 1, at byte 88;") == true)
    try store.open()
    #expect(store.follower.notices.count == 1)
    try store.write(20)
    try store.close()
    #expect(try TreeVerifier.check(store.disk, key: TreeStore.key.verifier).isSound)
    #expect(try TreeBlockFile(store.disk, store: store.storeIdentity).read(limit: .max).blocks.count == 3)
  }

  @Test("The last block that a head needs is checked too; what a crash leaves behind it is no damage")
  func blocksBehindHeads() throws {
    let store = try TreeStore.written(800, seed: 6)
    let sound = store.disk.image
    func kinds(_ change: (inout [UInt8]) -> Void) throws -> [TreeFinding.Kind] {
      let disk = SimulatedDisk(sound)
      disk.image.tamper(TreeBlockFile.name, change)
      return try TreeVerifier.check(disk, key: TreeStore.key.verifier).findings.map(\.kind)
    }
    #expect(try kinds { $0[200] ^= 1 } == [.rot])
    #expect(try kinds { $0 += [UInt8](repeating: 0, count: 100) } == [])
    #expect(try kinds { $0 += [UInt8](repeating: 7, count: 50) } == [])
  }

  @Test("A head that was cut short is passed over")
  func tornHead() throws {
    let store = try TreeStore.written(300, seed: 7)
    let heads = try HeadFile(store.disk).read()
    var image = store.disk.image
    image.tamper(HeadFile.name) { bytes in
      for place in (bytes.count - 800)..<bytes.count { bytes[place] = 0 }
    }
    store.disk.image = image
    store.disk.restart()
    #expect(try HeadFile(store.disk).read() == heads.dropLast())
    try store.open()
    try store.write(10)
    try store.close()
    #expect(try TreeVerifier.check(store.disk, key: TreeStore.key.verifier).isSound)
    #expect(try HeadFile(store.disk).read().last?.head.size == 310)
  }

  // MARK: Beginning anew

  @Test("A store that had no tree gets one, whose heads say how much was there before")
  func lateBeginning() throws {
    let store = try TreeStore.written(300, seed: 8)
    var image = store.disk.image
    image.delete(HeadFile.name)
    image.delete(TreeBlockFile.name)
    store.disk.image = image
    store.disk.restart()
    store.now += 1_000_000
    try store.open()
    #expect(store.follower.newestHead?.head.beginning == TreeBeginning(time: store.now, leaves: 300))
    try store.write(5)
    try store.close()
    #expect(store.follower.newestHead?.head.beginning.leaves == 300)
    let report = try TreeVerifier.check(store.disk, key: TreeStore.key.verifier)
    #expect(
      report.isSound && report.notes.contains { $0.contains("the first 300 records were taken as they were found") })
  }

  @Test("A log that does not fit the stored head is refused, and begun anew only on demand; the old heads are kept")
  func contradiction() throws {
    let store = try TreeStore.written(300, seed: 9)
    try Forger(store.disk).forge { log in log.records[290].payload = Array(#"{"content":"forged"}"#.utf8) }
    let refused = #expect(throws: TreeProblem.self) { try store.open() }
    #expect(refused?.kind == .contradiction)
    store.abandon()
    store.treeOptions.beginsAnew = true
    try store.open()
    #expect(store.follower.newestHead?.head.beginning.leaves == 300)
    #expect(store.disk.image.paths.contains { $0.hasPrefix("tree/heads-given-up-") })
  }

  @Test("With another key the tree is begun anew, and says so")
  func otherKey() throws {
    let store = try TreeStore.written(30, seed: 10, key: nil)
    store.treeOptions.key = TreeStore.key
    try store.open()
    #expect(store.follower.notices.count == 2)
    #expect(store.follower.newestHead?.head.beginning.leaves == 30)
    #expect(store.follower.newestHead?.isSigned(by: TreeStore.key.verifier) == true)
  }

  // MARK: The file of heads

  @Test("Heads are thinned out, the oldest most, and the newest are all there")
  func thinning() throws {
    let disk = SimulatedDisk()
    let file = HeadFile(disk)
    var heads: [SignedHead] = []
    for size in 0..<3_000 {
      let head = TreeHead(
        lineage: StoreIdentity.none.description, size: UInt64(size), root: TreeHash.empty, epoch: 1, revision: 1,
        time: Int64(size), beginning: TreeBeginning(time: 0, leaves: 0))
      try file.append(SignedHead(head, key: nil), to: &heads)
    }
    let kept = try file.read()
    #expect(kept == heads && kept.count <= HeadFile.slotsMax)
    #expect(kept.suffix(500).map(\.head.size) == Array(2_500..<3_000))
    #expect(kept.first?.head.size == 0)
    #expect(zip(kept, kept.dropFirst()).allSatisfy { $0.head.size < $1.head.size })
  }
}

extension TreeStore {
  var storeIdentity: StoreIdentity { try! StoreDirectory.load(disk, writable: false).manifest.store }
}
