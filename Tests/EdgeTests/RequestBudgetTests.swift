/// What requests that are not complete may hold, together and of one connection.
import EdgeLimits
import Testing

private final class Connection {}

@Suite struct RequestBudgetTests {
  private let budget = RequestBudget(callsMax: 2, bytesMax: 100, connectionBytesMax: 60)
  private let one = Connection()
  private let other = Connection()

  @Test("So many calls may be under way, and one that has ended makes room")
  func calls() {
    #expect(budget.begin() == nil && budget.begin() == nil && budget.begin() == .calls)
    budget.end(holding: 0, of: ObjectIdentifier(one))
    #expect(budget.begin() == nil && budget.calls == 2 && budget.refused == 1)
  }

  @Test("One connection has its limit, and all together have theirs; both are had back to the last byte")
  func bytes() {
    let (one, other) = (ObjectIdentifier(one), ObjectIdentifier(other))
    #expect(budget.begin() == nil && budget.begin() == nil)
    #expect(budget.take(60, of: one) == nil && budget.take(1, of: one) == .bytesOfConnection)
    #expect(budget.take(40, of: other) == nil && budget.take(1, of: other) == .bytes)
    #expect(budget.bytes == 100 && budget.refused == 2)
    budget.giveBack(1, of: one)
    #expect(budget.take(1, of: other) == nil)
    budget.end(holding: 59, of: one)
    budget.end(holding: 41, of: other)
    #expect(budget.bytes == 0 && budget.calls == 0)
    #expect(budget.begin() == nil && budget.take(60, of: one) == nil)
  }
}
