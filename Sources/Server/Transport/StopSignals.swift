/// SIGTERM and SIGINT: the first asks for a stop in good order, the second ends the process at once.
internal import Glibc
internal import Synchronization
internal import Threads

final class StopSignals: Sendable {
  private let requested = Atomic<Bool>(false)
  private let wakeUp: WakeUp

  /// Call it before any other thread is started: they inherit the blocked signals.
  init(wakeUp: WakeUp) {
    self.wakeUp = wakeUp
    var signals = StopSignals.set
    pthread_sigmask(SIG_BLOCK, &signals, nil)
    // A reader that went away is told by an error of write, not by a signal.
    signal(SIGPIPE, SIG_IGN)
  }

  private static var set: sigset_t {
    var signals = sigset_t()
    sigemptyset(&signals)
    sigaddset(&signals, SIGTERM)
    sigaddset(&signals, SIGINT)
    return signals
  }

  var isStopping: Bool { requested.load(ordering: .acquiring) }

  /// Starts the thread that waits for the signals. It ends with the process.
  func listen() {
    _ = NamedThread("mfh-signals") { [self] in
      var signals = StopSignals.set
      var received: Int32 = 0
      sigwait(&signals, &received)
      requested.store(true, ordering: .releasing)
      wakeUp.signal()
      sigwait(&signals, &received)
      _exit(128 + received)
    }
  }
}
