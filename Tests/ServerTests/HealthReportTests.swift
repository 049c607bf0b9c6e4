/// The rules of health, as a table.
import LogStore
import Testing

@testable import Evidence
@testable import Server

@Suite("Health") struct HealthReportTests {
  private let problem = LogError(.io, "x")

  @Test(
    "A failed write makes it unhealthy; no room, a stalled write, a failed snapshot, tree or stream of reads degraded; nothing, healthy"
  )
  func table() {
    for number in 0..<64 {
      func has(_ bit: Int) -> LogError? { number >> bit & 1 == 1 ? problem : nil }
      let report = HealthReport(
        failure: has(0), oldestWait: has(1) == nil ? HealthReport.waitMax : HealthReport.waitMax + .milliseconds(1),
        roomProblem: has(2), snapshotFailure: has(3),
        treeProblem: has(4).map { TreeProblem($0) },
        readAuditProblem: has(5).map { _ in StorageError(.write, "x", errno: 5) })
      let expected: HealthReport.Status = has(0) != nil ? .unhealthy : number == 0 ? .healthy : .degraded
      #expect(report.status == expected, "\(number)")
      #expect(report.isLogHealthy == (number & 3 == 0), "\(number)")
      #expect(report.isReadAuditHealthy == (number & 32 == 0), "\(number)")
      #expect(report.isTreeHealthy == (number & 16 == 0), "\(number)")
      #expect(
        report.isSpaceHealthy == (number & 4 == 0) && report.areSnapshotsHealthy == (number & 8 == 0), "\(number)")
    }
  }
}
