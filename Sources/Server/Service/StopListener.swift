/// SIGTERM and SIGINT: the first asks for a stop in good order, the second ends the process at once.
internal import Glibc
internal import Programs
internal import Threads

enum StopListener {
  /// Starts the thread that waits for the signals. It ends with the process. Call it before any other thread is
  /// started: they inherit the blocked signals.
  static func start(_ flag: StopFlag) {
    StopSignals.mask(SIG_BLOCK)
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
