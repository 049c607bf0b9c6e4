/// How much one agent may ask for: how often, and how much at once. What is beyond it is refused at once, so that an agent
/// that runs wild, on however many connections, disturbs itself. CONTRACT: code `overloaded`. SECURITY: row 8.
internal import Hub

/// 0 for no limit.
package struct AgentLimitOptions: Sendable, Equatable {
  package var requestsPerSecond = 0
  /// Requests that may come at once after a pause.
  package var burst = 100
  /// Requests that may wait for their replies, of all connections together.
  package var inFlight = 0

  package var areOn: Bool { requestsPerSecond > 0 || inFlight > 0 }

  package init() {}
}

/// What an agent has asked for.
final class AgentState {
  /// When the requests that were taken are paid for, each with its share of a second.
  fileprivate(set) var paidAt: Int64 = 0
  fileprivate(set) var inFlight = 0
}

/// One request that was let in; it is in flight as long as something waits with it.
final class Admission {
  private let agent: AgentState

  fileprivate init(_ agent: AgentState) {
    self.agent = agent
    agent.inFlight += 1
  }

  deinit { agent.inFlight -= 1 }
}

final class AgentLimits {
  private let options: AgentLimitOptions
  private let intervalMicroseconds: Int64
  private var agents: [KeyHash: AgentState] = [:]
  /// Whoever has no room in the table.
  private let others = AgentState()
  private var nextHouse: Int64 = 0
  /// Requests that were refused for their agent's sake.
  private(set) var refused: UInt64 = 0

  /// Without keys a client calls itself what it likes; what that costs the hub has an end.
  static let agentsMax = 65_536
  private static let houseMicroseconds: Int64 = 1_000_000
  private static let retryAfterMilliseconds = 50

  init(_ options: AgentLimitOptions) {
    self.options = options
    intervalMicroseconds = options.requestsPerSecond > 0 ? 1_000_000 / Int64(options.requestsPerSecond) : 0
  }

  var agentCount: Int { agents.count }

  /// Lets a request in.
  ///
  /// - Parameters:
  ///   - agent: who asks; requests that name nobody share what one agent may do.
  ///   - now: microseconds of a clock that nobody sets.
  /// - Throws: `overloaded`, with the time to try again.
  func admit(_ agent: RawSpan, now: Int64) throws(HubError) -> Admission {
    let state = state(of: KeyHash(agent), now: now)
    if options.inFlight > 0, state.inFlight >= options.inFlight {
      throw refusal(
        "this agent has \(options.inFlight) requests in flight, the limit resilience.agent.max_in_flight: wait for "
          + "replies", AgentLimits.retryAfterMilliseconds)
    }
    if options.requestsPerSecond > 0 {
      let early = state.paidAt - now - Int64(options.burst - 1) * intervalMicroseconds
      guard early <= 0 else {
        throw refusal(
          "this agent asks more often than the limit resilience.agent.requests_per_second of "
            + "\(options.requestsPerSecond) allows", Int((early + 999) / 1_000))
      }
      state.paidAt = max(state.paidAt, now) + intervalMicroseconds
    }
    return Admission(state)
  }

  private func state(of agent: KeyHash, now: Int64) -> AgentState {
    if let known = agents[agent] { return known }
    if agents.count >= AgentLimits.agentsMax { forget(now: now) }
    guard agents.count < AgentLimits.agentsMax else { return others }
    let new = AgentState()
    agents[agent] = new
    return new
  }

  private func refusal(_ message: String, _ milliseconds: Int) -> HubError {
    refused += 1
    var error = HubError(.overloaded, message)
    error.retryAfterMilliseconds = milliseconds
    return error
  }

  /// Forgets agents for whom nothing is counted any more.
  func forget(now: Int64) {
    guard now >= nextHouse else { return }
    nextHouse = now + AgentLimits.houseMicroseconds
    agents = agents.filter { $0.value.inFlight > 0 || $0.value.paidAt > now }
  }
}
