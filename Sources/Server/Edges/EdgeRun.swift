/// The life of a listener that runs on other threads: whoever begins it waits until it listens, or can not, and whoever
/// ends it until it has ended.
internal import Threads

package final class EdgeRun: Sendable {
  private enum State: Sendable {
    case idle
    case starting
    case listening(String)
    case failed(ListenerError)
    case ended
  }

  private let state = Monitor(State.idle)
  private let task = Monitor<Task<Void, Never>?>(nil)

  package init() {}

  /// Has `serve` run in a task of its own, until it ends or is cancelled, and waits until it says that it listens.
  ///
  /// - Returns: where it listens.
  /// - Throws: what `serve` throws before it listens.
  package func start(
    _ serve: @escaping @Sendable () async throws(ListenerError) -> Void
  ) throws(ListenerError) -> String {
    state.with { $0 = .starting }
    let running = Task.detached { [state] in
      do throws(ListenerError) {
        try await serve()
        state.with(waking: true) { $0 = .ended }
      } catch {
        state.with(waking: true) { $0 = .failed(error) }
      }
    }
    task.with { $0 = running }
    let begun = state.wait { state -> Result<String, ListenerError>? in
      switch state {
      case .idle, .starting: nil
      case .listening(let address): .success(address)
      case .failed(let error): .failure(error)
      case .ended: .success("")
      }
    }
    return try begun.get()
  }

  /// For `serve`: it listens at `address` now.
  package func listens(at address: String) {
    state.with(waking: true) { state in
      if case .starting = state { state = .listening(address) }
    }
  }

  /// Cancels what runs. Without a start it does nothing.
  package func cancel() { task.with { $0 }?.cancel() }

  /// Waits for the end. Without a start there is nothing to wait for.
  ///
  /// - Returns: whether it came within `milliseconds`.
  @discardableResult
  package func waitForEnd(milliseconds: Int) -> Bool {
    state.wait(milliseconds: milliseconds) { state -> Bool? in
      switch state {
      case .idle, .ended, .failed: true
      case .starting, .listening: nil
      }
    } ?? false
  }
}
