/// One client thread: random requests over a few connections, and a record of what it was told.
import Foundation
import HistoryChecker
import TestSupport
import ZeroMQ

/// Used by its thread; its results are read when that has ended.
final class Client: @unchecked Sendable {
  /// What it did, and what it was told. Open ends are closed by `HistoryRun`.
  private(set) var operations: [HistoryOperation] = []
  /// Of operations on connections that were given up: the hub's life in which they may still arrive.
  private(set) var adrift: [Int: Int] = [:]
  private(set) var repeats = 0

  private let number: Int
  private let plan: Plan
  private let stage: Stage
  private let context: Context
  private var random: SeededGenerator
  private var connections: [Connection] = []
  private var toRepeat: [Attempt] = []
  private var serial = 0
  private var sessions = 0
  /// The revision at which it saw each key last.
  private var known: [String: UInt64] = [:]
  private var isDone = false

  /// After this long without a reply from a hub that lives something is wrong.
  private static let patienceNanoseconds: Int64 = 30_000_000_000

  init(_ number: Int, _ plan: Plan, _ stage: Stage, _ context: Context) {
    self.number = number
    self.plan = plan
    self.stage = stage
    self.context = context
    random = SeededGenerator(seed: plan.seed &+ UInt64(number) &* 0x9E37_79B9)
  }

  func run() {
    do {
      while !isDone, let (life, address) = stage.awaitLife() { try live(life, address) }
      stage.finish(problem: nil)
    } catch {
      stage.finish(problem: "client \(number): \(error)")
    }
    connections = []
  }

  // MARK: One life of the hub

  private func live(_ life: Int, _ address: String) throws {
    connections = try (0..<plan.connections).map { _ in try open(address) }
    try sendRepeats(connections[0])
    while !stage.hasEnded(life) {
      try fill()
      if connections.allSatisfy({ $0.underWay.isEmpty && $0.brokenSince == nil }) {
        isDone = true
        return
      }
      if Int.random(in: 0..<400, using: &random) == 0 { try giveUpOne(life, address) }
      _ = try takeReplies(milliseconds: 2)
      try refuseSilence(life)
    }
    // What the hub had sent before its end has arrived, or will in a moment; what comes later is not missed.
    while connections.contains(where: { !$0.underWay.isEmpty }), try takeReplies(milliseconds: 20) {}
    let end = stage.end(of: life) ?? nanoseconds()
    for attempt in connections.flatMap(\.underWay) { settleUnanswered(attempt, end) }
    connections = []
  }

  private func open(_ address: String) throws -> Connection {
    sessions += 1
    return try Connection(to: address, in: context, session: number * 10_000 + sessions)
  }

  private func sendRepeats(_ connection: Connection) throws {
    while var again = toRepeat.first {
      again.sent = nanoseconds()
      guard try connection.send(again) else { return }
      toRepeat.removeFirst()
      repeats += 1
    }
  }

  private func fill() throws {
    for connection in connections {
      while connection.brokenSince == nil, connection.underWay.count < plan.depth, stage.takeOperation() {
        guard try sendNext(connection) else {
          stage.giveBackOperation()
          break
        }
        // Not always as many as may be: so that short and long queues mix.
        if Int.random(in: 0..<3, using: &random) == 0 { break }
      }
    }
  }

  private func sendNext(_ connection: Connection) throws -> Bool {
    serial += 1
    let request = nextRequest()
    let now = nanoseconds()
    return try connection.send(
      Attempt(
        request: request, id: id, agent: isRepeatable(request) ? "client-\(number)" : nil, invoked: now, sent: now,
        session: connection.session))
  }

  /// Returns whether one came.
  private func takeReplies(milliseconds: Int) throws -> Bool {
    var poller = Poller(sockets: connections.map(\.pollable))
    try poller.wait(milliseconds: milliseconds)
    var hasCome = false
    for connection in connections {
      while let (attempt, reply) = try connection.receive() {
        hasCome = true
        try settle(attempt, reply)
      }
    }
    return hasCome
  }

  private func refuseSilence(_ life: Int) throws {
    let now = nanoseconds()
    for connection in connections {
      let since = connection.brokenSince ?? connection.underWay.first?.sent ?? now
      guard now - since > Client.patienceNanoseconds, !stage.hasEnded(life) else { continue }
      throw Reply.Strange(description: "the hub is up and says nothing for half a minute")
    }
  }

