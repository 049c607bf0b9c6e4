/// A thousand attempts to change the past, of ten kinds, by somebody who computes every checksum anew.
import Bytes
import HistoryTree
import LogStoreTesting
import TestSupport
import Testing

@testable import Evidence
@testable import LogStore

@Suite struct TamperTests {
  enum Attack: String, CaseIterable, Sendable {
    case editPayload, editNames, editFields, deleteRecord, insertRecord, reorder
    case cutTail, rollBack, rehashWithoutKey, removeTree
  }

  static let perKind = 100
  static let stores = 4

  /// What an auditor has: the store as it is now, the last head that was saved elsewhere, the public key.
  struct Case {
    let image: DiskImage
    let older: DiskImage
    let saved: SignedHead
  }

  static func makeCase(_ seed: UInt64) throws -> Case {
    let store = TreeStore(seed: seed)
    try store.open()
    try store.write(400)
    try store.close()
    let older = store.disk.image
    try store.open()
    try store.write(330)
    try store.close()
    return Case(image: store.disk.image, older: older, saved: try #require(store.follower.newestHead))
  }

  @Test("Each of a thousand attempts to change the past is found", arguments: Attack.allCases)
  func attempts(attack: Attack) throws {
    var random = SeededGenerator.fromEnvironment("TamperTests.\(attack.rawValue)")
    for number in 0..<Self.stores {
      let original = try Self.makeCase(UInt64(number) &+ random.next() % 1_000)
      for _ in 0..<(Self.perKind / Self.stores) {
        let disk = SimulatedDisk(original.image)
        let victim = try Self.perform(attack, on: disk, original, &random)
        disk.restart()
        let opened = try RecordLog(disk, options: TreeStore.logOptions, now: 2_000_000_000_000_000)
        opened.abandon()
        try Self.expectFound(attack, disk, original, victim)
      }
    }
  }

  /// The checks of an opening pass (they are for accidents); those of the tree do not.
  private static func expectFound(_ attack: Attack, _ disk: SimulatedDisk, _ original: Case, _ victim: UInt64?) throws {
    let key = TreeStore.key.verifier
    let withSaved = try TreeVerifier.check(disk, saved: [original.saved], key: key)
    #expect(!withSaved.isSound, "\(attack)")
    if let victim, let place = withSaved.findings.first(where: { $0.place != nil })?.place {
      #expect(place.leaves.contains(victim), "\(attack): \(place) does not hold leaf \(victim)")
    }
    let alone = try TreeVerifier.check(disk, key: key)
    switch attack {
    case .editPayload, .editNames, .editFields, .deleteRecord, .insertRecord, .reorder:
      #expect(
        alone.findings.contains { $0.kind == .changed || $0.kind == .cut }, "\(attack): the store's own heads show it")
    case .cutTail: #expect(withSaved.findings.contains { $0.kind == .cut || $0.kind == .rolledBack })
    case .rollBack:
      #expect(withSaved.findings.map(\.kind) == [.rolledBack])
      #expect(alone.isSound, "an older copy of everything is sound in itself: only a saved head shows it")
    case .rehashWithoutKey: #expect(alone.findings.contains { $0.kind == .forgedHead })
    case .removeTree: #expect(alone.isSound && alone.notes.count >= 1)
    }
  }

  /// Returns the first leaf that is not what it was; nil when none is.
  private static func perform(
    _ attack: Attack, on disk: SimulatedDisk, _ original: Case, _ random: inout SeededGenerator
  ) throws -> UInt64? {
    let before = try Forger(disk).read().records.count
    let victim = Int.random(in: 0..<(before - 1), using: &random)
    let isBare = Bool.random(using: &random)
    let variant = Int.random(in: 0..<6, using: &random)
    switch attack {
    case .editPayload: try Forger(disk).forge { edit(&$0.records[victim], variant) }
    case .editNames:
      try Forger(disk).forge { $0.records[victim].names[variant % 4].append(UInt8(ascii: "x")) }
    case .editFields: try Forger(disk).forge { editFields(&$0.records[victim], variant) }
    case .deleteRecord: try Forger(disk).forge { $0.records.remove(at: victim) }
    case .insertRecord:
      try Forger(disk).forge { log in
        var copy = log.records[victim]
        copy.fields.continues = false
        copy.names[1] = Array("nobody".utf8)
        log.records.insert(copy, at: victim)
      }
    case .reorder:
      try Forger(disk).forge { log in
        let first = log.records[victim]
        let second = log.records[victim + 1]
        log.records[victim].names = second.names
        log.records[victim].payload = second.payload
        log.records[victim].fields.operation = second.fields.operation
        log.records[victim].fields.salt = second.fields.salt
        log.records[victim + 1].names = first.names
        log.records[victim + 1].payload = first.payload
        log.records[victim + 1].fields.operation = first.fields.operation
        log.records[victim + 1].fields.salt = first.fields.salt
      }
    case .cutTail:
      let count = Int.random(in: 1...200, using: &random)
      try Forger(disk).forge { $0.records.removeLast(count) }
      if isBare { try dropHeads(above: UInt64(before - count), disk) }
      return nil
    case .rollBack:
      disk.image = original.older
      return nil
    case .rehashWithoutKey:
      try Forger(disk).forge { edit(&$0.records[victim], variant) }
      removeTree(disk)
      try rehash(disk, key: isBare ? nil : SignerKey.random(name: TreeStore.key.verifier.name))
    case .removeTree:
      try Forger(disk).forge { edit(&$0.records[victim], variant) }
      removeTree(disk)
    }
    return UInt64(victim)
  }

