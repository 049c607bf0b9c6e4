/// A store that a server is writing to, restarting and recovering while it is being inspected.
import Foundation
import LogStore
import Synchronization
import TestSupport
import Testing

@Suite("A live store")
struct LiveStoreTests {
  /// Writes on a thread of its own until it is told to stop.
  private final class Writer: @unchecked Sendable {
    let directory = ScratchDirectory()
    let acknowledged = Atomic<UInt64>(0)
    private let isStopping = Atomic<Bool>(false)
    private let started = DispatchSemaphore(value: 0)
    private let ended = DispatchSemaphore(value: 0)
    private let problem = Mutex<String?>(nil)

    init(restartEvery restartCommits: Int) {
      let thread = Thread { [self] in
        do { try write(restartEvery: restartCommits) } catch { problem.withLock { $0 = "\(error)" } }
        started.signal()
        ended.signal()
      }
      thread.start()
      started.wait()
    }

    private func write(restartEvery restartCommits: Int) throws {
      let fixture = try StoreFixture(directory, segmentBytes: 16 * 1_024, usesThreads: true)
      try fixture.fill(events: 5)
      acknowledged.store(5, ordering: .releasing)
      started.signal()
      var commits = 0
      while !isStopping.load(ordering: .acquiring) {
        try fixture.fill(events: 7)
        acknowledged.store(UInt64(fixture.model.count), ordering: .releasing)
        commits += 1
        if commits % restartCommits == 0 {
          fixture.log.abandon()
          try fixture.reopen()
        }
      }
      try fixture.log.close()
    }

    /// What went wrong on the thread, if anything.
    func stop() -> String? {
      isStopping.store(true, ordering: .releasing)
      ended.wait()
      return problem.withLock { $0 }
    }
  }

  /// Commits between two restarts: none while the test runs, or many.
  private static let restarts = [1_000_000, 6]

  @Test("Every look sees all that was acknowledged before it, without a gap and without damage", arguments: restarts)
  func whileWriting(_ restartEvery: Int) throws {
    let writer = Writer(restartEvery: restartEvery)
    for look in 0..<200 {
      let before = writer.acknowledged.load(ordering: .acquiring)
      let found = Inspected(writer.directory.path)
      #expect(found.failure == nil)
      #expect(found.damages.isEmpty, "\(found.damages)")
      #expect(found.revisions == Array(1..<UInt64(found.revisions.count + 1)))
      #expect(found.revisions.count >= before)
      if look % 40 == 0 {
        let run = try ToolRun(writer.directory.path, "--format", "json")
        #expect(run.status == 0 && run.errors.isEmpty, "\(run.errors)")
        #expect(try run.revisions().count >= before)
      }
    }
    #expect(writer.stop() == nil)
  }
}
