/// SIGTERM and SIGINT: the first asks for a stop in good order, the second ends the process at once.
internal import Glibc
internal import Threads

enum StopSignals {
  private static var set: sigset_t {
    var signals = sigset_t()
    sigemptyset(&signals)
    sigaddset(&signals, SIGTERM)
    sigaddset(&signals, SIGINT)
    return signals
  }

  /// Starts the thread that waits for the signals. It ends with the process. Call it before any other thread is
  /// started: they inherit the blocked signals.
  static func listen(_ flag: StopFlag) {
    var signals = set
    pthread_sigmask(SIG_BLOCK, &signals, nil)
    // A reader that went away is told by an error of write, not by a signal.
    signal(SIGPIPE, SIG_IGN)
    // A file over the limit of its size (ulimit -f) likewise: a write that fails is dealt with, the signal would kill.
    signal(SIGXFSZ, SIG_IGN)
    _ = NamedThread("mfh-signals") {
      var signals = StopSignals.set
      var received: Int32 = 0
      sigwait(&signals, &received)
      flag.stop()
      sigwait(&signals, &received)
      _exit(128 + received)
    }
  }
}
