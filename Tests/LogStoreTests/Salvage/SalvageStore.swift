/// Stores on a simulated disk, spoiled and salvaged, and what can be read of them before and after.
import Bytes
import LogStore
import LogStoreTesting
import Testing

/// What an inspection can read.
final class Look: InspectionVisitor {
  /// By revision: the whole record, without the two checksums, which depend on its place.
  private(set) var records: [UInt64: [UInt8]] = [:]
  private(set) var order: [UInt64] = []
  private(set) var issues: [InspectionIssue] = []
  private(set) var epochs: Set<UInt64> = []
  private(set) var last = Revision.none

  init(_ image: DiskImage) throws {
    var inspector = LogInspector(try StoreInspection.open(SimulatedDisk(image)), visitor: self)
    inspector.run()
  }

  func begin(_ segment: InspectedSegment.Readable) {}

  func visit(_ frame: FrameHeader, at offset: Int) {
    epochs.insert(frame.epoch)
    last = max(last, frame.lastRevision)
  }

  func visit(_ record: InspectedRecord, _ bytes: RawSpan) -> Bool {
    guard record.header.fields.operation.takesRevision else { return true }
    order.append(record.header.fields.revision.value)
    records[record.header.fields.revision.value] = Look.content(bytes)
    return true
  }

  func report(_ issue: InspectionIssue) { issues.append(issue) }

  static func content(_ bytes: RawSpan) -> [UInt8] {
    var content = bytes.array()
    for offset in 0..<8 {
      content[Layout.RecordHeader.checksum + offset] = 0
      content[Layout.RecordHeader.payloadChecksum + offset] = 0
    }
    return content
  }

  private func revisions(_ isWanted: (InspectionIssue) -> Bool) -> Set<UInt64> {
    Set(issues.filter(isWanted).flatMap { $0.lost.map(Array.init) ?? [] })
  }
  var lost: Set<UInt64> { revisions(\.isDamage) }
  var gaps: Set<UInt64> { revisions { $0.kind == .recordedLoss } }
  var damages: [InspectionIssue] { issues.filter(\.isDamage) }
}

enum SalvageStore {
  static let now = SimulatedClock.start
  static let later = SimulatedClock.start + 3_600_000_000

  static func options(salvages: Bool = false) -> LogOptions {
    var options = LogOptions(segmentBytes: 12 * 1024, firstSegmentBytes: 12 * 1024, usesThreads: false)
    options.salvages = salvages
    return options
  }

  static func open(_ disk: SimulatedDisk, salvages: Bool = false, now: Int64 = later) throws -> RecordLog {
    try RecordLog(disk, options: options(salvages: salvages), now: now)
  }

  /// Appends commits of one to three records.
  static func fill(_ log: RecordLog, commits: Int) throws {
    for commit in 0..<commits {
      try log.reserve(4_096)
      for place in 0...(commit % 3) {
        let revision = log.lastRevision.next
        var fields = RecordFields(
          operation: place == 2 ? .delete : .create, revision: revision, time: log.nextTime(log.lastTime + 1_000))
        fields.continues = place < commit % 3
        let key = Array("key/\(revision)".utf8)
        let agent = Array("agent".utf8)
        let payload = Array(String(repeating: "content of \(revision) ", count: 1 + commit % 5).utf8)
        let nothing: [UInt8] = []
        _ = log.append(
          fields,
          RecordNames(
            key: key.span.bytes, agent: agent.span.bytes, correlation: nothing.span.bytes,
            request: nothing.span.bytes), payload: payload.span.bytes)
      }
      log.submit()
      while let done = log.takeCompleted(through: log.completedTicket) { log.recycle(done) }
    }
  }

  /// Several segments; one of them was cut by a recovery; the last one has room. Closed in good order, or not.
  static func reference(closed: Bool = true, commits: Int = 45) throws -> DiskImage {
    let disk = SimulatedDisk()
    var log = try open(disk, now: now)
    try fill(log, commits: commits / 2)
    log.abandon()
    disk.restart()
    log = try open(disk, now: now)
    try fill(log, commits: commits - commits / 2)
    if closed { try log.close() } else { log.abandon() }
    return disk.image
  }

