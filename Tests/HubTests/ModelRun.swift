/// Carries out random steps on a hub and on the model, and compares what each of them answers and holds.
import Hub
import LogStore
import TestSupport
import Testing

struct ModelRun {
  private let fixture: HubFixture
  private var generator: SeededGenerator
  private var decided = Model()
  private var acknowledged = Model()
  private var lastTime = Int64.min
  /// What was there at some of the revisions so far.
  private var past: [Model] = []
  private var requests: [Request] = []
  private var nextRequest = 0
  private(set) var counts: [String: Int] = [:]

  private struct Request {
    var id: String
    var operations: [ModelOperation]
    var isBatch: Bool
    var time: Int64
    var results: [OperationResult]
  }

  private static let keys = ["a", "b", "c", "d", "e", "é", "k/1", "k/2", "k/10", String(repeating: "long", count: 60)]
  private static let rememberedRequests = 40
  private static let rememberedMicroseconds: Int64 = 20_000

  init(_ generator: SeededGenerator, durability: Durability) throws {
    self.generator = generator
    var limits = HubLimits()
    limits.rememberedRequests = ModelRun.rememberedRequests
    limits.rememberedMicroseconds = ModelRun.rememberedMicroseconds
    var options = HubFixture.smallSegments
    options.durability = durability
    fixture = try HubFixture(limits: limits, options: options)
    // A new store has a time of its own already: the clock may go back before the first write.
    lastTime = fixture.hub.log.lastTime
  }

  private var now: Int64 { max(fixture.clock.time, lastTime) }

  private mutating func random(_ bound: Int) -> Int { Int.random(in: 0..<bound, using: &generator) }

  mutating func step() throws {
    switch random(1_000) {
    case 0..<430: try write([operation(hasTTL: true)], isBatch: false, id: newRequest())
    case 430..<530:
      let operations = (0..<(1 + random(6))).map { _ in operation(hasTTL: false) }
      try write(operations, isBatch: true, id: newRequest())
    case 530..<620: try repeatSomething()
    case 620..<700: fixture.clock.time += Int64(random(400))
    case 700..<705: fixture.clock.time += Int64(random(30_000))
    case 705..<710: fixture.clock.time -= Int64(random(2_000))
    case 710..<740: try sweep(limit: 1 + random(3))
    case 740..<745: try sweepAll()
    case 745: try reopen()
    case 746..<750: fixture.hub.beginSnapshot()
    case 750..<800: if case .done = fixture.hub.stepSnapshot() { count("snapshots") }
    case 800..<860: fixture.hub.submit()
    default: try acknowledge()
    }
  }

  // MARK: Writing

  private mutating func newRequest() -> String? {
    guard random(3) == 0 else { return nil }
    nextRequest += 1
    return "request \(nextRequest)"
  }

  private mutating func operation(hasTTL: Bool) -> ModelOperation {
    let key = ModelRun.keys.randomElement(using: &generator)!
    var ifRevision: UInt64?
    switch random(12) {
    case 0: ifRevision = 0
    case 1: ifRevision = UInt64(random(Int(decided.revision) + 2))
    case 2, 3: ifRevision = decided.visible(key, now)?.revision
    case 4: ifRevision = decided.live[key]?.revision
    default: break
    }
    if random(4) == 0 { return .delete(key, ifRevision: ifRevision) }
    var expiry: Int64?
    var ttl: Int64?
    switch random(8) {
    case 0: expiry = now + Int64(random(2_000)) - 200
    case 1: if hasTTL { ttl = 1 + Int64(random(1_000)) }
    default: break
    }
    let number = random(100)
    let content: ModelContent =
      switch random(4) {
      case 0: .session(id: number, expiry: expiry)
      case 1 where expiry == nil: .knowledge(id: number)
      default: .memory(content: number, expiry: expiry)
      }
    return .put(key, content, ifRevision: ifRevision, ttl: ttl)
  }

  private mutating func repeatSomething() throws {
    guard let request = requests.randomElement(using: &generator) else { return }
    try write(request.operations, isBatch: request.isBatch, id: request.id)
  }

  private mutating func write(_ operations: [ModelOperation], isBatch: Bool, id: String?) throws {
    let author = id.map { Author.idempotent($0) } ?? .nobody
    let time = now
    if let id, let known = requests.first(where: { $0.id == id && $0.time > time - ModelRun.rememberedMicroseconds }) {
      count("repeats")
      let outcome = try carryOut(operations, isBatch: isBatch, author)
      #expect(outcome.results == known.results, "\(id) \(operations)")
      return
    }
    var next = decided
    var expected: [OperationResult] = []
    do {
      for (index, operation) in operations.enumerated() {
        expected.append(try next.apply(operation, time, index: isBatch ? index : nil, base: decided))
      }
    } catch {
      count("conflicts")
      try expectConflict(error, operations, isBatch: isBatch, author)
      return
    }
    let outcome = try carryOut(operations, isBatch: isBatch, author)
    guard next.revision > decided.revision else {
      count("nothing")
      #expect(outcome.results.map(\.hit) == expected.map(\.hit))
      for result in outcome.results {
        #expect(result.revision.value >= acknowledged.revision && result.revision.value <= decided.revision)
        #expect(outcome.ticket > 0 || result.revision.value == acknowledged.revision)
      }
      return
    }
    count(isBatch ? "batches" : "singles")
    #expect(outcome.results == expected, "\(operations)")
    #expect(outcome.ticket > fixture.hub.acknowledgedTicket)
    decided = next
    lastTime = time
    if let id { remember(Request(id: id, operations: operations, isBatch: isBatch, time: time, results: expected)) }
  }

