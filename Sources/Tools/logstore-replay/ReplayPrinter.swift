/// What a replay made, as a few lines for people or one JSON object.
internal import Bytes
internal import Hub
internal import LogStore
internal import StoreTools

struct ReplayPrinter {
  let outcome: ReplayOutcome
  let source: StoreInspection
  let plan: ReplayPlan
  /// nil: nothing was made.
  let target: String?

  static func text(_ time: Int64) -> String {
    var buffer = ByteBuffer()
    Timestamp.append(time, to: &buffer)
    return buffer.bytes.text()
  }

  /// Appends one object and a line end.
  func appendJSON(to buffer: inout ByteBuffer) {
    buffer.append(
      text: "{\"revision\":\(outcome.revision),\"keys\":\(outcome.keys),\"checksum\":\"\(outcome.checksum)\","
        + "\"events\":\(outcome.events)")
    if !plan.excludedAgents.isEmpty { buffer.append(text: ",\"voided\":\(outcome.voided)") }
    if outcome.lost > 0 { buffer.append(text: ",\"lost_revisions\":\(outcome.lost)") }
    buffer.append("}\n")
  }

  func appendTable(to buffer: inout ByteBuffer) {
    line("source", "store \(source.store), lineage \(source.lineage)", to: &buffer)
    if let target {
      line("target", "\(target): store \(plan.store), lineage \(plan.lineage)", to: &buffer)
      line("epoch", "\(outcome.epoch)", to: &buffer)
    } else {
      line("target", "none, this is a dry run", to: &buffer)
    }
    line("revision", "\(outcome.revision)", to: &buffer)
    line("time", outcome.lastTime.map(ReplayPrinter.text) ?? "-", to: &buffer)
    line("events", "\(outcome.events)", to: &buffer)
    if !plan.excludedAgents.isEmpty { line("voided", "\(outcome.voided)", to: &buffer) }
    if outcome.lost > 0 { line("lost", "\(outcome.lost) revisions", to: &buffer) }
    line("keys", "\(outcome.keys)", to: &buffer)
    line("checksum", outcome.checksum, to: &buffer)
  }

  private func line(_ name: String, _ value: String, to buffer: inout ByteBuffer) {
    buffer.append(text: name + String(repeating: " ", count: 10 - name.utf8.count) + value + "\n")
  }
}
