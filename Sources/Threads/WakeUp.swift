/// A file descriptor that one thread polls and others make readable (eventfd).
internal import CLinux
internal import Glibc

package final class WakeUp: Sendable {
  package let descriptor: Int32

  package init() {
    descriptor = mfh_eventfd()
    precondition(descriptor >= 0, "no eventfd: \(String(cString: strerror(errno)))")
  }

  deinit { close(descriptor) }

  /// Makes the descriptor readable. Callable from any thread and from a signal handler.
  package func signal() {
    var one: UInt64 = 1
    _ = write(descriptor, &one, 8)
  }

  /// Takes all signals that have come so far.
  package func drain() {
    var count: UInt64 = 0
    _ = read(descriptor, &count, 8)
  }
}
