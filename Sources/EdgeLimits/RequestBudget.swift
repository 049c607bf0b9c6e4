/// Bounds what requests that are not complete may hold: the library bounds each of them, and not all together. How many
/// calls there may be at once is bounded here too.
internal import Synchronization

package final class RequestBudget: Sendable {
  package enum Refusal: Equatable {
    case calls
    case bytes
    case bytesOfConnection
    case slow
  }

  private struct State {
    var calls = 0
    var bytes = 0
    var byConnection: [ObjectIdentifier: Int] = [:]
    var refused: UInt64 = 0
  }

  private let state = Mutex(State())
  private let callsMax: Int
  private let bytesMax: Int
  private let connectionBytesMax: Int

  /// Of a call as much is free: most requests are smaller, and are not worth counting.
  package static let freeBytes = 4 << 10

  package init(callsMax: Int, bytesMax: Int, connectionBytesMax: Int) {
    self.callsMax = callsMax
    self.bytesMax = bytesMax
    self.connectionBytesMax = connectionBytesMax
  }

  package var bytes: Int { state.withLock { $0.bytes } }
  package var calls: Int { state.withLock { $0.calls } }
  /// Calls that were refused before the hub has seen them.
  package var refused: UInt64 { state.withLock { $0.refused } }

  /// One call begins. Nil: it is welcome.
  package func begin() -> Refusal? {
    state.withLock { state in
      guard state.calls < callsMax else {
        state.refused += 1
        return .calls
      }
      state.calls += 1
      return nil
    }
  }

  package func end(holding bytes: Int, of connection: ObjectIdentifier) {
    state.withLock { state in
      state.calls -= 1
      RequestBudget.giveBack(bytes, of: connection, &state)
    }
  }

  /// A request grows. Nil: there is room for it.
  package func take(_ bytes: Int, of connection: ObjectIdentifier) -> Refusal? {
    state.withLock { state in
      let own = (state.byConnection[connection] ?? 0) + bytes
      guard own <= connectionBytesMax else {
        state.refused += 1
        return .bytesOfConnection
      }
      guard state.bytes + bytes <= bytesMax else {
        state.refused += 1
        return .bytes
      }
      state.bytes += bytes
      state.byConnection[connection] = own
      return nil
    }
  }

  package func giveBack(_ bytes: Int, of connection: ObjectIdentifier) {
    state.withLock { RequestBudget.giveBack(bytes, of: connection, &$0) }
  }

  package func isTooSlow() { state.withLock { $0.refused += 1 } }

  private static func giveBack(_ bytes: Int, of connection: ObjectIdentifier, _ state: inout State) {
    guard bytes > 0 else { return }
    state.bytes -= bytes
    let own = (state.byConnection[connection] ?? 0) - bytes
    state.byConnection[connection] = own > 0 ? own : nil
  }
}
