/// A hub on a disk that is full now and then, for a whole day of the test's clock. FAULTS: row 19.
import Bytes
import Hub
import LogStore
import LogStoreTesting
import TestSupport
import Testing

@Suite("A hub on a full disk")
struct FullDiskTests {
  private static let options = LogOptions(segmentBytes: 96 << 10, firstSegmentBytes: 64 << 10, usesThreads: false)

  /// A hub, what it acknowledged, and the disk under it.
  private final class Day {
    let disk = SimulatedDisk()
    let clock = SettableClock()
    private(set) var hub: MemoryHub
    private(set) var acknowledged: [String: [UInt8]] = [:]
    private(set) var refused = 0
    private(set) var resumed = 0
    private var isRefused = false
    var random: SeededGenerator

    init(_ random: SeededGenerator) throws {
      self.random = random
      hub = try MemoryHub(
        log: RecordLog(disk, options: options, now: clock.time), limits: HubLimits(), clock: clock)
    }

    deinit { hub.log.abandon() }

    var isFull = false {
      didSet {
        disk.faults = FaultPlan()
        if isFull { disk.faults.add(.fail(PosixText.noSpace), at: 1, of: [.create], name: ".tmp", isPersistent: true) }
      }
    }

    /// What a server does every now and then.
    func keepHouse() throws {
      hub.log.retryPreparation(now: clock.time)
      do {
        try hub.sweep(limit: 100)
      } catch {
        guard error.code == .readOnly else { throw error }
      }
      try settle()
      hub.log.stampIfIdle()
    }

    func settle() throws {
      hub.submit()
      try hub.settle()
    }

    func put(_ key: String, ttl: Int64?) throws {
      let item = (0..<Int.random(in: 100...900, using: &random)).map { _ in UInt8.random(in: 97...122, using: &random) }
      let before = hub.log.lastRevision
      do {
        try decide(Array(key.utf8), item, ttl)
      } catch {
        #expect(error.code == .readOnly && error.message.contains("free some space"), "\(error.message)")
        #expect(hub.log.lastRevision == before)
        refused += 1
        isRefused = true
        return
      }
      try settle()
      if isRefused { resumed += 1 }
      isRefused = false
      if ttl == nil { acknowledged[key] = item }
    }

    private func decide(_ key: [UInt8], _ item: [UInt8], _ ttl: Int64?) throws(HubError) {
      let nobody: [UInt8] = []
      let none = nobody.span.bytes
      _ = try hub.put(
        key: key.span.bytes, ifRevision: nil,
        by: Writer(agent: none, correlation: none, request: none, fingerprint: 0)
      ) { (_, now, buffer) throws(HubError) in
        buffer.append(item.span.bytes)
        return StoredItem(kind: 1, creationTime: now, expiry: ttl.map { now + $0 } ?? 0)
      }
    }

    func read(_ key: String) throws -> [UInt8]? {
      let name = Array(key.utf8)
      guard let entry = hub.locate(name.span.bytes, seesPending: false).entry else { return nil }
      var buffer = ByteBuffer()
      try hub.readItem(entry, into: &buffer)
      return buffer.bytes.array()
    }

    /// Stops in good order, and starts again.
    func restart() throws {
      try hub.close()
      disk.restart(keepingFaults: true)
      hub = try MemoryHub(
        log: RecordLog(disk, options: options, now: clock.time), limits: HubLimits(), clock: clock)
    }
  }

  @Test("A day of a disk that fills and empties: every acknowledged write is there, every refusal ends by itself")
  func flapping() throws {
    let day = try Day(SeededGenerator.fromEnvironment("flapping"))
    for minute in 0..<1_440 {
      // Full for a quarter of an hour on average, and empty for half of one.
      if Int.random(in: 0..<(day.isFull ? 15 : 30), using: &day.random) == 0 { day.isFull.toggle() }
      for _ in 0..<6 {
        let number = Int.random(in: 0..<40, using: &day.random)
        let expires = number >= 30
        try day.put("memory/\(number)", ttl: expires ? 30_000_000 : nil)
        day.clock.time += 10_000_000
        try day.keepHouse()
      }
      let key = "memory/\(Int.random(in: 0..<30, using: &day.random))"
      #expect(try day.read(key) == day.acknowledged[key], "minute \(minute)")
      if minute % 360 == 180 { try day.restart() }
    }
    #expect(day.refused > 0 && day.resumed > 0, "\(day.refused) refused, \(day.resumed) resumed")

    day.isFull = false
    for _ in 0..<3 {
      day.clock.time += 4_000_000
      try day.keepHouse()
    }
    #expect(day.hub.log.roomStatus.problem == nil)
    try day.put("memory/0", ttl: nil)
    let checksum = day.hub.state.checksum.text
    try day.restart()
    #expect(day.hub.log.recovery.kind == .resumed && day.hub.state.checksum.text == checksum)
    for (key, item) in day.acknowledged { #expect(try day.read(key) == item, "\(key)") }
    #expect(day.disk.image.paths.filter { $0.hasSuffix(".tmp") } == [])
  }

  @Test("A key whose record can not be read does not keep others from expiring; it expires when it can")
  func unreadable() throws {
    let day = try Day(SeededGenerator(seed: 1))
    try day.put("bad", ttl: 10_000_000)
    try day.put("good", ttl: 20_000_000)
    try day.restart()
    day.clock.time += 30_000_000
    day.disk.faults.add(.fail(PosixText.inputOutput), at: 1, of: [.read])
    #expect { try day.hub.sweep(limit: 100) } throws: { error in
      let error = error as? HubError
      return error?.code == .storageError && error?.message.hasPrefix("segment 1 offset ") == true
    }
    try day.settle()
    #expect(day.hub.state.eventCounts.expire == 1 && day.hub.state.keyCount == 1)
    for key in ["bad", "good"] { #expect(try day.read(key) == nil) }
    try day.keepHouse()
    #expect(day.hub.state.eventCounts.expire == 2 && day.hub.state.keyCount == 0)
  }

  @Test("A snapshot for which there is no space leaves no file behind, and the next one goes well")
  func snapshot() throws {
    let day = try Day(SeededGenerator(seed: 1))
    for number in 0..<20 { try day.put("memory/\(number)", ttl: nil) }
    for call in [StorageError.Call.create, .write, .rename] {
      day.disk.faults = FaultPlan()
      day.disk.faults.add(.fail(PosixText.noSpace), at: 1, of: [call], name: "snapshots", isPersistent: true)
      day.hub.beginSnapshot()
      while case .busy = day.hub.stepSnapshot() {}
      #expect(day.hub.snapshots.failure?.message.contains("free some space") == true, "\(call)")
      #expect(day.disk.image.paths.filter { $0.hasPrefix("snapshots/") } == [], "\(call)")
    }
    day.isFull = false
    day.hub.beginSnapshot()
    while case .busy = day.hub.stepSnapshot() {}
    #expect(day.hub.snapshots.failure == nil && day.hub.snapshots.taken == 1)
  }
}
