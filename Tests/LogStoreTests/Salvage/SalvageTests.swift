/// A salvage keeps what can be read, tells what can not, and destroys nothing: for every kind of damage.
import LogStore
import LogStoreTesting
import Testing

@Suite("Salvage")
struct SalvageTests {
  let reference: DiskImage
  private var segments: [String] { SalvageStore.segments(reference) }

  init() throws { reference = try SalvageStore.reference() }

  @Test("The reference store has what the tests below are about")
  func shape() throws {
    let log = try SalvageStore.open(SimulatedDisk(reference))
    defer { log.abandon() }
    #expect(segments.count >= 5)
    let headers = try segments.map { path in
      let block = try #require(reference.contents(path))
      return try SegmentHeader.decode(block.span.bytes)
    }
    #expect(headers.contains { $0.predecessorEnd != 0 } && headers.contains { $0.predecessorEnd == 0 })
    #expect(log.lastRevision.value >= 80)
  }

  private func refused(_ image: DiskImage, at: SourceLocation = #_sourceLocation) {
    let before = image
    #expect(throws: LogError.self, sourceLocation: at) {
      let disk = SimulatedDisk(before)
      let log = try SalvageStore.open(disk)
      defer { log.abandon() }
      _ = try SalvageStore.replayed(log)
    }
  }

  @Test("A sound store is left alone: closed, crashed, new, and without one copy of its manifest")
  func sound() throws {
    var single = reference
    single.delete("MANIFEST-A")
    for image in [reference, try SalvageStore.reference(closed: false), DiskImage(), single] {
      let disk = SimulatedDisk(image)
      let log = try SalvageStore.open(disk, salvages: true)
      #expect(log.recovery.salvage == nil)
      #expect(!disk.image.paths.contains { $0.hasPrefix("quarantine") })
      log.abandon()
    }
  }

  @Test("Rot in each segment: its records but the spoiled one are kept, and the gap names that one")
  func rot() throws {
    for path in segments where SalvageStore.end(reference, path) > 4_500 {
      var image = reference
      image.tamper(path) { $0[4_400] ^= 1 }
      refused(image)
      let (_, report) = try SalvageStore.check(image, "\(path)")
      #expect(try #require(report).lostRevisions <= 1)
    }
  }

  @Test("Rot in the last record, which the clean close proves to have been there")
  func tail() throws {
    let last = try #require(segments.last { SalvageStore.end(reference, $0) > 5_000 })
    var image = reference
    image.tamper(last) { $0[SalvageStore.end(reference, last) - 72 - 20] ^= 1 }
    refused(image)
    let (_, report) = try SalvageStore.check(image)
    #expect(try #require(report).lostRevisions == 1)
  }

  @Test("A missing segment, each one and each pair, becomes a gap")
  func missing() throws {
    for first in segments.indices {
      for second in segments.indices where second >= first {
        var image = reference
        image.delete(segments[first])
        if second > first { image.delete(segments[second]) }
        refused(image)
        try SalvageStore.check(image, "\(first) and \(second)")
      }
    }
  }

  @Test("Segments exchanged, renamed, copied over another, from another store, cut off, emptied")
  func misplaced() throws {
    let other = try SalvageStore.reference()
    for (index, path) in segments.enumerated() where index + 1 < segments.count {
      var image = reference
      image.swap(path, segments[index + 1])
      try SalvageStore.check(image, "exchanged \(path)")
      image = reference
      image.put(path, try #require(reference.contents(segments[index + 1])))
      try SalvageStore.check(image, "copied over \(path)")
      image = reference
      image.put(path, try #require(other.contents(path)))
      try SalvageStore.check(image, "foreign \(path)")
      for length in [0, 10, 4_096, 5_000, 9_001] {
        image = reference
        image.tamper(path) { $0.removeLast(max(0, $0.count - length)) }
        try SalvageStore.check(image, "\(path) cut off at \(length)")
      }
      image = reference
      image.move(path, to: "segments/0000000077-0000.seg")
      try SalvageStore.check(image, "renamed \(path)")
    }
  }

  @Test("Without manifests: both gone, both damaged, one of each; alone and with other damage")
  func manifests() throws {
    let spoils: [(inout DiskImage, String) -> Void] = [
      { $0.delete($1) }, { image, name in image.tamper(name) { $0[60] ^= 4 } }, { image, name in image.put(name, []) },
    ]
    for first in spoils {
      for second in spoils {
        var image = reference
        first(&image, "MANIFEST-A")
        second(&image, "MANIFEST-B")
        refused(image)
        try SalvageStore.check(image)
        image.tamper(segments[1]) { $0[5_000] ^= 1 }
        try SalvageStore.check(image)
        image.delete(segments[0])
        try SalvageStore.check(image)
      }
    }
  }

  @Test("A lost segment header, in each segment, alone and with the neighbour's or with rot")
  func headers() throws {
    for (index, path) in segments.enumerated() {
      var image = reference
      image.tamper(path) { $0[50] ^= 1 }
      refused(image)
      try SalvageStore.check(image, "\(path)")
      image.tamper(path) { $0[5_500] ^= 1 }
      try SalvageStore.check(image, "\(path) and rot")
      if index + 1 < segments.count { image.tamper(segments[index + 1]) { $0[90] ^= 1 } }
      try SalvageStore.check(image, "\(path) and its neighbour")
    }
  }

  @Test("A zeroed page anywhere")
  func zeroedPages() throws {
    for path in segments {
      for page in 0..<3 {
        var image = reference
        image.tamper(path) { for offset in (page * 4_096)..<min($0.count, (page + 1) * 4_096) { $0[offset] = 0 } }
        try SalvageStore.check(image, "\(path) page \(page)")
      }
    }
  }

  @Test("A page that the disk can not give counts as lost; a missing permission does not")
  func unreadable() throws {
    let disk = SimulatedDisk(reference)
    var faults = FaultPlan()
    faults.add(.fail(PosixText.inputOutput), at: 1, of: [.read], name: segments[1], isPersistent: true)
    disk.faults = faults
    let log = try SalvageStore.open(disk, salvages: true)
    #expect(try #require(log.recovery.salvage).lostRevisions > 3)
    log.abandon()

    let denied = SimulatedDisk(reference)
    faults = FaultPlan()
    faults.add(.fail(PosixText.accessDenied), at: 1, of: [.open], name: segments[1], isPersistent: true)
    denied.faults = faults
    #expect { _ = try SalvageStore.open(denied, salvages: true) } throws: {
      ($0 as? LogError)?.systemError == PosixText.accessDenied
    }
    #expect(denied.image.paths == reference.paths)
  }

  @Test("Flipped bits at many places, in a closed store and in one that crashed", arguments: [true, false])
  func bits(closed: Bool) throws {
    let reference = try SalvageStore.reference(closed: closed)
    var salvaged = 0
    for path in SalvageStore.segments(reference) {
      for offset in stride(from: 3, to: SalvageStore.end(reference, path), by: 151) {
        if offset > 120, offset < 4_096 { continue }
        var image = reference
        image.flip(path, bit: offset * 8 + offset % 8)
        if try SalvageStore.check(image, "\(path) byte \(offset)").report != nil { salvaged += 1 }
      }
    }
    #expect(salvaged > 100)
  }

  @Test("Damage on top of an earlier salvage: the old gaps stay, new ones come, in another directory")
  func again() throws {
    var image = reference
    image.delete(segments[1])
    let (first, report) = try SalvageStore.check(image)
    image = first.image
    let rewritten = try #require(SalvageStore.segments(image).first { $0.hasSuffix("-0001.seg") })
    #expect(rewritten.hasPrefix("segments/0000000002"))
    image.tamper(rewritten) { $0[4_096 + 72 + 150] ^= 1 }
    let (second, again) = try SalvageStore.check(image)
    #expect(SalvageStore.segments(second.image).contains("segments/0000000002-0002.seg"))
    #expect(again?.quarantine != report?.quarantine)
  }

  @Test("Snapshots are moved away: what they claim no longer binds")
  func snapshots() throws {
    let disk = SimulatedDisk(reference)
    var log = try SalvageStore.open(disk)
    let writer = log.beginSnapshot(replayFrom: log.endPlace, after: log.lastRevision, now: SalvageStore.later)
    writer.append(SnapshotBlock(kind: 1))
    writer.finish(revision: log.lastRevision, time: log.lastTime)
    log.endSnapshot()
    try log.close()
    var image = disk.image
    let snapshot = try #require(image.paths.first { $0.hasPrefix("snapshots/") })
    for path in StoreNames.manifests { image.delete(path) }
    image.delete(try #require(SalvageStore.segments(image).last { SalvageStore.end(image, $0) > 5_000 }))
    let (after, report) = try SalvageStore.check(image)
    #expect(after.image.contents(snapshot) == nil)
    #expect(try #require(report).lostRevisions > 0)
    disk.restart()
    log = try SalvageStore.open(after)
    log.abandon()
  }

  @Test("Of a directory in which nothing tells which store it is, nothing is made")
  func hopeless() throws {
    var image = reference
    for path in StoreNames.manifests { image.delete(path) }
    for path in segments { image.tamper(path) { for offset in 0..<4_096 { $0[offset] = 0 } } }
    #expect { _ = try SalvageStore.open(SimulatedDisk(image), salvages: true) } throws: {
      ($0 as? LogError)?.code == .damaged
    }
  }
}
