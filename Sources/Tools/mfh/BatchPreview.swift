/// `mfh batch --dry-run`: what each operation would meet now. The hub alone can say whether it would take the items.
internal import Bytes
internal import HubClient
internal import JSONText
internal import Programs
internal import ToolSupport

struct BatchPreview {
  let session: Session

  /// What a key is at while the operations are gone through.
  private enum KeyNow: Equatable {
    case at(UInt64)
    /// Written by an operation before: at a revision that is not known yet.
    case written
  }

  func run(_ operations: [BatchOperation]) throws(Failure) {
    var keys: [String: KeyNow] = [:]
    var conflicts = 0
    var table = BatchTable(columns: ["WOULD"], session.output)
    for operation in operations {
      let now = try state(of: operation.key, keys)
      let effect = effect(of: operation, on: now)
      if effect == BatchPreview.conflict { conflicts += 1 }
      keys[operation.key] = operation.isPut ? .written : .at(0)
      if session.format == .json {
        appendJSON(operation, now, effect)
      } else {
        table.add(revision(now), operation, [effect])
      }
    }
    if session.format == .table { table.finish() }
    try session.finish()
    guard conflicts == 0 else {
      throw Failure(
        .canNotCreate, "\(conflicts) of \(operations.count) operations would be a conflict: none would be done")
    }
  }

  private func state(of key: String, _ keys: [String: KeyNow]) throws(Failure) -> KeyNow {
    if let known = keys[key] { return known }
    return .at(try KeyState.revision(of: key, session))
  }

  private static let conflict = "conflict"

  private func effect(of operation: BatchOperation, on now: KeyNow) -> String {
    if let wanted = operation.ifRevision, now != .at(wanted) { return BatchPreview.conflict }
    switch (operation.isPut, now) {
    case (true, .at(0)): return "create"
    case (true, _): return "replace"
    case (false, .at(0)): return "nothing there"
    case (false, _): return "delete"
    }
  }

  private func revision(_ now: KeyNow) -> UInt64? {
    switch now {
    case .at(0), .written: nil
    case .at(let revision): revision
    }
  }

  private func appendJSON(_ operation: BatchOperation, _ now: KeyNow, _ effect: String) {
    session.output.buffer.append(text: "{\"dry_run\":true,\"op\":\"\(operation.isPut ? "put" : "delete")\",\"key\":")
    JSONWriter.appendString(text: operation.key, to: &session.output.buffer)
    session.output.buffer.append(",\"revision\":")
    if let revision = revision(now) {
      session.output.buffer.append(decimal: revision)
    } else {
      session.output.buffer.append("null")
    }
    session.output.buffer.append(text: ",\"would\":\"\(effect)\"}\n")
  }
}
