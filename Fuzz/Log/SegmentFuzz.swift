/// Segments, and what recovery and inspection make of them: neither traps, and they agree on what can be read before the
/// first damage.
///
/// An input is five bytes of choices (see `Choices`), then the frames of one segment or of two.
internal import Bytes
package import FuzzSupport
internal import LogStore

package enum SegmentFuzz: FuzzTarget {
  package static let name = "segment"

  package static func run(_ input: RawSpan) throws(FuzzFailure) {
    guard let store = SegmentStore(input) else { return }
    guard let directory = try? StoreDirectory.load(store.disk, writable: false) else { return }
    if directory.problems.isEmpty {
      try checkScan(directory)
      _ = try? TailExaminer(directory).examine()
    }
    let read = try inspect(store.disk)
    if directory.problems.isEmpty { try compare(read, with: directory) }
    if store.choices.recovers { try recover(store.disk) }
  }

  private static func checkScan(_ directory: StoreDirectory) throws(FuzzFailure) {
    for index in directory.segments.indices {
      var scanner = SegmentScanner(directory.segments[index], limit: directory.limit(at: index))
      let limit = scanner.limit
      var end = Layout.SegmentHeader.blockBytes
      var isRow = true
      let scan = try? scanner.scan(after: .none) { (header, offset, _) throws(LogError) in
        isRow = isRow && offset == end
        end = offset + header.frameBytes
      }
      guard let scan else { throw FuzzFailure("a disk in memory failed") }
      try require(isRow && scan.end == end, "the frames of a scan do not follow each other")
      try require(end <= max(limit, Layout.SegmentHeader.blockBytes), "a scan went on behind its limit")
    }
  }

  private static func inspect(_ disk: MemoryDisk) throws(FuzzFailure) -> InspectionReader {
    let reader = InspectionReader()
    guard let store = try? StoreInspection.open(disk) else { return reader }
    var inspector = LogInspector(store, visitor: reader)
    inspector.run()
    return reader
  }

  /// Whatever the first segment holds before the first damage, both find it, and no more.
  private static func compare(_ read: InspectionReader, with directory: StoreDirectory) throws(FuzzFailure) {
    let segment = directory.segments[0]
    var scanner = SegmentScanner(segment, limit: directory.limit(at: 0))
    var scanned: [InspectionReader.Record] = []
    var frames: [InspectionReader.FramePlace] = []
    _ = try? scanner.scan(after: .none) { (header, offset, body) throws(LogError) in
      frames.append(.init(segment: segment.number, offset: offset))
      guard header.kind == .commit else { return }
      CommitFrame.forEach(in: body, seed: segment.seed, bodyOffset: offset + Layout.FrameHeader.size) {
        record, place, _ in scanned.append(.init(segment.number, place, record.fields.revision))
      }
    }
    let soundFrames = read.soundFrames.filter { $0.segment == segment.number }
    let sound = read.soundRecords.filter { $0.segment == segment.number }
    try require(
      soundFrames == frames && sound == scanned,
      "a scan finds \(frames.count) frames with \(scanned.count) records, an inspection \(soundFrames.count) with "
        + "\(sound.count) before \(read.damage.first ?? "its end")")
  }

  /// A store that opens is sound from then on, and holds what is replayed.
  private static func recover(_ disk: MemoryDisk) throws(FuzzFailure) {
    let options = LogOptions(segmentBytes: 64 << 10, firstSegmentBytes: 64 << 10, usesThreads: false)
    guard let log = try? RecordLog(disk, options: options, now: Samples.time) else { return }
    defer { log.abandon() }
    var replayed: [Revision] = []
    do {
      try log.replay(from: log.startPlace, after: .none) { header, _, _ in replayed.append(header.fields.revision) }
    } catch {
      // Segments before the last one are read only now.
      return
    }
    try require(
      replayed.filter { $0 != .none }.last ?? log.lastRevision == log.lastRevision,
      "the log ends elsewhere than its replay")
    let read = try inspect(disk)
    try require(read.damage.isEmpty, "a store that opened is damaged: \(read.damage.first ?? "")")
    try require(
      read.records.map(\.revision) == replayed,
      "a replay gives \(replayed.count) records, an inspection \(read.records.count)")
  }
}
