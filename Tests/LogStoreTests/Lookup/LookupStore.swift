/// Logs of every shape for the lookups: many segments, commits of many sizes, times that several records share, cut
/// segments, raised epochs, gaps.
import Bytes
import LogStore
import LogStoreTesting
import TestSupport

enum LookupStore {
  static func options(
    segmentBytes: Int = 24 << 10, durability: Durability = .fsync, tables: Int = 1 << 19
  ) -> LogOptions {
    var options = LogOptions(
      durability: durability, segmentBytes: segmentBytes, firstSegmentBytes: min(segmentBytes, 12 << 10),
      usesThreads: false)
    options.tableEntriesMax = tables
    return options
  }

  static func open(_ disk: any Storage, _ options: LogOptions = options(), now: Int64 = 0) throws -> RecordLog {
    try RecordLog(disk, options: options, now: now)
  }

  /// Appends commits of one to `recordsMax` records, a few of them large. Times move on now and then, in the middle of
  /// a commit too.
  static func fill(
    _ log: RecordLog, commits: Int, recordsMax: Int = 3, largeBytes: Int = 3_000,
    _ random: inout SeededGenerator, takes: Bool = true
  ) throws {
    for _ in 0..<commits {
      var sizes = (0..<Int.random(in: 1...recordsMax, using: &random)).map { _ in
        Int.random(in: 0..<40, using: &random) == 0 ? largeBytes : Int.random(in: 0..<120, using: &random)
      }
      // What one segment does not hold is no commit.
      while sizes.reduce(0, { $0 + $1 + 256 }) > log.options.commitBytesMax { sizes.removeLast() }
      try log.reserve(sizes.reduce(0) { $0 + $1 + 256 })
      for size in sizes { append(log, payload: size, &random) }
      log.submit()
      if takes { take(log) }
      if Int.random(in: 0..<30, using: &random) == 0 { log.stampIfIdle() }
    }
  }

  static func take(_ log: RecordLog) {
    while let done = log.takeCompleted(through: log.completedTicket) { log.recycle(done) }
  }

  private static func append(_ log: RecordLog, payload size: Int, _ random: inout SeededGenerator) {
    let step: Int64 = Bool.random(using: &random) ? 0 : 10
    let key = Array("key/\(Int.random(in: 0..<50, using: &random))".utf8)
    let payload = [UInt8](repeating: UInt8.random(in: .min ... .max, using: &random), count: size)
    let nothing: [UInt8] = []
    _ = log.append(
      RecordFields(operation: .create, revision: log.lastRevision.next, time: log.lastTime + step),
      RecordNames(
        key: key.span.bytes, agent: nothing.span.bytes, correlation: nothing.span.bytes, request: nothing.span.bytes),
      payload: payload.span.bytes)
  }

  /// A store of many processes: some ended well, some died. With a weaker `durability` a death cuts all of a segment,
  /// and raises the epoch.
  static func eventful(
    _ disk: SimulatedDisk, processes: Int, durability: Durability, _ random: inout SeededGenerator
  ) throws {
    for process in 0..<processes {
      let log = try open(disk, options(durability: durability))
      try fill(log, commits: Int.random(in: 0..<60, using: &random), &random)
      if process % 3 == 0 { try log.close() } else { log.abandon() }
      disk.restart()
    }
  }
}