  static func segments(_ image: DiskImage) -> [String] { image.paths.filter { $0.hasSuffix(".seg") } }

  /// The byte behind the last one that is not zero.
  static func end(_ image: DiskImage, _ path: String) -> Int {
    (image.contents(path)?.lastIndex { $0 != 0 } ?? -1) + 1
  }

  /// Opens a damaged store with the wish to salvage, and expects everything that a salvage promises. Returns the disk,
  /// closed in good order with some more records, and what was salvaged.
  @discardableResult
  static func check(
    _ damaged: DiskImage, _ note: Comment = "", at: SourceLocation = #_sourceLocation
  ) throws -> (disk: SimulatedDisk, report: SalvageReport?) {
    let before = try Look(damaged)
    let disk = SimulatedDisk(damaged)
    var log = try open(disk, salvages: true)
    guard let report = log.recovery.salvage else {
      // It was not damaged for those who count: then it opens as ever.
      log.abandon()
      let plain = try open(SimulatedDisk(damaged))
      plain.abandon()
      return (disk, nil)
    }
    expectQuarantine(of: damaged, in: disk.image, report, note, at)
    let salvaged = try Look(disk.image)
    #expect(salvaged.damages.isEmpty, note, sourceLocation: at)
    #expect(salvaged.records == before.records, note, sourceLocation: at)
    #expect(salvaged.order == salvaged.order.sorted(), note, sourceLocation: at)
    #expect(salvaged.gaps == before.lost.union(before.gaps), note, sourceLocation: at)
    let everything = Set(salvaged.last == .none ? [] : Array(1...salvaged.last.value))
    #expect(salvaged.gaps == everything.subtracting(before.records.keys), note, sourceLocation: at)
    #expect(log.epoch > before.epochs.max() ?? 0, note, sourceLocation: at)
    #expect(try replayed(log) == before.records, note, sourceLocation: at)

    try fill(log, commits: 30)
    try log.close()
    disk.restart()
    log = try open(disk, salvages: true)
    #expect(log.recovery.salvage == nil && log.recovery.kind == .resumed, note, sourceLocation: at)
    #expect(try replayed(log).count == before.records.count + 60, note, sourceLocation: at)
    try log.close()
    disk.restart()
    let end = try Look(disk.image)
    #expect(end.damages.isEmpty && end.gaps == salvaged.gaps, note, sourceLocation: at)
    return (disk, report)
  }

  static func replayed(_ log: RecordLog) throws -> [UInt64: [UInt8]] {
    var records: [UInt64: [UInt8]] = [:]
    try log.replay { (header, position, record) throws(LogError) in
      guard header.fields.operation.takesRevision else { return }
      records[header.fields.revision.value] = Look.content(record)
      var buffer = ByteBuffer(capacity: 1_024)
      _ = try log.readRecord(at: position, into: &buffer)
    }
    return records
  }

  /// Every file that is not where it was is in the quarantine, bit for bit; sound manifests are replaced as always.
  private static func expectQuarantine(
    of damaged: DiskImage, in salvaged: DiskImage, _ report: SalvageReport, _ note: Comment, _ at: SourceLocation
  ) {
    for path in damaged.paths where path.hasPrefix("segments/") || path.hasPrefix("snapshots/") {
      let name = path.split(separator: "/")[1]
      let kept = salvaged.contents("\(report.quarantine)/\(name)") ?? salvaged.contents(path)
      #expect(kept == damaged.contents(path), "\(path) \(note)", sourceLocation: at)
    }
    for name in StoreNames.manifests {
      guard let bytes = damaged.contents(name), (try? Manifest.decode(bytes.span.bytes)) == nil else { continue }
      #expect(salvaged.contents("\(report.quarantine)/\(name)") == bytes, note, sourceLocation: at)
    }
    let text = salvaged.contents("\(report.quarantine)/REPORT.txt").map { String(decoding: $0, as: UTF8.self) } ?? ""
    #expect(report.issues.allSatisfy { text.contains($0) }, note, sourceLocation: at)
    #expect(salvaged.contents(StoreNames.salvageManifest) == nil, note, sourceLocation: at)
  }
}
