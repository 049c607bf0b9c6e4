/// What a check found, as a few lines for people or one JSON object.
internal import Bytes
internal import LogStore
internal import StoreTools
internal import ToolSupport

struct VerifyPrinter {
  let store: StoreInspection
  let outcome: StoreVerifier.Outcome
  let report: Report

  private var parent: (lineage: StoreIdentity, revision: Revision)? {
    guard let manifest = store.manifest, manifest.parentLineage != .none else { return nil }
    return (manifest.parentLineage, manifest.parentRevision)
  }

  /// Appends one object and a line end.
  func appendJSON(to buffer: inout ByteBuffer) {
    let fields: [(String, String)] = [
      ("sound", "\(report.damages == 0)"), ("revision", "\(outcome.revision)"), ("keys", "\(outcome.keys)"),
      ("checksum", "\"\(outcome.checksum)\""), ("events", "\(outcome.events)"),
      ("records", "\(outcome.passed.records)"), ("frames", "\(outcome.passed.frames)"),
      ("segments", "\(outcome.passed.segments)"), ("log_bytes", "\(outcome.passed.bytes)"),
      ("snapshots", "\(outcome.snapshots)"), ("heads", "\(outcome.heads)"),
      ("unerased_revisions", "\(outcome.unerased)"), ("epoch", "\(outcome.passed.epoch)"),
      ("store", "\"\(store.store)\""),
      ("lineage", "\"\(store.lineage)\""), ("parent_lineage", parent.map { "\"\($0.lineage)\"" } ?? "null"),
      ("parent_revision", parent.map { "\($0.revision)" } ?? "null"), ("damages", "\(report.damages)"),
      ("lost_revisions", "\(report.lostRevisions)"), ("gaps", "\(report.gaps)"),
      ("gap_revisions", "\(report.gapRevisions)"),
    ]
    buffer.append(text: "{" + fields.map { "\"\($0.0)\":\($0.1)" }.joined(separator: ",") + "}\n")
  }

  func appendTable(to buffer: inout ByteBuffer) {
    let passed = outcome.passed
    line("store", "\(store.store)", to: &buffer)
    line("lineage", "\(store.lineage)", to: &buffer)
    if let parent { line("recovered", "from \(parent.lineage) at revision \(parent.revision)", to: &buffer) }
    line("segments", "\(passed.segments), \(ByteSize.text(store.fileBytes))", to: &buffer)
    line("log", "\(ByteSize.text(passed.bytes)) in \(passed.frames) frames, \(passed.records) records", to: &buffer)
    line("snapshots", "\(outcome.snapshots)", to: &buffer)
    line("heads", "\(outcome.heads)", to: &buffer)
    line("events", "\(outcome.events)", to: &buffer)
    if outcome.unerased > 0 {
      line(
        "unerased", "\(outcome.unerased) redacted items whose bytes are still there; a hub erases them", to: &buffer)
    }
    line("epoch", "\(passed.epoch)", to: &buffer)
    line("revision", "\(outcome.revision)", to: &buffer)
    line("keys", "\(outcome.keys)", to: &buffer)
    line("checksum", outcome.checksum, to: &buffer)
    line("state", stateText, to: &buffer)
  }

  private var stateText: String {
    guard report.damages == 0 else {
      return "DAMAGED in \(report.damages) places, \(report.lostRevisions) revisions lost; see standard error"
    }
    return report.gaps == 0 ? "sound" : "sound; \(report.gapRevisions) revisions were lost before a salvage"
  }

  private func line(_ name: String, _ value: String, to buffer: inout ByteBuffer) {
    buffer.append(text: name + String(repeating: " ", count: 11 - name.utf8.count) + value + "\n")
  }
}
