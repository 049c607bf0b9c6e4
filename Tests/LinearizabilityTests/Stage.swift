/// What client threads and the thread that ends the hub share.
import Threads

/// The hub's lives are numbered from 0. A life that has ended has a time at which it had.
struct StageState {
  var life = 0
  var address = ""
  /// Whether the current life can be talked to.
  var isUp = true
  var ends: [Int64] = []
  var issued = 0
  var finishedClients = 0
  var problem: String?
}

final class Stage: Sendable {
  let operations: Int
  private let monitor: Monitor<StageState>

  init(operations: Int, address: String) {
    self.operations = operations
    monitor = Monitor(StageState(address: address))
  }

  // MARK: For clients

  /// Waits until the hub is up. nil when the history has come to its end because something is wrong.
  func awaitLife() -> (life: Int, address: String)? {
    monitor.wait { state in
      if state.problem != nil { return .some(nil) }
      return state.isUp ? .some((state.life, state.address)) : nil
    }
  }

  /// Whether this life has ended: no reply of it will come that has not been sent.
  func hasEnded(_ life: Int) -> Bool { monitor.with { $0.ends.count > life || $0.problem != nil } }

  /// When a life had ended; nil when it has not.
  func end(of life: Int) -> Int64? { monitor.with { $0.ends.count > life ? $0.ends[life] : nil } }

  /// Takes one of the history's operations; false when all are taken.
  func takeOperation() -> Bool {
    monitor.with(waking: true) { state in
      guard state.issued < operations, state.problem == nil else { return false }
      state.issued += 1
      return true
    }
  }

  /// It could not be sent.
  func giveBackOperation() { monitor.with { $0.issued -= 1 } }

  func finish(problem: String?) {
    monitor.with(waking: true) { state in
      state.finishedClients += 1
      state.problem = state.problem ?? problem
    }
  }

  // MARK: For the one who ends the hub

  /// Waits until so many operations were taken.
  func awaitOperations(_ count: Int) {
    _ = monitor.wait { state in state.issued >= count || state.problem != nil ? true : nil }
  }

  func noteDown() { monitor.with { $0.isUp = false } }

  func noteEnd() { monitor.with(waking: true) { $0.ends.append(nanoseconds()) } }

  func noteUp(_ address: String) {
    monitor.with(waking: true) { state in
      state.life += 1
      state.address = address
      state.isUp = true
    }
  }

  func fail(_ problem: String) { monitor.with(waking: true) { $0.problem = $0.problem ?? problem } }

  func awaitClients(_ count: Int) -> String? {
    monitor.wait { state in state.finishedClients == count ? .some(state.problem) : nil }
  }
}