  // MARK: What to ask

  private func nextRequest() -> Request {
    let key = plan.keys.randomElement(using: &random) ?? "k"
    return switch Int.random(in: 0..<100, using: &random) {
    case 0..<28: .one(key: key, .get)
    case 28..<34: .look(keys: plan.keys)
    case 34..<58: .one(key: key, .put(id, ifRevision: nil))
    case 58..<82: .one(key: key, .put(id, ifRevision: condition(key)))
    case 82..<92: .one(key: key, .delete(ifRevision: nil))
    default: .one(key: key, .delete(ifRevision: condition(key)))
    }
  }

  /// Each value is put once.
  private var id: String { "c\(number)-\(serial)" }

  private func condition(_ key: String) -> UInt64 {
    switch Int.random(in: 0..<10, using: &random) {
    case 0: 0
    case 1: (known[key] ?? 0) + .random(in: 0...3, using: &random)
    default: known[key] ?? 0
    }
  }

  private func isRepeatable(_ request: Request) -> Bool {
    guard case .one(_, let call) = request, call != .get else { return false }
    return Int.random(in: 0..<3, using: &random) > 0
  }

  // MARK: What came of it

  private func settle(_ attempt: Attempt, _ reply: Reply) throws {
    let returned = nanoseconds()
    // It was refused: as if it had not been sent, unless it had been before.
    if reply.isShuttingDown {
      if attempt.session == nil { note(attempt, returned: returned, adriftLife: attempt.adriftLife) }
      return
    }
    for (key, outcome) in try reply.outcomes(of: attempt.request) {
      learn(key, outcome)
      var operation = HistoryOperation(
        key: key, session: attempt.session, invoked: attempt.invoked, returned: returned, call: attempt.request.call,
        outcome: outcome)
      if let life = attempt.adriftLife, !outcome.tookRevision {
        // The hub does not remember it: what was sent on the connection that was given up may still be done.
        operation.invoked = attempt.sent
        note(attempt, returned: nil, adriftLife: life)
      }
      operations.append(operation)
    }
  }

  private func learn(_ key: String, _ outcome: Outcome) {
    switch outcome {
    case .stored(let revision, _): known[key] = revision
    case .found(let version): known[key] = version.revision
    case .conflict(let version): known[key] = version?.revision ?? 0
    case .deleted, .nothing, .absent: known[key] = 0
    case .unknown: break
    }
  }

  /// The hub's life has ended before a reply came.
  private func settleUnanswered(_ attempt: Attempt, _ end: Int64) {
    var attempt = attempt
    // Sent to a hub that was not there any more.
    if attempt.sent > end, attempt.session != nil { return }
    attempt.session = nil
    attempt.adriftLife = nil
    if attempt.agent != nil, Bool.random(using: &random) {
      toRepeat.append(attempt)
    } else {
      note(attempt, returned: end, adriftLife: nil)
    }
  }

  /// Gives up a connection with what is under way on it, and opens another one.
  private func giveUpOne(_ life: Int, _ address: String) throws {
    let place = Int.random(in: connections.indices, using: &random)
    let left = connections[place].underWay
    connections[place] = try open(address)
    for attempt in left {
      var attempt = attempt
      attempt.session = nil
      attempt.adriftLife = life
      if attempt.agent != nil, Bool.random(using: &random) {
        toRepeat.append(attempt)
      } else {
        note(attempt, returned: nil, adriftLife: life)
      }
    }
    try sendRepeats(connections[place])
  }

  /// Notes a write whose outcome is unknown. A read without a reply says nothing.
  private func note(_ attempt: Attempt, returned: Int64?, adriftLife: Int?) {
    guard case .one(let key, let call) = attempt.request, call != .get else { return }
    if let adriftLife { adrift[operations.count] = adriftLife }
    operations.append(
      HistoryOperation(
        key: key, session: nil, invoked: attempt.invoked, returned: adriftLife == nil ? returned : nil, call: call,
        outcome: .unknown))
  }
}

extension Request {
  /// The call of each of its operations.
  var call: Call {
    switch self {
    case .one(_, let call): call
    case .look: .get
    }
  }
}

extension Outcome {
  fileprivate var tookRevision: Bool {
    switch self {
    case .stored, .deleted: true
    case .unknown, .found, .absent, .nothing, .conflict: false
    }
  }
}
