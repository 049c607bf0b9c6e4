/// Every revision and every time is found where a plain scan finds it, in logs of every shape.
import Bytes
import LogStore
import LogStoreTesting
import TestSupport
import Testing

@Suite("Finding revisions and times")
struct LookupTests {
  @Test("In an empty log there is nothing, and the first revision to come is 1")
  func empty() throws {
    let log = try LookupStore.open(SimulatedDisk())
    defer { log.abandon() }
    #expect(try log.find(Revision(1)) == FoundRevision.none && log.find(Revision.none) == FoundRevision.none)
    #expect(try log.newestRevision(at: .max) == .none && log.firstRevision() == Revision(1))
    #expect(try PlainScan.follow(log, from: 1, bytesMax: 1) == [])
  }

  @Test("In many small segments: while they are written, and when the store is opened again")
  func manySegments() throws {
    var random = SeededGenerator.fromEnvironment("lookup, many segments")
    let disk = SimulatedDisk()
    var log = try LookupStore.open(disk)
    for _ in 0..<4 {
      try LookupStore.fill(log, commits: 120, &random)
      try PlainScan(log).check(log, "live")
    }
    #expect(log.status.segments > 6)
    try PlainScan(log).checkCursors(log, stride: 7, "live")
    try log.close()
    disk.restart()
    log = try LookupStore.open(disk)
    defer { log.abandon() }
    try PlainScan(log).check(log, "opened again")
    try PlainScan(log).checkCursors(log, stride: 7, "opened again")
  }

  @Test("In segments with long tables and in commits larger than a stride; tables are read again when they had to go")
  func longTables() throws {
    var random = SeededGenerator.fromEnvironment("lookup, long tables")
    let disk = SimulatedDisk()
    let options = LookupStore.options(segmentBytes: 200 << 10, tables: 1)
    var log = try LookupStore.open(disk, options)
    try LookupStore.fill(log, commits: 250, recordsMax: 12, largeBytes: 500, &random)
    var large = options
    large.firstSegmentBytes = 200 << 10
    try log.close()
    disk.restart()
    log = try LookupStore.open(disk, large)
    defer { log.abandon() }
    try LookupStore.fill(log, commits: 12, recordsMax: 200, largeBytes: 9_000, &random)
    #expect(log.status.segments > 3)
    try PlainScan(log).check(log)
    try PlainScan(log).checkCursors(log, stride: 97)
  }

  @Test(
    "After crashes, each of which cuts a segment or all of it: in the segments that have no seal",
    arguments: [
      Durability.fsync, .interval, .none,
    ])
  func cutSegments(_ durability: Durability) throws {
    for seed in 0..<6 {
      var random = SeededGenerator(seed: UInt64(seed))
      let disk = SimulatedDisk()
      try LookupStore.eventful(disk, processes: 7, durability: durability, &random)
      let log = try LookupStore.open(disk, LookupStore.options(durability: durability))
      defer { log.abandon() }
      let scan = try PlainScan(log)
      #expect(scan.entries.contains { $0.revisions == nil } == (durability != .fsync))
      try scan.check(log, "seed \(seed)")
      try scan.checkCursors(log, stride: 11, "seed \(seed)")
    }
  }

  @Test("Gaps that a salvage left are found as such, by every revision in them")
  func gaps() throws {
    let reference = try SalvageStore.reference()
    var gaps = 0
    for path in SalvageStore.segments(reference) {
      for kind in 0..<2 {
        var image = reference
        if kind == 0 { image.delete(path) } else { image.tamper(path) { $0[6_000] ^= 1 } }
        let log = try SalvageStore.open(SimulatedDisk(image), salvages: true)
        defer { log.abandon() }
        let scan = try PlainScan(log)
        gaps += scan.entries.count { $0.gap != nil }
        try scan.check(log, "\(path) \(kind)")
        try scan.checkCursors(log, stride: 5, "\(path) \(kind)")
      }
    }
    #expect(gaps >= SalvageStore.segments(reference).count)
  }

