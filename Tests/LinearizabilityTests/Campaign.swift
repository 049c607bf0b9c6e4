/// Many histories, one after the other: made, checked, counted.

import HistoryChecker

struct Campaign {
  private(set) var histories = 0
  private(set) var operations = 0
  private(set) var unknown = 0
  private(set) var repeats = 0
  private(set) var ends = 0
  private(set) var conflicts = 0

  struct Failure: Error, CustomStringConvertible {
    let description: String
  }

  /// Makes and checks one history.
  mutating func run(_ plan: Plan) throws {
    let run = try HistoryRun(plan)
    if let violation = LinearizabilityChecker().violation(in: run.history) {
      let path = try HistoryFile.write(run.history, violation, plan)
      throw Failure(description: "\(plan): \(violation); the history is in \(path)")
    }
    histories += 1
    operations += run.history.count
    repeats += run.repeats
    ends += plan.ends.count
    for operation in run.history {
      switch operation.outcome {
      case .unknown: unknown += 1
      case .conflict: conflicts += 1
      case .found, .absent, .stored, .deleted, .nothing: break
      }
    }
  }
}

extension Campaign: CustomStringConvertible {
  var description: String {
    "\(histories) histories, \(operations) operations (\(conflicts) conflicts, \(unknown) of unknown outcome, "
      + "\(repeats) repeats), \(ends) restarts"
  }
}
