/// What `/metrics`, `/health`, `/livez`, `/readyz` and `/version` say, whatever state the hub is in. CONTRACT: section 4.
///
/// It answers also while the store is being replayed, when no request loop runs, and while the hub stops.
package import Access
internal import Bytes
internal import Evidence
internal import Hub
internal import LogStore
internal import Programs

package enum MonitoringPage: String, CaseIterable, Sendable {
  case metrics, health, livez, readyz, version

  package init?(path: String) {
    guard path.utf8.first == UInt8(ascii: "/") else { return nil }
    self.init(rawValue: String(path.dropFirst()))
  }

  /// Whether it tells of what only the request loop knows.
  package var needsFigures: Bool {
    switch self {
    case .metrics, .health, .readyz: true
    case .livez, .version: false
    }
  }
}

package struct MonitoringReply: Sendable {
  /// 200, 403 or 503.
  package let status: Int
  package let contentType: String
  package let body: [UInt8]
}

package struct MonitoringPages: Sendable {
  package let lifecycle: Lifecycle
  private let keys: KeyWatch?
  package let edges: @Sendable () -> [(type: String, figures: EdgeFigures)]

  package init(
    lifecycle: Lifecycle, keys: KeyWatch?, edges: @escaping @Sendable () -> [(type: String, figures: EdgeFigures)]
  ) {
    self.lifecycle = lifecycle
    self.keys = keys
    self.edges = edges
  }

  /// What the request loop has told, or why it has not.
  package enum Told: Sendable {
    case figures(HubFigures)
    /// It does not run: the hub starts, or stops.
    case absent
    /// It runs and does not answer, or too many ask.
    case silent
  }

  /// What a client is told instead of any page when its certificate was revoked; nil when it may have them all.
  ///
  /// - Parameter certificate: the key of the certificate that the connection has shown; nil when none is asked for.
  package func refusal(of certificate: PublicKeyPin?) -> MonitoringReply? {
    guard let keys, keys.refuses(certificate) else { return nil }
    return plain(
      403,
      """
      the certificate of this connection was revoked in the hub's key file: connect with another one of the same \
      authority, or have this one listed again (mfh keys allow)

      """)
  }

  package func reply(_ page: MonitoringPage, _ told: Told) -> MonitoringReply {
    switch page {
    case .livez: plain(200, "alive\n")
    case .version:
      json(200) {
        $0.text("service", "memory-fusion-hub", &$1); $0.text("version", Version.number, &$1)
      }
    case .metrics: metrics(told)
    case .health: health(told)
    case .readyz: readiness(told)
    }
  }

  private func metrics(_ told: Told) -> MonitoringReply {
    let figures: HubFigures? = if case .figures(let figures) = told { figures } else { nil }
    let page = MetricsPage(
      phase: lifecycle.phase, uptime: ContinuousClock.now - lifecycle.startedAt, figures: figures,
      edges: edges())
    return MonitoringReply(status: 200, contentType: "text/plain; version=0.0.4; charset=utf-8", body: page.text())
  }

  private func health(_ told: Told) -> MonitoringReply {
    if case .figures(let figures) = told {
      return MonitoringReply(
        status: figures.isUnhealthy ? 503 : 200, contentType: "application/json", body: figures.healthText)
    }
    let reason = reasons(told)[0]
    return json(503) { object, text in
      object.text("service", "memory-fusion-hub", &text)
      object.text("status", HealthReport.Status.unhealthy.rawValue, &text)
      object.name("timestamp", &text)
      text.append("\"")
      Timestamp.append(SystemClock().now(), to: &text)
      text.append(#"","components":{"hub":{"healthy":false,"info":"#)
      var info = ObjectWriter()
      info.begin(&text)
      info.text("phase", lifecycle.phase.rawValue, &text)
      info.text("error", reason, &text)
      info.end(&text)
      text.append(#"}},"metrics":{}"#)
    }
  }

  private func readiness(_ told: Told) -> MonitoringReply {
    let reasons = reasons(told)
    return json(reasons.isEmpty ? 200 : 503) { object, text in
      object.name("ready", &text)
      ReplyWriter.append(reasons.isEmpty, to: &text)
      object.text("phase", lifecycle.phase.rawValue, &text)
      object.text("role", "primary", &text)
      MonitoringPages.append("reasons", reasons, &object, &text)
      MonitoringPages.append("degraded", MonitoringPages.complaints(told), &object, &text)
    }
  }

  /// Why the hub is not ready; empty when it is.
  private func reasons(_ told: Told) -> [String] {
    switch (lifecycle.phase, told) {
    case (.starting, _): ["the hub is starting"]
    case (.opening, _): ["the store is being opened"]
    case (.replaying, _): ["the log is being replayed"]
    case (.stopping, _): ["the hub is stopping"]
    case (.stopped, _): ["the hub has stopped"]
    case (.serving, .absent), (.serving, .silent): ["the request loop does not answer"]
    case (.serving, .figures(let figures)):
      figures.report.failure.map { ["writes fail until a restart: \($0.message)"] } ?? []
    }
  }

  /// What is wrong with a hub that still answers.
  private static func complaints(_ told: Told) -> [String] {
    guard case .figures(let figures) = told else { return [] }
    let report = figures.report
    var complaints: [String] = []
    if report.isStalled { complaints.append("log: the disk has not answered for \(report.oldestWait)") }
    if let problem = report.roomProblem {
      complaints.append("space: \(figures.room.isReadOnly ? "writes are refused: " : "")\(problem.message)")
    }
    if let failure = report.snapshotFailure { complaints.append("snapshots: \(failure.message)") }
    if let problem = report.treeProblem { complaints.append("history_tree: \(problem.message)") }
    if report.readAuditProblem != nil { complaints.append("read_audit: reads are not recorded") }
    return complaints
  }

  // MARK: Text

  private static func append(
    _ name: String, _ texts: [String], _ object: inout ObjectWriter, _ text: inout ByteBuffer
  ) {
    object.name(name, &text)
    text.append("[")
    for (index, element) in texts.enumerated() {
      if index > 0 { text.append(",") }
      ObjectWriter.append(element, &text)
    }
    text.append("]")
  }

  private func plain(_ status: Int, _ text: String) -> MonitoringReply {
    MonitoringReply(status: status, contentType: "text/plain; charset=utf-8", body: Array(text.utf8))
  }

  private func json(
    _ status: Int, _ members: (inout ObjectWriter, inout ByteBuffer) -> Void
  ) -> MonitoringReply {
    var text = ByteBuffer(capacity: 512)
    var object = ObjectWriter()
    object.begin(&text)
    members(&object, &text)
    object.end(&text)
    return MonitoringReply(status: status, contentType: "application/json", body: text.bytes.array())
  }
}
