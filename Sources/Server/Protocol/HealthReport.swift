/// When the hub is healthy, degraded or unhealthy, and which part of it is to blame. The rules are here and nowhere else;
/// docs/operations.md, "Health", tells them to operators.
internal import Evidence
internal import Hub
internal import LogStore

struct HealthReport: Sendable {
  enum Status: String, CaseIterable, Sendable {
    case healthy
    /// It works, and somebody should look at it.
    case degraded
    /// No write succeeds before somebody has acted.
    case unhealthy
  }

  /// A write or an fsync has failed; writes are refused until a restart.
  var failure: LogError?
  /// How long the oldest write has waited for the disk.
  var oldestWait: Duration
  /// Why the next segment can not be made: writes are refused, or will be when this one is full.
  var roomProblem: LogError?
  /// Why the last snapshot was not written: the next start takes longer.
  var snapshotFailure: LogError?
  /// Why the history tree does not go on: what is written now is not covered by a head.
  var treeProblem: TreeProblem?

  /// Why reads are not recorded now, in a hub that is to record them.
  var readAuditProblem: StorageError?

  /// Why the file with the keys is not used as it is now: what was changed in it does not count yet.
  var keyProblem: String?

  /// A write that has waited longer is a stalled one.
  static let waitMax = Duration.seconds(1)

  var isStalled: Bool { oldestWait > HealthReport.waitMax }

  var status: Status {
    if failure != nil { return .unhealthy }
    return isStalled || roomProblem != nil || snapshotFailure != nil || treeProblem != nil
      || readAuditProblem != nil || keyProblem != nil
      ? .degraded : .healthy
  }

  var isLogHealthy: Bool { failure == nil && !isStalled }
  var isSpaceHealthy: Bool { roomProblem == nil }
  var isTreeHealthy: Bool { treeProblem == nil }
  var isReadAuditHealthy: Bool { readAuditProblem == nil }
  var isAccessHealthy: Bool { keyProblem == nil }
  var areSnapshotsHealthy: Bool { snapshotFailure == nil }
}

extension HealthReport {
  init(_ hub: MemoryHub, tree: TreeStatus?, reads: ReadAuditStatus? = nil, keyProblem: String? = nil) {
    self.init(
      failure: hub.failure, oldestWait: hub.log.oldestWait, roomProblem: hub.log.roomStatus.problem,
      snapshotFailure: hub.snapshots.failure, treeProblem: tree?.problem,
      readAuditProblem: reads?.problem, keyProblem: keyProblem)
  }
}