  private mutating func remember(_ request: Request) {
    requests.removeAll { $0.time <= request.time - ModelRun.rememberedMicroseconds }
    requests.append(request)
    if requests.count > ModelRun.rememberedRequests { requests.removeFirst() }
  }

  private func carryOut(
    _ operations: [ModelOperation], isBatch: Bool, _ author: Author
  ) throws(HubError) -> (ticket: UInt64, results: [OperationResult]) {
    if isBatch {
      let outcome = try fixture.batch(operations.map(\.forBatch), by: author)
      return (outcome.ticket, outcome.results)
    }
    let outcome =
      switch operations[0] {
      case .put(let key, let content, let ifRevision, let ttl):
        try fixture.put(key, content.text, ifRevision: ifRevision, ttl: content.expiry == nil ? ttl : nil, by: author)
      case .delete(let key, let ifRevision): try fixture.delete(key, ifRevision: ifRevision, by: author)
      }
    return (outcome.ticket, [outcome.result])
  }

  private func expectConflict(
    _ expected: ModelConflict, _ operations: [ModelOperation], isBatch: Bool, _ author: Author
  ) throws {
    do {
      let outcome = try carryOut(operations, isBatch: isBatch, author)
      Issue.record("no conflict: \(operations) \(outcome)")
    } catch {
      #expect(error.code == .conflict && error.conflict?.index == expected.index)
      #expect(error.conflict?.current?.entry.revision.value ?? 0 == expected.current)
    }
  }

  // MARK: Everything else

  private mutating func sweep(limit: Int) throws {
    try fixture.hub.sweep(limit: limit)
    let before = decided.revision
    for key in acknowledged.due(now).prefix(limit) where decided.live[key]?.isDue(now) == true { decided.expire(key) }
    if decided.revision > before {
      count("sweeps")
      lastTime = now
    }
  }

  private mutating func sweepAll() throws {
    try fixture.hub.sweepAll()
    let due = decided.due(now)
    for key in due { decided.expire(key) }
    if !due.isEmpty { lastTime = now }
    try acknowledge()
    #expect(fixture.hub.state.keyCount == decided.live.count && fixture.keys().count == decided.live.count)
  }

  private mutating func acknowledge() throws {
    try fixture.acknowledge()
    acknowledged = decided
    if past.last?.revision != decided.revision { past.append(decided) }
    try compare()
  }

  private mutating func reopen() throws {
    count("reopenings")
    fixture.hub.submit()
    switch random(4) {
    case 0: try fixture.reopen(withSnapshot: true)
    case 1: try fixture.reopen()
    default: try fixture.crash()
    }
    #expect(fixture.hub.snapshots.unusable.isEmpty)
    acknowledged = decided
    #expect(fixture.hub.log.lastTime >= lastTime || decided.revision == 0)
    lastTime = fixture.hub.log.lastTime
    try compare()
  }

  private mutating func count(_ what: String) { counts[what, default: 0] += 1 }

  /// What readers see is what the model says is acknowledged.
  private func compare() throws {
    let state = fixture.hub.state
    let time = now
    #expect(state.revision.value == acknowledged.revision)
    #expect(state.checksum.text == acknowledged.checksum)
    #expect(state.keyCount == acknowledged.live.count)
    let visible = acknowledged.live.filter { !$0.value.isDue(time) }
    #expect(fixture.keys() == visible.keys.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) })
    for kind in ItemKind.allCases {
      #expect(
        state.countByKind[Int(kind.rawValue)] == acknowledged.live.values.reduce(0) { $0 + ($1.kind == kind ? 1 : 0) })
    }
    let events = state.eventCounts
    #expect(
      [events.create, events.update, events.delete, events.expire]
        == [acknowledged.creates, acknowledged.updates, acknowledged.deletes, acknowledged.expires])
    #expect(state.expiries.count == acknowledged.live.values.reduce(0) { $0 + ($1.expiry == nil ? 0 : 1) })
  }

  /// One key, as readers see it and as a client with writes under way does.
  mutating func compareOne() throws {
    let key = ModelRun.keys.randomElement(using: &generator)!
    let expected = acknowledged.visible(key, now).map { Seen(revision: $0.revision, item: $0.text) }
    #expect(try fixture.get(key) == expected)
    #expect(fixture.isThere(key, seesPending: true) == (decided.visible(key, now) != nil))
    guard random(8) == 0, let then = past.randomElement(using: &generator) else { return }
    let seen = try fixture.get(key, at: .revision(Revision(then.revision)))
    #expect(seen == then.live[key].map { Seen(revision: $0.revision, item: $0.text) })
  }

  /// The log itself: revisions without a gap, every event linked to the key's one before, each operation possible.
  mutating func checkLog() throws {
    try acknowledge()
    try ChainCheck.check(try fixture.records())
    var newest: [String: LoggedRecord] = [:]
    var revision: UInt64 = 0
    for record in try fixture.records() where record.operation.takesRevision {
      revision += 1
      #expect(record.revision == revision && record.previous == newest[record.key]?.revision ?? 0)
      let wasThere = newest[record.key].map(\.operation.isPut) ?? false
      #expect(wasThere == (record.operation != .create))
      newest[record.key] = record
    }
    #expect(revision == decided.revision)
    for (key, record) in newest where record.operation.isPut {
      #expect(decided.live[key].map { $0.text == record.payload && $0.revision == record.revision } == true)
    }
  }
}