  @Test("Nothing is found before its owner has taken it as acknowledged, whatever segments it fills")
  func acknowledgement() throws {
    var random = SeededGenerator.fromEnvironment("lookup, acknowledgement")
    let log = try LookupStore.open(SimulatedDisk(), LookupStore.options(tables: 1))
    defer { log.abandon() }
    try LookupStore.fill(log, commits: 150, &random)
    let before = log.lastRevision.value
    let cursor = try log.cursor(from: log.lastRevision.next)
    try LookupStore.fill(log, commits: 150, &random, takes: false)
    let scan = try PlainScan(log)
    while true {
      let known = log.acknowledgedRevision
      let found = scan.found
      for revision in stride(from: 1, through: log.lastRevision.value + 1, by: 3) {
        let expected = revision <= known.value ? found[revision] : nil
        #expect(try log.find(Revision(revision)) == expected ?? .none, "\(revision) of \(known)")
      }
      for entry in scan.entries where entry.position.offset % 5 == 0 {
        #expect(try log.newestRevision(at: entry.time) == min(scan.newest(at: entry.time), known))
      }
      var copy = cursor
      var seen: [UInt64] = []
      let end = try log.read(&copy, bytesMax: .max) { (header, _, _) throws(LogError) in
        seen.append(header.fields.revision.value)
        return .goOn
      }
      #expect(end == .reached && seen == (known.value > before ? Array((before + 1)...known.value) : []))
      var taken = 0
      while taken < 10, let done = log.takeCompleted(through: log.completedTicket) {
        log.recycle(done)
        taken += 1
      }
      if taken == 0 { break }
    }
    #expect(log.acknowledgedRevision == log.lastRevision)
  }

  @Test("A revision is found with two reads, however long the log is")
  func reads() throws {
    var random = SeededGenerator(seed: 3)
    let disk = SimulatedDisk()
    let log = try LookupStore.open(disk, LookupStore.options(segmentBytes: 256 << 10))
    defer { log.abandon() }
    try LookupStore.fill(log, commits: 8_000, largeBytes: 500, &random)
    #expect(log.status.segments > 8 && log.lastRevision.value > 12_000)
    for revision in stride(from: 1, through: log.lastRevision.value, by: 9) { _ = try log.find(Revision(revision)) }
    let before = disk.calls
    var most = 0
    for revision in stride(from: 1, through: log.lastRevision.value, by: 7) {
      let calls = disk.calls
      #expect(try log.position(of: Revision(revision)) != nil)
      most = max(most, disk.calls - calls)
    }
    #expect(most <= 2)
    #expect(Double(disk.calls - before) / Double(log.lastRevision.value / 7) < 1.3)
  }

  @Test("Also in commits of hundreds of kilobytes it is found with three reads, before and after a start")
  func longCommits() throws {
    var random = SeededGenerator(seed: 4)
    let disk = SimulatedDisk()
    var options = LookupStore.options(segmentBytes: 1 << 20)
    options.firstSegmentBytes = 1 << 20
    var log = try LookupStore.open(disk, options)
    try LookupStore.fill(log, commits: 12, recordsMax: 2_000, largeBytes: 4_000, &random)
    #expect(log.status.segments > 2)
    for isReopened in [false, true] {
      if isReopened {
        try log.close()
        disk.restart()
        log = try LookupStore.open(disk, options)
      }
      for revision in stride(from: 1, through: log.lastRevision.value, by: 9) { _ = try log.find(Revision(revision)) }
      var most = 0
      for revision in stride(from: 1, through: log.lastRevision.value, by: 5) {
        let calls = disk.calls
        #expect(try log.position(of: Revision(revision)) != nil)
        most = max(most, disk.calls - calls)
      }
      #expect(most <= 3)
    }
    try PlainScan(log).check(log)
    log.abandon()
  }

  @Test("A changed byte is noticed or does not matter: nothing is ever found where it is not")
  func damage() throws {
    var random = SeededGenerator(seed: 5)
    let disk = SimulatedDisk()
    let log = try LookupStore.open(disk, LookupStore.options(tables: 1))
    defer { log.abandon() }
    try LookupStore.fill(log, commits: 90, &random)
    let found = try PlainScan(log).found
    let sound = disk.image
    var (flips, refused) = (0, 0)
    for path in SalvageStore.segments(sound) {
      for place in stride(from: 4_096 + flips % 4, to: SalvageStore.end(sound, path), by: 5) {
        disk.image.tamper(path) { $0[place] ^= 1 << UInt8(place % 8) }
        for revision in stride(from: UInt64(1 + flips % 9), through: log.lastRevision.value, by: 9) {
          do {
            #expect(try log.find(Revision(revision)) == found[revision], "\(path) \(place) \(revision)")
          } catch {
            #expect(error.code == .damaged && error.segment != nil, "\(path) \(place) \(revision): \(error)")
            refused += 1
          }
        }
        disk.image = sound
        flips += 1
      }
    }
    #expect(flips > 2_000 && refused > flips / 10)
  }
}
