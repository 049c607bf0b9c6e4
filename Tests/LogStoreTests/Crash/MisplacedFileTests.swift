/// Rows 11, 12, 13 and 27: files and blocks that are whole, but not where, when or what they should be.
import LogStore
import LogStoreTesting
import TestSupport
import Testing

@Suite("Files and blocks in the wrong place")
struct MisplacedFileTests {
  private func used(_ image: DiskImage) -> [String] {
    image.paths.filter { name in
      name.hasSuffix(".seg") && image.contents(name)?.dropFirst(4096).contains { $0 != 0 } == true
    }
  }

  @Test("Row 11: each segment missing, renamed, swapped or of another store is refused by name; a copy does no harm")
  func segments() throws {
    let (disk, driver) = try Stores.make(events: 120)
    let foreign = try Stores.make(events: 120).disk.image
    let names = used(disk.image)
    try #require(names.count >= 4)
    var cases = 0
    for (index, name) in names.enumerated() {
      let number = SegmentNumber(UInt32(index + 1))
      var missing = disk.image
      missing.delete(name)
      var renamed = disk.image
      renamed.move(name, to: Stores.segment(99))
      var otherGeneration = disk.image
      otherGeneration.move(name, to: StoreNames.segment(number, generation: 1))
      var swapped = disk.image
      swapped.swap(name, names[(index + 1) % names.count])
      var stolen = disk.image
      stolen.put(name, try #require(foreign.contents(name)))
      for image in [missing, renamed, otherGeneration, swapped, stolen] {
        let before = image
        let outcome = Stores.open(image, driver)
        guard case .refused(let error) = outcome else {
          Issue.record("\(name) case \(cases): \(outcome)")
          continue
        }
        #expect([.damaged, .io].contains(error.code) && error.segment != nil, "\(error)")
        #expect(error.message.contains("segment") || error.message.contains(".seg"))
        #expect(before.paths == image.paths)
        cases += 1
      }
      var copied = disk.image
      copied.put("segments/\(index).copy", try #require(disk.image.contents(name)))
      #expect(Stores.open(copied, driver) == .opened(Survey(events: 120, epoch: 1)))
      cases += 1
    }
    print("row 11: \(cases) cases")
    #expect(cases == names.count * 6)
  }

  @Test("Row 11: a missing segment is named: the last that is listed, and one that only its neighbours tell of")
  func missing() throws {
    let disk = SimulatedDisk()
    let driver = Driver(disk)
    try driver.open()
    let early = disk.image
    while driver.log.status.segments < 4 { try driver.commit(1, payload: 1_000) }
    driver.abandon()
    let count = disk.image.paths.count { $0.hasSuffix(".seg") }
    var shortened = disk.image
    shortened.delete(Stores.segment(count))
    // Both manifests from before there were others: they list the first segment only.
    var unlisted = disk.image
    for name in StoreNames.manifests { unlisted.put(name, try #require(early.contents(name))) }
    unlisted.delete(Stores.segment(2))
    for (image, number) in [(shortened, count), (unlisted, 2)] {
      guard case .refused(let error) = Stores.open(image, driver) else {
        Issue.record("segment \(number) is not missed")
        continue
      }
      #expect(error.segment == SegmentNumber(UInt32(number)) && error.message.contains("missing"), "\(error)")
    }
  }

  @Test("Row 11: a segment under another's name says so, also under that of another generation")
  func renamed() throws {
    let (disk, _) = try Stores.make(events: 10)
    let contents = try #require(disk.image.contents(Stores.segment(1)))
    for (number, generation) in [(SegmentNumber(9), UInt32(0)), (SegmentNumber(1), 1)] {
      var image = disk.image
      image.put(StoreNames.segment(number, generation: generation), contents)
      let error = #expect(throws: LogError.self) {
        try SegmentFile.open(
          number, generation: generation, store: nil, storage: SimulatedDisk(image), writable: false)
      }
      #expect(error?.code == .damaged && error?.message.contains("renamed") == true)
    }
  }

  @Test("Row 12: a block that went to another place, or did not go anywhere, is found")
  func blocks() throws {
    let (disk, driver) = try Stores.make(events: 150)
    let names = used(disk.image)
    var random = SplitMix(seed: 12)
    var cases = 0
    for _ in 0..<(600 * TestScale.value) {
      let from = names[Int.random(in: 0..<names.count, using: &random)]
      let to = names[Int.random(in: 0..<names.count, using: &random)]
      let source = try #require(disk.image.contents(from))
      let target = try #require(disk.image.contents(to))
      let end = (target.lastIndex { $0 != 0 } ?? 0) / 512
      let place = Int.random(in: 8..<end, using: &random) * 512
      let other = Int.random(in: 8..<(source.count / 512), using: &random) * 512
      let block = Array(source[other..<(other + 512)])
      guard Array(target[place..<(place + 512)]) != block else { continue }
      var image = disk.image
      image.tamper(to) { $0.replaceSubrange(place..<(place + 512), with: block) }
      #expect(Stores.open(image, driver).code == .damaged, "\(from) \(other) to \(to) \(place)")
      cases += 1
    }
    print("row 12: \(cases) misdirected blocks")
    #expect(cases > 400)
  }

  @Test("Row 12: a write that the disk lost, of any frame that something proves durable, is found")
  func lostWrites() throws {
    let disk = SimulatedDisk()
    let driver = Driver(disk)
    try driver.open()
    var images: [DiskImage] = []
    for _ in 0..<40 {
      images.append(disk.image)
      try driver.commit(1, payload: 600)
    }
    driver.log.stampIfIdle()
    driver.abandon()
    let last = disk.image
    var cases = 0
    for (image, position) in zip(images, driver.positions) {
      let name = Stores.segment(Int(position.segment.value))
      let start = Int(position.offset) - Layout.FrameHeader.size
      let end = Int(position.offset + position.length)
      guard let before = image.contents(name), before.count >= end else { continue }
      var stale = last
      stale.tamper(name) { $0.replaceSubrange(start..<end, with: before[start..<end]) }
      #expect(Stores.open(stale, driver).code == .damaged, "segment \(position.segment) offset \(position.offset)")
      cases += 1
    }
    print("row 12: \(cases) lost writes")
    #expect(cases >= 37)
  }

  @Test("Row 12: the first commit of a segment, lost, is found by those behind it, without a word in the manifest")
  func lostFirst() throws {
    let disk = SimulatedDisk()
    let driver = Driver(disk)
    try driver.open()
    // Without room for a third segment the manifest is not written again.
    disk.faults.add(
      .fail(PosixText.noSpace), at: 1, of: [.create], name: "segments/0000000003", isPersistent: true)
    while driver.log.status.segments < 2 { try driver.commit(1, payload: 1_000) }
    let first = try #require(driver.positions.last)
    try driver.commit(1, payload: 1_000)
    try driver.commit(1, payload: 1_000)
    driver.abandon()
    var image = disk.image
    image.tamper(Stores.segment(2)) {
      for place in Layout.SegmentHeader.blockBytes..<Int(first.offset + first.length) { $0[place] = 0 }
    }
    #expect(Stores.open(image, driver).code == .damaged)
  }

  @Test("Row 13: one file that is older than the rest is found")
  func rolledBack() throws {
    let disk = SimulatedDisk()
    let driver = Driver(disk)
    try driver.open()
    var older: [DiskImage] = []
    for commit in 0..<100 {
      try driver.commit()
      if commit % 10 == 9 {
        try driver.close()
        older.append(disk.image)
        try driver.open()
      }
    }
    try driver.close()
    let last = disk.image
    var cases = 0
    for image in older.dropLast() {
      for name in used(last) {
        guard let bytes = image.contents(name), bytes != last.contents(name) else { continue }
        var mixed = last
        mixed.put(name, bytes)
        #expect(Stores.open(mixed, driver).code == .damaged, "\(name)")
        cases += 1
      }
      for name in StoreNames.manifests {
        var mixed = last
        mixed.put(name, try #require(image.contents(name)))
        #expect(Stores.open(mixed, driver) == .opened(Survey(events: 100, epoch: 1)))
        cases += 1
      }
    }
    print("row 13: \(cases) files rolled back")
    #expect(cases >= 25)
  }

  @Test("Row 27: a copy of a live directory, manifests first, opens with everything that was acknowledged by then")
  func liveCopy() throws {
    let disk = SimulatedDisk()
    let driver = Driver(disk)
    try driver.open()
    var copies = 0
    for commit in 0..<80 {
      let manifests = disk.image
      let acknowledged = driver.model.acknowledged
      for _ in 0...(commit % 4) { try driver.commit() }
      var copy = disk.image
      for name in StoreNames.manifests { copy.put(name, try #require(manifests.contents(name))) }
      let survey = Stores.open(copy, driver).survey
      #expect(survey?.complaint == nil && survey.map { $0.events >= acknowledged } == true)
      copies += 1
    }
    print("row 27: \(copies) live copies")
    #expect(copies == 80)
  }

  @Test("Row 27: an unknown version or feature, in a segment or either manifest, is refused as unsupported")
  func unknown() throws {
    let (disk, driver) = try Stores.make(events: 60)
    typealias Segment = Layout.SegmentHeader
    for name in disk.image.paths.filter({ $0.hasSuffix(".seg") }) {
      for (offset, value) in [(Segment.version, 4), (Segment.readOnlyFlags, 1), (Segment.incompatibleFlags, 2)] {
        var image = disk.image
        image.tamper(name) { $0 = $0.with(UInt16(value), at: offset, sealing: 8..<Segment.size) }
        #expect(Stores.open(image, driver).code == .unsupported)
      }
      var image = disk.image
      image.tamper(name) { $0 = $0.with(UInt32(1), at: Segment.compatibleFlags, sealing: 8..<Segment.size) }
      #expect(Stores.open(image, driver).survey?.events == 60)
    }
    typealias Field = Layout.Manifest
    for name in StoreNames.manifests {
      for (offset, value) in [(Field.version, 4), (Field.readOnlyFlags, 1), (Field.incompatibleFlags, 1)] {
        var image = disk.image
        image.tamper(name) { $0 = $0.with(UInt16(value), at: offset, sealing: 8..<$0.count) }
        #expect(Stores.open(image, driver).code == .unsupported)
      }
    }
  }

  @Test("A segment of another lineage's number, a truncated one and an empty one are refused, never trapped on")
  func shortFiles() throws {
    let (disk, driver) = try Stores.make(events: 100)
    for name in used(disk.image) {
      let bytes = try #require(disk.image.contents(name))
      for length in stride(from: 0, to: bytes.count, by: 509) {
        var image = disk.image
        image.put(name, Array(bytes[..<length]))
        let outcome = Stores.open(image, driver)
        let isWhole = !bytes[length...].contains { $0 != 0 }
        if isWhole {
          #expect(outcome.survey?.events == 100)
        } else {
          #expect(outcome.code == .damaged || outcome.survey?.events == 100, "\(name) \(length)")
          #expect(outcome.survey?.complaint == nil)
        }
      }
    }
  }
}
