/// The request loop does its work in pieces: nobody waits for all of a burst.
import Testing
import Threads

@testable import Server

/// Asks for the hub's figures again and again, and keeps what they say.
private final class Onlooker: Sendable {
  private let gate: RequestGate
  private let look: @Sendable (HubFigures) -> Int
  private let seen = Monitor<(values: [Int], isOver: Bool)>((values: [], isOver: false))

  init(_ gate: RequestGate, _ look: @escaping @Sendable (HubFigures) -> Int) {
    self.gate = gate
    self.look = look
  }

  /// The next question is asked when the one before is answered: on the loop's own thread.
  func begin() {
    _ = gate.observe { [self] figures in
      let goesOn = seen.with { seen in
        guard !seen.isOver else { return false }
        seen.values.append(look(figures))
        return true
      }
      if goesOn { begin() }
    }
  }

  func end() -> [Int] {
    seen.with { seen in
      seen.isOver = true
      return seen.values
    }
  }
}

@Suite("Turns of the request loop", .timeLimit(.minutes(10)))
struct LoopTurnTests {
  private static let piece = RequestLoop.pieceMask + 1

  @Test("While thousands of replies are sent that a commit has set free, others are heard after every 64")
  func release() throws {
    let hub = try HubFixture()
    let client = try Client(hub)
    let requests = 2_000
    hub.disk.hold()
    for number in 0..<requests { try client.send(#"{"action":"put","key":"\#(number)","item":{"content":"x"}}"#) }
    let waiting = Monitor(0)
    try poll("all wait for the disk") {
      _ = hub.gate.observe { figures in waiting.with { $0 = figures.concurrent } }
      return waiting.with { $0 } == requests
    }
    let onlooker = Onlooker(hub.gate) { $0.concurrent }
    onlooker.begin()
    hub.disk.letGo()
    for _ in 0..<requests { #expect(try client.receive().isSuccess) }
    let seen = Array(Set(onlooker.end() + [requests, 0])).sorted()
    for (less, more) in zip(seen, seen.dropFirst()) { #expect(more - less <= Self.piece, "\(more), then \(less)") }
    #expect(hub.stop() == nil)
  }

  @Test("While thousands of requests are taken in, calls at the gate are answered after every 64")
  func drain() throws {
    let hub = try HubFixture()
    let clients = try (0..<32).map { _ in try Client(hub) }
    for client in clients { #expect(try client.ask(#"{"action":"ping"}"#).isSuccess) }
    let onlooker = Onlooker(hub.gate) { figures in
      var pings = 0
      figures.requests.forEach { name, figures, _ in if name == "ping" { pings = Int(figures.successes) } }
      return pings
    }
    onlooker.begin()
    for _ in 0..<100 { for client in clients { try client.send(#"{"action":"ping"}"#) } }
    for client in clients { for _ in 0..<100 { #expect(try client.receive().isSuccess) } }
    let seen = onlooker.end()
    for (less, more) in zip(seen, seen.dropFirst()) { #expect(more - less <= Self.piece, "\(less), then \(more)") }
    #expect(hub.stop() == nil)
  }
}
