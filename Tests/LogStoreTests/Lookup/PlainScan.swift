/// What a log holds, found by reading all of it: what every lookup is compared with.
import Bytes
import LogStore
import LogStoreTesting
import Testing

struct PlainScan {
  struct Entry: Equatable {
    /// The revisions that the record stands for; nil for a record without.
    let revisions: ClosedRange<UInt64>?
    let gap: GapRecord?
    let time: Int64
    let position: RecordPosition
    let bytes: [UInt8]
  }

  private(set) var entries: [Entry] = []

  init(_ log: RecordLog) throws {
    try log.replay { (header, position, record) throws(LogError) in
      entries.append(PlainScan.entry(header, position, record))
    }
  }

  static func entry(_ header: RecordHeader, _ position: RecordPosition, _ record: RawSpan) -> Entry {
    var revisions: ClosedRange<UInt64>?
    var gap: GapRecord?
    if header.fields.operation.takesRevision {
      revisions = header.fields.revision.value...header.fields.revision.value
    } else if header.fields.operation == .gap {
      gap = try? GapRecord.decode(record.extracting(header.payloadRange))
      revisions = gap.map { $0.first.value...$0.last.value }
    }
    return Entry(
      revisions: revisions, gap: gap, time: header.fields.time, position: position, bytes: record.array())
  }

  /// What `RecordLog.find` gives for every revision that the log has, by revision.
  var found: [UInt64: FoundRevision] {
    var found: [UInt64: FoundRevision] = [:]
    for entry in entries {
      guard let revisions = entry.revisions else { continue }
      for revision in revisions { found[revision] = entry.gap.map { .lost($0) } ?? .record(entry.position) }
    }
    return found
  }

  func newest(at time: Int64) -> Revision {
    Revision(entries.last { $0.time <= time && $0.revisions != nil }?.revisions?.upperBound ?? 0)
  }

  /// The entries that a cursor from `revision` on must give; of those without a revision it may give more.
  func from(_ revision: UInt64) -> [Entry] {
    entries.filter { ($0.revisions?.upperBound ?? 0) >= revision }
  }

  // MARK: Checks

  /// Expects that every lookup in `log` gives what the scan gives.
  func check(_ log: RecordLog, _ note: Comment = "", at: SourceLocation = #_sourceLocation) throws {
    let found = found
    for revision in 0...(log.lastRevision.value + 2) {
      let expected = found[revision] ?? .none
      #expect(try log.find(Revision(revision)) == expected, "\(revision) \(note)", sourceLocation: at)
    }
    #expect(try log.find(Revision(1 << 62)) == FoundRevision.none, sourceLocation: at)
    for time in Set(entries.flatMap { [$0.time - 1, $0.time, $0.time + 1] } + [.min, .max]) {
      #expect(
        try log.newestRevision(at: time) == newest(at: time), "time \(time) \(note)", sourceLocation: at)
    }
    let first = entries.lazy.compactMap { $0.revisions?.lowerBound }.first ?? log.lastRevision.next.value
    #expect(try log.firstRevision().value == first, note, sourceLocation: at)
  }

  /// Expects that cursors from every `stride`-th revision give every record once and in order, whatever pieces they read.
  func checkCursors(
    _ log: RecordLog, stride: Int = 1, _ note: Comment = "", at: SourceLocation = #_sourceLocation
  ) throws {
    #expect(try PlainScan.follow(log, from: 0, bytesMax: .max) == entries, note, sourceLocation: at)
    for revision in Swift.stride(from: 1, through: log.lastRevision.value + 2, by: stride) {
      for bytesMax in [1, 900, .max] {
        let seen = try PlainScan.follow(log, from: revision, bytesMax: bytesMax).filter { $0.revisions != nil }
        #expect(seen == from(revision), "from \(revision) by \(bytesMax) \(note)", sourceLocation: at)
      }
    }
  }

  /// All that a cursor gives, read `bytesMax` at a time.
  static func follow(_ log: RecordLog, from revision: UInt64, bytesMax: Int) throws -> [Entry] {
    var cursor = try log.cursor(from: Revision(revision))
    var seen: [Entry] = []
    while true {
      let end = try log.read(&cursor, bytesMax: bytesMax) { (header, position, record) throws(LogError) in
        seen.append(entry(header, position, record))
        return .goOn
      }
      if end == .reached { break }
      #expect(end == .budget && log.hasMore(cursor))
    }
    #expect(!log.hasMore(cursor) && cursor.next == log.acknowledgedRevision.next)
    return seen
  }
}
