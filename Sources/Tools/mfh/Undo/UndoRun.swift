/// One undo: looks, shows what it would touch, writes, and looks again at what has changed in between.
internal import Bytes
internal import HubClient
internal import Programs

struct UndoRun: ~Copyable {
  private let writer: UndoWriter
  private let isDryRun: Bool
  private var survey: UndoSurvey
  private var report: UndoReport
  private(set) var counts = UndoCounts()
  /// How often a key was changed while it was to be written.
  private var conflicts: [String: Int] = [:]
  private var operationsMax = UndoWriter.operationsMax

  private static let conflictsMax = 5

  init(_ session: Session, of agent: String, from start: FeedStart, isDryRun: Bool) {
    writer = UndoWriter(session: session)
    self.isDryRun = isDryRun
    survey = UndoSurvey(of: agent, session, from: start)
    report = UndoReport(session, isDryRun: isDryRun)
  }

  /// Looks, and shows what is to be done. Returns the keys that are to be written.
  mutating func plan() throws(Failure) -> [String] {
    try survey.catchUp()
    var keys: [String] = []
    for key in survey.keys {
      let decision = survey.decision(for: key)
      if decision.isWrite {
        keys.append(key)
        if isDryRun { counts.count(decision) }
      } else {
        counts.count(decision)
      }
      report.plan(key, decision, survey.trail(of: key))
    }
    report.endPlan()
    return keys
  }

  /// Whether the agent wrote nothing in the range.
  var isEmpty: Bool { survey.keys.isEmpty }

  /// The hub's newest revision.
  var revision: UInt64 { survey.revision }

  mutating func write(_ keys: [String]) throws(Failure) {
    var rest = keys[...]
    while !rest.isEmpty {
      let piece = nextPiece(rest)
      if !piece.operations.isEmpty {
        switch try writer.write(piece.operations) {
        case .done(let done):
          for one in done {
            counts.count(one.decision)
            counts.lastRevision = max(counts.lastRevision, one.revision)
            report.tell(one)
          }
        case .conflict(let key):
          conflicts[key, default: 0] += 1
          try survey.catchUp()
          continue
        case .tooLarge:
          operationsMax = max(1, min(operationsMax, piece.operations.count) / 2)
          continue
        }
      }
      for (key, decision) in piece.left { leave(key, decision) }
      rest = rest.dropFirst(piece.count)
    }
  }

  private struct Piece {
    var operations: [UndoWriter.Operation] = []
    /// What needs no write any more; nil: it changes all the time.
    var left: [(key: String, decision: UndoDecision?)] = []
    var count: Int { operations.count + left.count }
  }

  /// What the next batch takes of `keys`, decided by what is known now.
  private func nextPiece(_ keys: ArraySlice<String>) -> Piece {
    var piece = Piece()
    var bytes = 0
    for key in keys {
      let decision = survey.decision(for: key)
      if !decision.isWrite {
        piece.left.append((key, decision))
      } else if conflicts[key, default: 0] >= UndoRun.conflictsMax {
        piece.left.append((key, nil))
      } else {
        bytes += UndoWriter.bytes(key, decision)
        let isFull = piece.operations.count == operationsMax || bytes > UndoWriter.batchBytes
        if isFull, !piece.operations.isEmpty { break }
        piece.operations.append((key, decision))
      }
    }
    return piece
  }

  private mutating func leave(_ key: String, _ decision: UndoDecision?) {
    if let decision {
      counts.count(decision)
      report.tellLeft(key, decision, survey.trail(of: key))
    } else {
      counts.restless += 1
      report.tellRestless(key)
    }
  }

  func end() { report.end(counts) }
}
