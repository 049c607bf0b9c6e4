/// Standard output in big pieces, and its end: a reader that has seen enough closes the pipe, and that is no error.
package import Bytes
internal import Glibc

package final class Output {
  /// What is to be written next.
  package var buffer = ByteBuffer(capacity: Output.pieceBytes + 64 * 1024)
  /// Nobody reads any more, or nothing can be written any more.
  package private(set) var isClosed = false
  /// Why writing failed; nil also when the reader just went away.
  package private(set) var failure: String?
  package let isTerminal: Bool
  private let descriptor: Int32

  private static let pieceBytes = 256 * 1024

  package init(descriptor: Int32 = STDOUT_FILENO) {
    self.descriptor = descriptor
    isTerminal = isatty(descriptor) == 1
  }

  /// Columns of the terminal; nil when it is none or does not say.
  package var terminalColumns: Int? {
    var size = winsize()
    guard isTerminal, ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return nil }
    return Int(size.ws_col)
  }

  /// Whether whoever read a pipe has gone, as far as can be seen without writing.
  package var isAbandoned: Bool {
    var state = pollfd(fd: descriptor, events: 0, revents: 0)
    return poll(&state, 1, 0) > 0 && state.revents & Int16(POLLERR) != 0
  }

  /// Writes once enough has come together. Call it after each line.
  package func flushIfFull() {
    if buffer.count >= Output.pieceBytes { flush() }
  }

  package func flush() {
    let problem = isClosed ? 0 : Output.writeAll(buffer, to: descriptor)
    buffer.removeAll()
    guard problem != 0 else { return }
    isClosed = true
    if problem != EPIPE { failure = String(cString: strerror(problem)) }
  }

  /// Returns 0 or an errno.
  private static func writeAll(_ buffer: borrowing ByteBuffer, to descriptor: Int32) -> Int32 {
    buffer.bytes.withUnsafeBytes { bytes in
      var written = 0
      while written < bytes.count {
        let put = write(descriptor, bytes.baseAddress! + written, bytes.count - written)
        if put > 0 {
          written += put
        } else if put < 0, errno != EINTR {
          guard errno == EAGAIN else { return errno }
          var waiting = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
          _ = poll(&waiting, 1, -1)
        }
      }
      return 0
    }
  }
}
