/// What one agent may ask for, whatever connections it uses. SECURITY: row 8.
import Bytes
import Foundation
import Hub
import Testing

@testable import Server

@Suite("Limits per agent", .timeLimit(.minutes(10)))
struct AgentLimitTests {
  private func admit(_ limits: AgentLimits, _ agent: String, at now: Int64) -> (Admission?, HubError?) {
    let bytes = Array(agent.utf8)
    do {
      return (try limits.admit(bytes.span.bytes, now: now), nil)
    } catch {
      return (nil, error)
    }
  }

  private func limits(_ adjust: (inout AgentLimitOptions) -> Void) -> AgentLimits {
    var options = AgentLimitOptions()
    adjust(&options)
    return AgentLimits(options)
  }

  @Test(
    "A burst is taken, then as many a second as the limit says; a refusal names when to try again and costs nothing")
  func rate() throws {
    let limits = limits { ($0.requestsPerSecond, $0.burst) = (10, 5) }
    for _ in 0..<5 { #expect(admit(limits, "a", at: 0).1 == nil) }
    for _ in 0..<100 {
      let error = try #require(admit(limits, "a", at: 1_000).1)
      #expect(error.code == .overloaded && error.retryAfterMilliseconds == 99)
    }
    #expect(admit(limits, "a", at: 99_999).1 != nil && admit(limits, "a", at: 100_000).1 == nil)
    #expect(admit(limits, "a", at: 100_000).1 != nil && admit(limits, "b", at: 100_000).1 == nil)
    var taken = 0
    for millisecond in 1..<10_000 where admit(limits, "a", at: 1_000_000 + Int64(millisecond) * 1_000).1 == nil {
      taken += 1
    }
    #expect(taken == 5 + 99, "ten a second, and the burst that a pause has earned")
    #expect(limits.refused == 100 + 2 + 9_999 - 104)
  }

  @Test("What is in flight counts until it is answered, and no longer")
  func inFlight() {
    let limits = limits { $0.inFlight = 2 }
    var held = [admit(limits, "a", at: 0).0, admit(limits, "a", at: 0).0]
    #expect(admit(limits, "a", at: 0).1?.code == .overloaded && admit(limits, "b", at: 0).1 == nil)
    held.removeLast()
    let again = admit(limits, "a", at: 0)
    #expect(again.1 == nil && admit(limits, "a", at: 0).1 != nil)
    withExtendedLifetime((held, again)) {}
  }

  @Test("The table of agents has an end: who has no room in it shares one entry, and idle ones make room")
  func table() {
    let limits = limits { ($0.requestsPerSecond, $0.burst) = (1, 1) }
    for number in 0..<AgentLimits.agentsMax { #expect(admit(limits, "\(number)", at: 0).1 == nil) }
    #expect(admit(limits, "x", at: 0).1 == nil && admit(limits, "y", at: 0).1 != nil)
    #expect(limits.agentCount == AgentLimits.agentsMax)
    #expect(admit(limits, "z", at: 10_000_000).1 == nil && limits.agentCount == 1)
  }

  // MARK: Over the wire

  @Test("An agent over its rate is refused at once on every connection; another agent is not")
  func flood() throws {
    let hub = try HubFixture { ($0.agentLimits.requestsPerSecond, $0.agentLimits.burst) = (1, 20) }
    let clients = try (0..<4).map { _ in try Client(hub) }
    var codes: [String?: Int] = [:]
    for number in 0..<100 {
      let reply = try clients[number % 4].ask(#"{"action":"get","key":"k","agent_id":"wild"}"#)
      codes[reply.code, default: 0] += 1
      if reply.code != nil { #expect(reply.object["retry_after_ms"] as? Int ?? 0 > 0) }
    }
    #expect(codes[nil] ?? 0 >= 20 && codes["overloaded"] ?? 0 >= 60)
    let other = try Client(hub)
    for _ in 0..<10 { #expect(try other.ask(#"{"action":"get","key":"k","agent_id":"calm"}"#).isSuccess) }
    #expect(try other.ask(#"{"action":"stats","agent_id":"calm"}"#).result["agents_refused"] as? Int ?? 0 >= 60)
  }

  @Test("Writes under way and long polls count for their agent until they are answered; a parked one counts once")
  func waiting() throws {
    let hub = try HubFixture { $0.agentLimits.inFlight = 4 }
    let client = try Client(hub)
    func ask(_ from: Client, _ fields: String) throws -> Reply { try from.ask(#"{"agent_id":"a",\#(fields)}"#) }
    hub.disk.hold()
    for number in 0..<2 {
      try client.send(#"{"agent_id":"a","action":"put","key":"k\#(number)","item":{"content":"c"}}"#)
    }
    // Parked behind the writes: looked at twice.
    try client.send(#"{"agent_id":"a","action":"list_keys"}"#)
    let poller = try Client(hub)
    try poller.send(#"{"agent_id":"a","action":"events","from_revision":100,"wait_ms":20000}"#)
    let late = try Client(hub)
    try poll("all four wait") { try ask(late, #""action":"ping""#).code == "overloaded" }
    #expect(try late.ask(#"{"agent_id":"b","action":"ping"}"#).isSuccess)
    hub.disk.letGo()
    for _ in 0..<3 { #expect(try client.receive().isSuccess) }
    #expect(try ask(late, #""action":"ping""#).isSuccess)
    for _ in 0..<10 { #expect(try ask(client, #""action":"put","key":"k","item":{"content":"c"}"#).isSuccess) }
  }
}