  private static func edit(_ record: inout ForgedRecord, _ variant: Int) {
    guard !record.payload.isEmpty else {
      record.fields.operation = record.fields.operation == .delete ? .expire : .delete
      return
    }
    switch variant {
    case 0: record.payload[record.payload.count / 2] ^= 1
    case 1: record.payload = Array(#"{"content":"somebody else wrote this"}"#.utf8)
    case 2: record.payload.removeLast()
    // The same text under another salt: a commitment that was never made.
    case 3: record.fields.salt &+= 1
    case 4: record.payload.append(UInt8(ascii: " "))
    default: record.payload = []
    }
  }

  private static func editFields(_ record: inout ForgedRecord, _ variant: Int) {
    switch variant {
    case 0: record.fields.time += 1
    case 1: record.fields.expiry = 7
    case 2: record.fields.creationTime -= 1
    case 3: record.fields.itemKind = 2
    case 4: record.fields.operation = record.fields.operation == .expire ? .delete : .expire
    default: record.fields.continues.toggle()
    }
  }

  private static func removeTree(_ disk: SimulatedDisk) {
    var image = disk.image
    for path in image.paths where path.hasPrefix("tree/") { image.delete(path) }
    disk.image = image
  }

  private static func rehash(_ disk: SimulatedDisk, key: SignerKey?) throws {
    let log = try DurableEnd.find(in: try StoreDirectory.load(disk, writable: false))
    var options = TreeOptions()
    options.key = key
    let follower = try TreeFollower(
      disk, store: log.segments[0].header.store, options: options, log: log, now: 1_754_587_800_000_000)
    try follower.writeHead(now: 1_754_587_900_000_000)
  }

  private static func dropHeads(above size: UInt64, _ disk: SimulatedDisk) throws {
    let file = HeadFile(disk)
    var heads = try file.read()
    try file.replace(with: heads.filter { $0.head.size <= size }, &heads)
  }

  // MARK: What is sound, and what is only damaged

  @Test("Sound stores are found sound: as closed, while written to, after a crash, with heads of every age")
  func sound() throws {
    for seed in 0..<UInt64(30) {
      let store = TreeStore(seed: seed)
      var saved: [SignedHead] = []
      try store.open()
      for _ in 0..<4 {
        try store.write(100 + Int(seed) * 5, headEvery: 30)
        saved.append(try #require(store.follower.newestHead))
        #expect(try TreeVerifier.check(store.disk, saved: saved, key: TreeStore.key.verifier).findings == [])
        if seed % 3 == 0 { try store.close() } else { store.losePower(seed: seed) }
        store.disk.restart()
        try store.open()
      }
      try store.close()
      let report = try TreeVerifier.check(store.disk, saved: saved, key: TreeStore.key.verifier)
      #expect(report.findings == [] && report.notes == [])
      #expect(report.headsThatFit >= saved.count)
    }
  }

  @Test("A change is placed between two heads, and to the block of 256 records when a head proves the blocks")
  func places() throws {
    let original = try Self.makeCase(11)
    for victim in stride(from: 0, to: 700, by: 23) {
      let disk = SimulatedDisk(original.image)
      try Forger(disk).forge { $0.records[victim].payload.append(UInt8(ascii: " ")) }
      let report = try TreeVerifier.check(disk, key: TreeStore.key.verifier)
      let place = try #require(report.findings.first?.place)
      let sizes = [0] + (try HeadFile(disk).read().map(\.head.size))
      let before = try #require(sizes.last { $0 <= UInt64(victim) })
      let behind = try #require(sizes.first { $0 > UInt64(victim) })
      let block = UInt64(victim) / 256 * 256
      // The last block is not whole: nothing but the heads places a change there.
      let isWhole = block + 256 <= report.leaves
      #expect(place.leaves == (isWhole ? max(before, block) : before)..<(isWhole ? min(behind, block + 256) : behind))
      #expect(place.first.revision.value >= place.leaves.lowerBound)
      #expect(place.last.revision.value <= place.leaves.upperBound + 1)
    }
  }

  @Test("Records that were added behind the last head of a closed store are found")
  func additionAtTheEnd() throws {
    let original = try Self.makeCase(12)
    let disk = SimulatedDisk(original.image)
    try Forger(disk).forge { log in
      var copy = log.records[log.records.count - 1]
      copy.names[1] = Array("nobody".utf8)
      log.records.append(copy)
    }
    let report = try TreeVerifier.check(disk, saved: [original.saved], key: TreeStore.key.verifier)
    #expect(report.findings.map(\.kind) == [.uncovered])
  }
}
