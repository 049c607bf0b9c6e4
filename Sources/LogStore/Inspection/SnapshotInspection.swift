/// Snapshots as an inspection reports them: a damaged one costs time at the next start, no data.
enum SnapshotInspection {
  static func issues(_ problems: [LogError]) -> [InspectionIssue] {
    problems.map { InspectionIssue(.note, "\($0.message); the snapshot is passed over, the log tells the same") }
  }
}
