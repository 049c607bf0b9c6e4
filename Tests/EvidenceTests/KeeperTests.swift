/// The tree's thread beside a real log on a real disk.
import Bytes
import HistoryTree
import LogStoreTesting
import TestSupport
import Testing
import Threads

@testable import Evidence
@testable import LogStore

@Suite(.timeLimit(.minutes(10))) struct KeeperTests {
  static func write(_ count: Int, to log: RecordLog) throws {
    for _ in 0..<count {
      try log.reserve(1_024)
      let fields = RecordFields(operation: .create, revision: log.lastRevision.next, time: log.nextTime(1))
      withNames([Array("k\(log.lastRevision)".utf8), [], [], []]) { names in
        _ = log.append(fields, names, payload: Array("{}".utf8).span.bytes)
      }
      log.submit()
    }
    try log.waitForSubmitted()
  }

  static let end: TimeLimit = .init()

  /// Enough for any machine; what is waited for comes far sooner.
  struct TimeLimit {
    func wait(_ condition: () -> Bool) -> Bool {
      for _ in 0..<200_000 where !condition() { NamedThread.pause() }
      return condition()
    }
  }

  @Test("What is durable gets a head by itself, the stop covers the rest, and the next start goes on")
  func life() throws {
    let scratch = ScratchDirectory()
    let storage = try PosixStorage(path: scratch.path, creating: true)
    var options = TreeOptions()
    options.key = TreeStore.key
    for round in 1...3 {
      let log = try RecordLog(storage, options: LogOptions(), now: Int64(round))
      let keeper = TreeKeeper(storage, options: options, log: log.durableEnd, now: { Int64(round) })
      let thread = keeper.start()
      try Self.write(300, to: log)
      keeper.follow(log.durableEnd)
      let last = log.lastRevision.value
      #expect(Self.end.wait { keeper.status.newestHead?.head.revision == last && keeper.status.uncoveredSince == nil })
      for revision in [1, last / 2, last] {
        var proof: LeafProof?
        #expect(
          Self.end.wait {
            if case .proof(let found) = keeper.proof(of: Revision(revision), withPayload: true) { proof = found }
            return proof != nil
          })
        #expect(proof?.holds == true && proof.flatMap { LeafFields($0.header)?.revision } == revision)
      }
      var absent = false
      #expect(
        Self.end.wait {
          if case .absent = keeper.proof(of: Revision(last + 1), withPayload: true) { absent = true }
          return absent
        })
      try Self.write(10, to: log)
      try log.close()
      keeper.follow(log.durableEnd)
      keeper.stop()
      thread.join()
      #expect(keeper.status.notices == [] && keeper.status.problem == nil)
      let report = try TreeVerifier.check(storage, key: TreeStore.key.verifier)
      #expect(report.isSound && report.leaves == UInt64(round * 310) && report.newestHead?.head.size == report.leaves)
    }
  }

  @Test("What was written before the thread came to run was not there before the tree")
  func lateThread() throws {
    let scratch = ScratchDirectory()
    let storage = try PosixStorage(path: scratch.path, creating: true)
    let log = try RecordLog(storage, options: LogOptions(), now: 1)
    var options = TreeOptions()
    options.key = TreeStore.key
    let keeper = TreeKeeper(storage, options: options, log: log.durableEnd, now: { 1 })
    try Self.write(300, to: log)
    keeper.follow(log.durableEnd)
    let thread = keeper.start()
    #expect(Self.end.wait { keeper.status.newestHead?.head.revision == 300 })
    try log.close()
    keeper.follow(log.durableEnd)
    keeper.stop()
    thread.join()
    #expect(keeper.status.notices == [] && keeper.status.newestHead?.head.beginning.leaves == 0)
  }

  @Test("A tree that contradicts the log is told of, refuses proofs, and ends when it is asked to")
  func contradiction() throws {
    let store = try TreeStore.written(30, seed: 1)
    try Forger(store.disk).forge { $0.records[3].payload = Array("{}".utf8) }
    store.disk.restart()
    let log = try DurableEnd.find(in: try StoreDirectory.load(store.disk, writable: false))
    let keeper = TreeKeeper(store.disk, options: store.treeOptions, log: log, now: { 5 })
    let thread = keeper.start()
    #expect(Self.end.wait { keeper.status.problem != nil })
    #expect(keeper.status.problem?.kind == .contradiction)
    var said = ""
    #expect(
      Self.end.wait {
        if case .failed(let message) = keeper.proof(of: Revision(3), withPayload: true) { said = message }
        return !said.isEmpty
      })
    #expect(said.contains("are not those that the stored head speaks of"))
    keeper.stop()
    thread.join()
  }
}
