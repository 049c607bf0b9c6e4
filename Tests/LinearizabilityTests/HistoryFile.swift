/// A history that is wrong, in a file: to be read by people, and to be checked again.
import Foundation
import HistoryChecker

enum HistoryFile {
  /// Writes it to `MFH_HISTORY_DIRECTORY`, or where temporary files go. Returns the path.
  static func write(_ history: [HistoryOperation], _ violation: Violation, _ plan: Plan) throws -> String {
    let directory =
      ProcessInfo.processInfo.environment["MFH_HISTORY_DIRECTORY"] ?? FileManager.default.temporaryDirectory.path
    let path = directory + "/history-\(plan.mode.rawValue)-\(plan.seed).txt"
    try text(history, violation, plan).write(toFile: path, atomically: true, encoding: .utf8)
    return path
  }

  static func text(_ history: [HistoryOperation], _ violation: Violation, _ plan: Plan) -> String {
    let named = violation.operations.map { "#   \($0): \(HistoryText.line(of: history[$0]))\n" }.joined()
    return """
      # \(plan)
      # \(violation)
      \(named)# All operations, numbered from 0: key, session, invoked, returned (nanoseconds), call = outcome.
      \(HistoryText.text(of: history))
      """
  }

  static func read(_ path: String) throws -> [HistoryOperation] {
    try HistoryText.history(of: String(contentsOfFile: path, encoding: .utf8))
  }
}

extension Violation {
  /// The operations to look at.
  fileprivate var operations: [Int] {
    switch self {
    case .impossible(let index): [index]
    case .revisionTwice(let one, let other): [one, other]
    case .revisionOrder(let earlier, let later): [earlier, later]
    case .revisionMissing, .undecided: []
    case .noOrder(_, let explained, let stuck): explained.suffix(8) + stuck
    }
  }
}
