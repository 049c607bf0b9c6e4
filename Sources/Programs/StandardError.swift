/// Messages of a program to the person who started it.
internal import Glibc

package enum StandardError {
  /// Writes one line. Line breaks inside the message are taken out: one error is one line.
  package static func say(_ program: String, _ message: String) {
    let line = Array("\(program): \(message.split(separator: "\n").joined(separator: " "))\n".utf8)
    _ = write(STDERR_FILENO, line, line.count)
  }
}
