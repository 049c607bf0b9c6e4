/// Tells what an undo would touch, and what it did.
internal import Bytes
internal import HubClient
internal import JSONText
internal import ToolSupport

struct UndoCounts {
  var restored = 0
  var deleted = 0
  var asItWas = 0
  var left = 0
  var unreadable = 0
  /// Changed again and again while it was to be undone.
  var restless = 0
  var lastRevision: UInt64 = 0

  mutating func count(_ decision: UndoDecision) {
    switch decision {
    case .restore: restored += 1
    case .delete: deleted += 1
    case .asItWas: asItWas += 1
    case .changedSince: left += 1
    case .unreadable: unreadable += 1
    }
  }
}

struct UndoReport: ~Copyable {
  private let session: Session
  private let isDryRun: Bool
  private var table: TablePrinter

  init(_ session: Session, isDryRun: Bool) {
    self.session = session
    self.isDryRun = isDryRun
    table = TablePrinter(
      [
        .init(title: isDryRun ? "WOULD" : "WILL"), .init(title: "KEY"),
        .init(title: "REVISION", isRightAligned: true), .init(title: "WRITES", isRightAligned: true),
        .init(title: "WHY"),
      ], lineColumns: nil)
  }

  private static func name(of decision: UndoDecision) -> String {
    switch decision {
    case .restore: "restore"
    case .delete: "delete"
    case .asItWas, .changedSince, .unreadable: "leave"
    }
  }

  private static func reason(for decision: UndoDecision, _ trail: UndoTrail) -> String {
    switch decision {
    case .restore: "to what it was before revision \(trail.firstRevision)"
    case .delete(_, true): "what was there before revision \(trail.firstRevision) has expired"
    case .delete(_, false): "it did not exist before revision \(trail.firstRevision)"
    case .asItWas: "it is as it was before revision \(trail.firstRevision)"
    case .changedSince:
      "\(trail.newestAgent.isEmpty ? "somebody without a name" : trail.newestAgent) changed it at revision \(trail.newestRevision)"
    case .unreadable: "what was there before revision \(trail.firstRevision) is gone from the log"
    }
  }

  /// What is as it was is not worth a line.
  mutating func plan(_ key: String, _ decision: UndoDecision, _ trail: UndoTrail) {
    guard decision != .asItWas else { return }
    let reason = UndoReport.reason(for: decision, trail)
    if session.format == .json {
      appendPlan(key, decision, trail, reason)
    } else {
      for cell in [
        UndoReport.name(of: decision), key, String(trail.newestRevision), String(trail.writes), reason,
      ] {
        var text = ByteBuffer(capacity: cell.utf8.count)
        text.append(text: cell)
        table.add(text.bytes)
      }
      table.endRow(&session.output.buffer)
    }
    session.output.flushIfFull()
  }

  private func appendPlan(_ key: String, _ decision: UndoDecision, _ trail: UndoTrail, _ reason: String) {
    begin("would", UndoReport.name(of: decision), key)
    appendNumber(",\"revision\":", trail.newestRevision)
    appendNumber(",\"first_revision\":", trail.firstRevision)
    appendNumber(",\"last_revision\":", trail.lastRevision)
    appendNumber(",\"writes\":", UInt64(trail.writes))
    session.output.buffer.append(",\"changed_by\":")
    if decision == .changedSince, !trail.newestAgent.isEmpty {
      JSONWriter.appendString(text: trail.newestAgent, to: &session.output.buffer)
    } else {
      session.output.buffer.append("null")
    }
    session.output.buffer.append(",\"why\":")
    JSONWriter.appendString(text: reason, to: &session.output.buffer)
    session.output.buffer.append("}\n")
  }

  mutating func endPlan() {
    if session.format == .table { table.finish(&session.output.buffer) }
    session.output.flush()
  }

  func tell(_ done: UndoWriter.Done) {
    guard session.format == .json else { return }
    begin("did", UndoReport.name(of: done.decision), done.key)
    appendNumber(",\"revision\":", done.revision)
    session.output.buffer.append("}\n")
    session.output.flushIfFull()
  }

  /// A key that was to be written, and is not.
  private func tellLeft(_ key: String, _ reason: String) {
    if session.format == .json {
      begin("did", "leave", key)
      session.output.buffer.append(",\"why\":")
      JSONWriter.appendString(text: reason, to: &session.output.buffer)
      session.output.buffer.append("}\n")
    } else {
      session.printLine("left \(key): \(reason)")
    }
  }

  func tellLeft(_ key: String, _ decision: UndoDecision, _ trail: UndoTrail) {
    tellLeft(key, UndoReport.reason(for: decision, trail))
  }

  func tellRestless(_ key: String) { tellLeft(key, "it was changed each time it was to be written") }

  private func begin(_ name: StaticString, _ what: String, _ key: String) {
    let buffer = session.output
    buffer.buffer.append("{\"")
    buffer.buffer.append(name)
    buffer.buffer.append(text: "\":\"\(what)\",\"key\":")
    JSONWriter.appendString(text: key, to: &buffer.buffer)
  }

  private func appendNumber(_ name: StaticString, _ value: UInt64) {
    session.output.buffer.append(name)
    session.output.buffer.append(decimal: value)
  }

  func end(_ counts: UndoCounts) {
    guard session.format == .table else { return }
    var parts = ["\(counts.restored) restored", "\(counts.deleted) deleted", "\(counts.asItWas) as they were"]
    if counts.left > 0 { parts.append("\(counts.left) left alone, because others changed them") }
    if counts.restless > 0 { parts.append("\(counts.restless) left, because they change all the time") }
    if counts.unreadable > 0 { parts.append("\(counts.unreadable) left, because their past is gone") }
    let revision = counts.lastRevision > 0 ? "; the hub is at revision \(counts.lastRevision)" : ""
    session.printLine((isDryRun ? "would be: " : "") + parts.joined(separator: ", ") + revision)
  }
}
