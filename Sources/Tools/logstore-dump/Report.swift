/// What goes to standard error: damage, one line each; notes when they are asked for; progress on a terminal.
internal import Glibc
internal import LogStore
internal import Programs

final class Report {
  private let isVerbose: Bool
  private let progress: Progress
  /// What the exit code must tell.
  private(set) var status = ExitStatus.done
  private(set) var damages = 0
  /// Revisions that are known to be lost.
  private(set) var lostRevisions: UInt64 = 0
  /// Losses that a salvage has recorded in the log, and the revisions that they name.
  private(set) var gaps = 0
  private(set) var gapRevisions: UInt64 = 0

  init(isVerbose: Bool, progress: Progress) {
    self.isVerbose = isVerbose
    self.progress = progress
  }

  func take(_ issue: InspectionIssue) {
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

  func raise(_ worse: ExitStatus) { status = worse.worse(than: status) }

  func say(_ text: String) {
    progress.clear()
    Report.writeLine("logstore-dump: \(text)")
  }

  private static func writeLine(_ text: String) {
    let line = text + "\n"
    _ = write(STDERR_FILENO, line, line.utf8.count)
  }
}
