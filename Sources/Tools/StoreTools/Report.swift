/// What goes to standard error: damage, one line each; notes when they are asked for; progress on a terminal.
internal import Glibc
package import LogStore
package import Programs

package final class Report {
  private let program: String
  private let isVerbose: Bool
  private let progress: Progress
  /// What the exit code must tell.
  package private(set) var status = ExitStatus.done
  package private(set) var damages = 0
  /// Revisions that are known to be lost.
  package private(set) var lostRevisions: UInt64 = 0
  /// Losses that a salvage has recorded in the log, and the revisions that they name.
  package private(set) var gaps = 0
  package private(set) var gapRevisions: UInt64 = 0

  package init(_ program: String, isVerbose: Bool, progress: Progress) {
    self.program = program
    self.isVerbose = isVerbose
    self.progress = progress
  }

  package func take(_ issue: InspectionIssue) {
    switch issue.kind {
    case .note:
      if isVerbose { say(issue.description) }
      return
    case .recordedLoss:
      gaps += 1
      gapRevisions += Report.count(issue.lost)
      say("note: \(issue.description)")
      return
    case .damage: raise(.damaged)
    case .unreadable: raise(.inputOutput)
    case .denied: raise(.notPermitted)
    }
    damages += 1
    lostRevisions += Report.count(issue.lost)
    say(issue.description)
  }

  private static func count(_ lost: ClosedRange<UInt64>?) -> UInt64 {
    lost.map { $0.upperBound - $0.lowerBound + 1 } ?? 0
  }

  package func raise(_ worse: ExitStatus) { status = worse.worse(than: status) }

  package func say(_ text: String) {
    progress.clear()
    Report.writeLine("\(program): \(text)")
  }

  private static func writeLine(_ text: String) {
    let line = text + "\n"
    _ = write(STDERR_FILENO, line, line.utf8.count)
  }
}
