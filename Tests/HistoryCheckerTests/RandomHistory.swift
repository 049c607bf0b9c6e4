/// Histories that a correct store gave: operations one at a time, and around the moment of each an interval.
import HistoryChecker

struct RandomHistory {
  var keys = ["k", "l"]
  var values = ["a", "b", "c"]
  var sessions = 3
  /// How far an interval may reach to either side; an operation takes effect every 10.
  var reach: Int64 = 25
  /// Of a hundred.
  var unknownPercent = 10

  private struct Maker {
    var revision: UInt64 = 0
    var live: [String: Version] = [:]
    /// Revisions that somebody could name in a condition.
    var known: [UInt64] = [0]

    mutating func outcome(_ key: String, _ call: Call) -> Outcome {
      let current = live[key]
      if case .get = call { return current.map { .found($0) } ?? .absent }
      if let condition = call.ifRevision, condition != current?.revision ?? 0 { return .conflict(current) }
      if case .delete = call, current == nil { return .nothing(revision: revision) }
      revision += 1
      known.append(revision)
      guard case .put(let value, _) = call else {
        live[key] = nil
        return .deleted(revision: revision)
      }
      live[key] = Version(value, revision)
      return .stored(revision: revision, created: current == nil)
    }
  }

  func make(_ count: Int, _ random: inout some RandomNumberGenerator) -> [HistoryOperation] {
    var maker = Maker()
    var lastInvoked: [Int: Int64] = [:]
    var history: [HistoryOperation] = []
    for place in 0..<count {
      let moment = Int64(place) * 10 + 100
      let session = Int.random(in: 0...sessions, using: &random)
      let invoked = max(moment - .random(in: 0...reach, using: &random), (lastInvoked[session] ?? -1) + 1)
      lastInvoked[session] = invoked
      let key = keys.randomElement(using: &random) ?? "k"
      let call = call(maker, &random)
      let returned = moment + .random(in: 0...reach, using: &random)
      let isUnknown = Int.random(in: 0..<100, using: &random) < unknownPercent
      var operation = HistoryOperation(
        key: key, session: session == sessions ? nil : session, invoked: invoked, returned: returned, call: call,
        outcome: .unknown)
      if !isUnknown || Bool.random(using: &random) {
        let outcome = maker.outcome(key, call)
        if !isUnknown { operation.outcome = outcome }
      }
      if isUnknown, Bool.random(using: &random) { operation.returned = nil }
      history.append(operation)
    }
    return history.shuffled(using: &random)
  }

  private func call(_ maker: Maker, _ random: inout some RandomNumberGenerator) -> Call {
    let condition = Bool.random(using: &random) ? nil : maker.known.suffix(4).randomElement(using: &random)
    switch Int.random(in: 0..<10, using: &random) {
    case 0..<4: return .get
    case 4..<8: return .put(values.randomElement(using: &random) ?? "a", ifRevision: condition)
    default: return .delete(ifRevision: condition)
    }
  }

  /// The same history with one reply that says something else.
  static func falsified(
    _ history: [HistoryOperation], _ random: inout some RandomNumberGenerator
  ) -> [HistoryOperation] {
    var history = history
    guard let index = history.indices.filter({ history[$0].outcome != .unknown }).randomElement(using: &random) else {
      return history
    }
    func version() -> Version {
      Version(["a", "b", "c"].randomElement(using: &random) ?? "a", .random(in: 1...6, using: &random))
    }
    let revision = UInt64.random(in: 1...8, using: &random)
    let hasCondition = history[index].call.ifRevision != nil
    switch history[index].call {
    case .get: history[index].outcome = Bool.random(using: &random) ? .absent : .found(version())
    case .put where hasCondition && Bool.random(using: &random),
      .delete where hasCondition && Bool.random(using: &random):
      history[index].outcome = .conflict(Bool.random(using: &random) ? nil : version())
    case .put: history[index].outcome = .stored(revision: revision, created: Bool.random(using: &random))
    case .delete:
      history[index].outcome = Bool.random(using: &random) ? .deleted(revision: revision) : .nothing(revision: revision)
    }
    return history
  }
}
