/// Asks before something is done that somebody may not have meant: at a terminal only, for a script can not answer.
internal import Glibc
internal import ToolSupport

enum Question {
  /// Whether somebody sits there who sees what it is about.
  static func canBeAsked(_ session: Session) -> Bool { session.output.isTerminal && isatty(STDIN_FILENO) == 1 }

  /// Anything but yes is no.
  static func isAgreed(_ question: String) -> Bool {
    let line = "\(question) [y/N] "
    _ = Glibc.write(STDERR_FILENO, line, line.utf8.count)
    return ["y", "yes"].contains(readLine()?.lowercased())
  }
}
