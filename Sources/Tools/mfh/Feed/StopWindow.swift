/// SIGINT and SIGTERM end a command that runs for ever: with exit code 0, and never in the middle of a line.
internal import Glibc
internal import Programs

enum StopWindow {
  /// From here on they count only inside of `whileOpen`. Call it before any thread is started.
  static func hold() {
    for number in StopSignals.numbers { signal(number) { _ in _exit(ExitStatus.done.rawValue) } }
    StopSignals.mask(SIG_BLOCK)
  }

  /// Runs `body`, which waits and prints nothing; a signal ends the process meanwhile, or has come before.
  static func whileOpen<Value, Failure: Error>(_ body: () throws(Failure) -> Value) throws(Failure) -> Value {
    StopSignals.mask(SIG_UNBLOCK)
    defer { StopSignals.mask(SIG_BLOCK) }
    return try body()
  }
}
