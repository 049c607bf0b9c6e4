/// What the durability `interval` promises: a commit does not wait longer for its sync than the interval says, however
/// busy the log is.
import Bytes
import Foundation
import LogStore
import Testing
import Threads

@Suite struct IntervalTests {
  /// Enough to outlast the interval many times over, little enough for the first segment: leaving it syncs it too.
  private static let commitsMax = 20_000

  @Test("Under steady load, commits are synced within the interval and not only when the log comes to rest")
  func steadyLoad() throws {
    let path = FileManager.default.temporaryDirectory.path + "/interval-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: path) }
    let options = LogOptions(durability: .interval, intervalMilliseconds: 20)
    let log = try RecordLog(try PosixStorage(path: path, creating: true), options: options, now: 1)
    defer { log.abandon() }
    for _ in 0..<Self.commitsMax where log.syncs == 0 {
      try append(to: log)
      log.submit()
      NamedThread.pause()
      while let done = log.takeCompleted(through: log.completedTicket) { log.recycle(done) }
    }
    #expect(log.syncs > 0, "\(Self.commitsMax) commits one after the other, and no sync")
    #expect(log.durableThrough > .none)
  }

  private func append(to log: RecordLog) throws {
    let key = Array("key".utf8)
    let nothing: [UInt8] = []
    try log.reserve(512)
    _ = log.append(
      RecordFields(operation: .create, revision: log.lastRevision.next, time: 1),
      RecordNames(
        key: key.span.bytes, agent: nothing.span.bytes, correlation: nothing.span.bytes, request: nothing.span.bytes),
      payload: nothing.span.bytes)
  }
}
