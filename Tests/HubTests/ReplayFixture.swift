/// A store with a random past, and what it should hold at each revision, folded from its records in the plainest way.
import Bytes
import Foundation
import Hub
import LogStore
import StoreTools
import TestSupport
import Testing

/// The state after an event: each live key with its revision and its item.
struct PlainState: Equatable {
  var revision: UInt64 = 0
  var live: [String: Seen] = [:]
  /// The time of the event.
  var time: Int64 = .min

  mutating func apply(_ record: LoggedRecord) {
    revision = record.revision
    time = record.time
    switch record.operation {
    case .create, .update: live[record.key] = Seen(revision: record.revision, item: record.payload)
    case .delete, .expire: live[record.key] = nil
    case .void, .dropped, .epoch, .gap, .redaction: break
    }
  }

  var checksum: String {
    var model = Model()
    for (key, seen) in live {
      model.live[key] = .init(revision: seen.revision, text: seen.item, kind: .memory, creation: 0, expiry: nil)
    }
    return model.checksum
  }
}

struct ReplayFixture {
  let hub: HubFixture
  /// By revision.
  private(set) var states: [PlainState] = [PlainState()]
  private(set) var records: [LoggedRecord] = []
  private(set) var crashes = 0

  static let agents = ["planner", "coder", "critic"]
  /// Small, so that many segments are made.
  static let options = LogOptions(
    durability: .none, segmentBytes: 64 << 10, firstSegmentBytes: 64 << 10, usesThreads: false)

  /// - Parameters:
  ///   - events: about so many.
  ///   - crashes: now and then the hub dies, and a recovery begins a segment that cuts the one before it.
  init(events: Int, crashes: Bool = true, _ generator: inout SeededGenerator) throws {
    hub = try HubFixture(options: ReplayFixture.options, in: HubFixture.memory)
    while hub.hub.log.lastRevision.value < events { try step(crashes: crashes, &generator) }
    try hub.acknowledge()
    records = try hub.records().filter(\.operation.takesRevision)
    for record in records {
      var next = states[states.count - 1]
      next.apply(record)
      states.append(next)
    }
    // The fold itself is held to the hub, which came to its state in another way.
    #expect(states[states.count - 1].checksum == hub.checksum)
    #expect(Set(records.map(\.operation)) == [.create, .update, .delete, .expire])
  }

  private mutating func step(crashes mayCrash: Bool, _ generator: inout SeededGenerator) throws {
    func random(_ bound: Int) -> Int { Int.random(in: 0..<bound, using: &generator) }
    func key() -> String { "key/\(random(12))" }
    func item() -> String { #"{"content":"\#(String(repeating: "x", count: random(800))) \#(random(1_000))"}"# }
    let author = Author(agent: ReplayFixture.agents[random(3)], request: random(3) == 0 ? "r\(random(1 << 30))" : "")
    switch random(100) {
    case 0..<50: try hub.put(key(), item(), ttl: random(6) == 0 ? Int64(1 + random(3_000)) : nil, by: author)
    case 50..<62: try hub.delete(key(), by: author)
    case 62..<74:
      let operations = (0..<(2 + random(5))).map { _ in
        random(4) == 0 ? BatchOperation.delete(key()) : .put(key(), item())
      }
      try hub.batch(operations, by: author)
    case 74..<80: try hub.hub.sweepAll()
    case 80..<81 where mayCrash:
      hub.hub.submit()
      try hub.crash()
      crashes += 1
    default:
      hub.clock.time += Int64(random(1_000))
      try hub.acknowledge()
    }
  }

  var path: String { hub.directory.path }
  var last: UInt64 { UInt64(states.count - 1) }

  /// Replays into a new directory.
  func replay(_ plan: ReplayPlan) throws -> (target: URL, outcome: ReplayOutcome) {
    let target = HubFixture.memory.appending(path: "mfh-replay-\(UUID().uuidString)")
    let outcome = try ReplayFixture.replay(
      from: PosixStorage(path: path, creating: false), plan, into: PosixStorage(path: target.path, creating: true))
    return (target, outcome)
  }

  static func plan(_ point: ReplayPoint = .everything, excluding agents: [String] = []) -> ReplayPlan {
    var plan = ReplayPlan(now: SettableClock.start)
    plan.point = point
    plan.excludedAgents = agents
    plan.segmentBytes = options.segmentBytes
    plan.usesThreads = false
    return plan
  }

  static func replay(
    from source: any Storage, _ plan: ReplayPlan, into target: (any Storage)?
  ) throws -> ReplayOutcome {
    let progress = Progress(totalBytes: 1, isWanted: false)
    let report = Report("test", isVerbose: false, progress: progress)
    return try Replay.run(
      StoreInspection.open(source), plan, into: target, report: report, progress: progress)
  }

  /// What a hub holds that is started on a directory.
  static func state(of directory: URL) throws -> (PlainState, checksum: String, records: [LoggedRecord]) {
    let hub = try HubFixture(existing: directory)
    var state = PlainState()
    state.revision = hub.revision
    // Keys that are due are there in the log, and hidden by the clock.
    for live in try Picture(hub.hub).live { state.live[live.key] = Seen(revision: live.revision, item: live.item) }
    return (state, hub.checksum, try hub.records())
  }
}
