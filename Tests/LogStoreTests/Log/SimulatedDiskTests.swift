/// The simulated disk does what the tests of everything else rely on.
import Bytes
import LogStore
import LogStoreTesting
import Testing

@Suite("The simulated disk")
struct SimulatedDiskTests {
  private func disk(_ unsynced: Int) throws -> SimulatedDisk {
    let disk = SimulatedDisk()
    try disk.makeDirectory("d")
    try disk.syncDirectory("")
    let file = try disk.create("d/x")
    let old = [UInt8](repeating: 1, count: 8 * 4_096)
    try file.write(old.span.bytes, at: 0)
    try file.sync()
    try disk.syncDirectory("d")
    let new = [UInt8](repeating: 2, count: 4_096)
    for page in 0..<unsynced { try file.write(new.span.bytes, at: UInt64(page * 4_096)) }
    return disk
  }

  private func pages(_ disk: SimulatedDisk) -> [UInt8] {
    let bytes = disk.image.contents("d/x") ?? []
    return stride(from: 0, to: bytes.count, by: 4_096).map { bytes[$0] }
  }

  @Test("Unsynced pages are lost, kept, or some of them, as the mode says, and the same again with the same seed")
  func contents() throws {
    let expected: [LossMode: Set<[UInt8]>] = [
      .none: [[2, 2, 2, 2, 2, 2, 1, 1]], .all: [[1, 1, 1, 1, 1, 1, 1, 1]],
      .metadataOnly: [[1, 1, 1, 1, 1, 1, 1, 1]],
      .reordered: Set((0...6).map { lost in (0..<8).map { $0 >= lost && $0 < 6 ? 2 : 1 } }),
    ]
    var subsets: Set<[UInt8]> = []
    for mode in LossMode.allCases {
      for seed in 0..<100 as Range<UInt64> {
        let first = try disk(6)
        let second = try disk(6)
        first.losePower(mode, seed: seed)
        second.losePower(mode, seed: seed)
        #expect(pages(first) == pages(second))
        if let allowed = expected[mode] { #expect(allowed.contains(pages(first))) }
        if mode == .randomSubset { subsets.insert(pages(first)) }
      }
    }
    #expect(subsets.count > 30)
    #expect(subsets.allSatisfy { $0[6...] == [1, 1] })
  }

  @Test("A file grows on the disk with its size, or with the pages that survive; the rest reads as zeros")
  func growth() throws {
    for seed in 0..<50 as Range<UInt64> {
      let disk = try disk(0)
      let file = try disk.open("d/x", writable: true)
      let new = [UInt8](repeating: 2, count: 4_096)
      for page in 8..<12 { try file.write(new.span.bytes, at: UInt64(page * 4_096)) }
      let copy = SimulatedDisk(disk.image)
      copy.losePower(.metadataOnly, seed: seed)
      #expect(pages(copy) == [1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0])
      disk.losePower(.randomSubset, seed: seed)
      #expect(pages(disk).count >= 8 && pages(disk).dropFirst(8).allSatisfy { $0 == 0 || $0 == 2 })
    }
  }

  @Test("Names are durable only once their directory is synced")
  func names() throws {
    for mode in LossMode.allCases {
      let disk = try disk(0)
      _ = try disk.create("d/y")
      try disk.rename("d/x", to: "d/z")
      disk.losePower(mode, seed: 1)
      let names = try disk.list("d").sorted()
      switch mode {
      case .none, .metadataOnly: #expect(names == ["y", "z"])
      case .all: #expect(names == ["x"])
      case .randomSubset, .reordered: #expect(names.contains("x") != names.contains("z"))
      }
    }
  }

  @Test("An fsync that fails drops what it should have written, and the next one says nothing of it")
  func failedSync() throws {
    let disk = try disk(3)
    disk.faults.add(.fail(PosixText.inputOutput), at: 1, of: [.sync])
    let file = try disk.open("d/x", writable: true)
    #expect(throws: StorageError.self) { try file.sync() }
    try file.sync()
    #expect(pages(disk) == [2, 2, 2, 1, 1, 1, 1, 1])
    disk.losePower(.none, seed: 1)
    #expect(pages(disk) == [1, 1, 1, 1, 1, 1, 1, 1])
  }

  @Test("A process that has stopped can do nothing more; its lock is free for the next, its files are dead")
  func stop() throws {
    let disk = try disk(0)
    let file = try disk.open("d/x", writable: true)
    let lock = try disk.lock("LOCK")
    #expect { _ = try disk.lock("LOCK") } throws: { ($0 as? StorageError)?.errno == PosixText.wouldBlock }
    disk.faults.add(.stop, at: 2)
    #expect(try file.size() == 8 * 4_096)
    for _ in 0..<3 { #expect(throws: StorageError.self) { try file.size() } }
    #expect(throws: StorageError.self) { try disk.list("") }
    #expect(disk.isStopped)
    disk.restart()
    #expect(throws: StorageError.self) { try file.size() }
    let next = try disk.lock("LOCK")
    withExtendedLifetime((lock, next)) {}
  }
}
