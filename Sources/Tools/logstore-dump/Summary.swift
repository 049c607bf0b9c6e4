/// What `--stats` prints: the store, its log, and its events by type and by agent.
internal import Bytes
internal import Hub
internal import JSONText
internal import LogStore
internal import StoreTools
internal import ToolSupport

struct Summary {
  let store: StoreInspection
  let log: LogStatistics
  let events: EventStatistics
  let report: Report

  /// Whether the log ends with the mark of a clean close.
  private var isClosed: Bool { log.lastFrame?.isCleanClose ?? false }

  private var parent: (lineage: StoreIdentity, revision: Revision)? {
    guard let manifest = store.manifest, manifest.parentLineage != .none else { return nil }
    return (manifest.parentLineage, manifest.parentRevision)
  }

  private func share(_ count: UInt64) -> Double {
    events.events == 0 ? 0 : Double(count) / Double(events.events)
  }

  // MARK: JSON

  /// Appends one object and a line end.
  func appendJSON(to buffer: inout ByteBuffer) {
    buffer.append("{\"store\":\"")
    buffer.append(text: store.store.description)
    buffer.append("\",\"lineage\":\"")
    buffer.append(text: store.lineage.description)
    buffer.append("\",\"parent_lineage\":")
    appendQuoted(parent?.lineage.description, to: &buffer)
    buffer.append(",\"parent_revision\":")
    append(parent?.revision.value, to: &buffer)
    append(",\"segments\":", UInt64(log.segments), to: &buffer)
    append(",\"sealed_segments\":", UInt64(log.sealedSegments), to: &buffer)
    append(",\"file_bytes\":", log.fileBytes, to: &buffer)
    append(",\"log_bytes\":", log.logBytes, to: &buffer)
    append(",\"frames\":", log.frames, to: &buffer)
    buffer.append(",\"epochs\":[")
    buffer.append(text: log.epochs.map(String.init).joined(separator: ","))
    buffer.append("],\"closed\":")
    buffer.append(text: String(isClosed))
    append(",\"damages\":", UInt64(report.damages), to: &buffer)
    append(",\"lost_revisions\":", report.lostRevisions, to: &buffer)
    append(",\"gaps\":", UInt64(report.gaps), to: &buffer)
    append(",\"gap_revisions\":", report.gapRevisions, to: &buffer)
    appendEventsJSON(to: &buffer)
    buffer.append("}\n")
  }

  private func appendEventsJSON(to buffer: inout ByteBuffer) {
    append(",\"events\":", events.events, to: &buffer)
    append(",\"dropped_events\":", events.dropped, to: &buffer)
    append(",\"epoch_records\":", events.epochRecords, to: &buffer)
    append(",\"keys\":", UInt64(events.keyCount), to: &buffer)
    append(",\"payload_bytes\":", events.payloadBytes, to: &buffer)
    buffer.append(",\"first_revision\":")
    append(events.first?.revision.value, to: &buffer)
    buffer.append(",\"last_revision\":")
    append(events.last?.revision.value, to: &buffer)
    buffer.append(",\"first_time\":")
    appendQuoted(events.first.map { Summary.text(of: $0.time) }, to: &buffer)
    buffer.append(",\"last_time\":")
    appendQuoted(events.last.map { Summary.text(of: $0.time) }, to: &buffer)
    buffer.append(",\"by_type\":{")
    for (index, type) in events.types.enumerated() {
      buffer.append(text: "\(index == 0 ? "" : ",")\"\(type.name)\":\(type.events)")
    }
    buffer.append("},\"by_agent\":[")
    for (index, agent) in events.agentsByEvents.enumerated() {
      buffer.append(text: index == 0 ? "{\"agent_id\":" : ",{\"agent_id\":")
      if agent.name.isEmpty { buffer.append("null") } else { JSONWriter.appendString(text: agent.name, to: &buffer) }
      append(",\"events\":", agent.events, to: &buffer)
      buffer.append(text: ",\"share\":\(Summary.fraction(share(agent.events)))")
      append(",\"payload_bytes\":", agent.payloadBytes, to: &buffer)
      buffer.append(text: ",\"first_time\":\"\(Summary.text(of: agent.firstTime))\"")
      buffer.append(text: ",\"last_time\":\"\(Summary.text(of: agent.lastTime))\",\"kinds\":{")
      for (index, kind) in agent.kinds.enumerated() {
        buffer.append(text: "\(index == 0 ? "" : ",")\"\(kind.name)\":\(kind.events)")
      }
      buffer.append("}}")
    }
    buffer.append("]")
  }

  private func append(_ name: StaticString, _ value: UInt64, to buffer: inout ByteBuffer) {
    buffer.append(name)
    buffer.append(decimal: value)
  }

