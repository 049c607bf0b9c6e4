/// How the hub is, in the one line that `systemctl status` shows.
internal import Evidence
internal import Hub
internal import LogStore

extension RequestProcessor {
  var statusLine: String {
    let report = HealthReport(hub, tree: tree?.status, reads: reads?.status)
    let parts = [
      ("log", report.isLogHealthy), ("space", report.isSpaceHealthy), ("snapshots", report.areSnapshotsHealthy),
      ("history_tree", report.isTreeHealthy), ("read_audit", report.isReadAuditHealthy),
    ]
    let ill = parts.filter { !$0.1 }.map(\.0)
    let status = ill.isEmpty ? report.status.rawValue : "\(report.status.rawValue): \(ill.joined(separator: ", "))"
    return "\(status); revision \(hub.state.revision), keys \(hub.state.keyCount)"
  }
}
