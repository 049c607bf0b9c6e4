/// How far long work has come: one line on a terminal, rewritten a few times a second; nothing in a pipe.
internal import Glibc

package final class Progress {
  private let isShown: Bool
  private let totalBytes: UInt64
  private var lastShown: UInt64
  private var isOnScreen = false
  private var calls: UInt32 = 0

  private static let intervalNanoseconds: UInt64 = 250_000_000

  /// - Parameter isWanted: false when rows scroll by on the same terminal, which is progress enough.
  package init(totalBytes: UInt64, isWanted: Bool) {
    isShown = isWanted && isatty(STDERR_FILENO) == 1
    self.totalBytes = totalBytes
    lastShown = Progress.now()
  }

  /// Called often; shows something rarely.
  package func update(bytes: @autoclosure () -> UInt64, events: UInt64) {
    calls &+= 1
    guard isShown, calls & 0x3FF == 0, isTime() else { return }
    show("\r\(share(bytes()))% read, \(events) events\u{1B}[K")
  }

  /// Called now and then, after much work.
  package func show(bytes: UInt64) {
    guard isShown, isTime() else { return }
    show("\r\(share(bytes))% done\u{1B}[K")
  }

  private func share(_ bytes: UInt64) -> UInt64 { totalBytes == 0 ? 100 : min(100, bytes * 100 / totalBytes) }

  private func isTime() -> Bool {
    let time = Progress.now()
    guard time - lastShown >= Progress.intervalNanoseconds else { return false }
    lastShown = time
    isOnScreen = true
    return true
  }

  package func clear() {
    guard isOnScreen else { return }
    isOnScreen = false
    show("\r\u{1B}[K")
  }

  private func show(_ text: String) { _ = write(STDERR_FILENO, text, text.utf8.count) }

  private static func now() -> UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
  }
}