  private func append(_ value: UInt64?, to buffer: inout ByteBuffer) {
    if let value { buffer.append(decimal: value) } else { buffer.append("null") }
  }

  private func appendQuoted(_ text: String?, to buffer: inout ByteBuffer) {
    guard let text else {
      buffer.append("null")
      return
    }
    JSONWriter.appendString(text: text, to: &buffer)
  }

  // MARK: Table

  func appendTable(to buffer: inout ByteBuffer) {
    line("store", store.store.description, to: &buffer)
    let origin = parent.map { " (from \($0.lineage) at revision \($0.revision))" } ?? ""
    line("lineage", store.lineage.description + origin, to: &buffer)
    line("epochs", log.epochs.map(String.init).joined(separator: ", "), to: &buffer)
    line("segments", "\(log.segments) (\(log.sealedSegments) sealed), \(ByteSize.text(log.fileBytes))", to: &buffer)
    line("log", "\(ByteSize.text(log.logBytes)) in \(log.frames) frames", to: &buffer)
    line("state", isClosed ? "closed in good order" : "open, or not closed in good order", to: &buffer)
    let loss = report.lostRevisions == 0 ? "" : ", \(report.lostRevisions) revisions lost"
    line("damage", report.damages == 0 ? "none" : "\(report.damages) places\(loss)", to: &buffer)
    if report.gaps > 0 {
      line("gaps", "\(report.gaps), \(report.gapRevisions) revisions lost before a salvage", to: &buffer)
    }
    line("events", "\(events.events), payloads \(ByteSize.text(events.payloadBytes))", to: &buffer)
    if events.dropped > 0 { line("dropped", "\(events.dropped) events that the retention has let go", to: &buffer) }
    line("keys", "\(events.keyCount)", to: &buffer)
    if let first = events.first, let last = events.last {
      line("revisions", "\(first.revision) to \(last.revision)", to: &buffer)
      line("time", "\(Summary.text(of: first.time)) to \(Summary.text(of: last.time))", to: &buffer)
    }
    appendTypes(to: &buffer)
    appendAgents(to: &buffer)
  }

  private func line(_ name: String, _ value: String, to buffer: inout ByteBuffer) {
    let padding = String(repeating: " ", count: max(1, 11 - name.count))
    buffer.append(text: "\(name)\(padding)\(value)\n")
  }

  private func appendTypes(to buffer: inout ByteBuffer) {
    let rows = events.types.map { [$0.name, String($0.events), Summary.percent(share($0.events))] }
    table([.init(title: "TYPE")] + Summary.amounts, rows, to: &buffer)
  }

  private func appendAgents(to buffer: inout ByteBuffer) {
    let rows = events.agentsByEvents.map { agent in
      [
        agent.name.isEmpty ? "-" : agent.name, String(agent.events), Summary.percent(share(agent.events)),
        ByteSize.text(agent.payloadBytes), Summary.text(of: agent.firstTime), Summary.text(of: agent.lastTime),
        agent.kinds.isEmpty ? "-" : agent.kinds.map { "\($0.events) \($0.name)" }.joined(separator: ", "),
      ]
    }
    table(
      [.init(title: "AGENT")] + Summary.amounts + [
        .init(title: "BYTES", isRightAligned: true), .init(title: "FIRST"), .init(title: "LAST"), .init(title: "ITEMS"),
      ], rows, to: &buffer)
  }

  private static var amounts: [TablePrinter.Column] {
    [.init(title: "EVENTS", isRightAligned: true), .init(title: "SHARE", isRightAligned: true)]
  }

  private func table(_ columns: [TablePrinter.Column], _ rows: [[String]], to buffer: inout ByteBuffer) {
    buffer.append("\n")
    var printer = TablePrinter(columns, lineColumns: nil)
    for row in rows {
      for cell in row {
        var text = ByteBuffer(capacity: 64)
        text.append(text: cell)
        printer.add(text.bytes)
      }
      printer.endRow(&buffer)
    }
    printer.finish(&buffer)
  }

  // MARK: Numbers as text

  private static func text(of time: Int64) -> String {
    var text = ByteBuffer(capacity: Timestamp.textBytes)
    Timestamp.append(time, to: &text)
    return text.bytes.text()
  }

  /// Four digits behind the point.
  private static func fraction(_ share: Double) -> String {
    let parts = UInt64((share * 10_000).rounded())
    let digits = String(parts % 10_000)
    return "\(parts / 10_000)." + String(repeating: "0", count: 4 - digits.utf8.count) + digits
  }

  private static func percent(_ share: Double) -> String {
    let tenths = UInt64((share * 1_000).rounded())
    return "\(tenths / 10).\(tenths % 10)%"
  }
}
