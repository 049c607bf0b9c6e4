/// SIGINT and SIGTERM end a command that runs for ever: with exit code 0, and never in the middle of a line.
internal import Glibc
internal import Programs

enum StopSignals {
  private static var set: sigset_t {
    var signals = sigset_t()
    sigemptyset(&signals)
    sigaddset(&signals, SIGINT)
    sigaddset(&signals, SIGTERM)
    return signals
  }

  /// From here on they count only inside of `whileAllowed`. Call it before any thread is started.
  static func hold() {
    for number in [SIGINT, SIGTERM] { signal(number) { _ in _exit(ExitStatus.done.rawValue) } }
    change(SIG_BLOCK)
  }

  /// Runs `body`, which waits and prints nothing; a signal ends the process meanwhile, or has come before.
  static func whileAllowed<Value, Failure: Error>(_ body: () throws(Failure) -> Value) throws(Failure) -> Value {
    change(SIG_UNBLOCK)
    defer { change(SIG_BLOCK) }
    return try body()
  }

  private static func change(_ how: Int32) {
    var signals = set
    pthread_sigmask(how, &signals, nil)
  }
}
