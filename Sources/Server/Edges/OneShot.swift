/// A value that one side gives and the other waits for, however often and from wherever it is given: the first counts.
internal import Synchronization

package final class OneShot<Value: Sendable>: Sendable {
  private enum State {
    case empty
    case waiting(CheckedContinuation<Value, Never>)
    case given(Value)
  }

  private let state = Mutex(State.empty)

  package init() {}

  package func give(_ value: Value) {
    let waiting = state.withLock { state -> CheckedContinuation<Value, Never>? in
      switch state {
      case .empty:
        state = .given(value)
        return nil
      case .waiting(let continuation):
        state = .given(value)
        return continuation
      case .given: return nil
      }
    }
    waiting?.resume(returning: value)
  }

  /// Waits for the value. Once only.
  package func value() async -> Value {
    await withCheckedContinuation { continuation in
      let given = state.withLock { state -> Value? in
        switch state {
        case .empty:
          state = .waiting(continuation)
          return nil
        case .given(let value): return value
        case .waiting: preconditionFailure("one waits for a value")
        }
      }
      if let given { continuation.resume(returning: given) }
    }
  }
}
