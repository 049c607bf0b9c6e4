/// Tells the request loop to stop: set once, by a signal or by whoever runs the loop.
internal import Synchronization
internal import Threads

final class StopFlag: Sendable {
  private let requested = Atomic<Bool>(false)
  private let wakeUp: WakeUp

  init(waking wakeUp: WakeUp) { self.wakeUp = wakeUp }

  var isStopping: Bool { requested.load(ordering: .acquiring) }

  func stop() {
    requested.store(true, ordering: .releasing)
    wakeUp.signal()
  }
}
