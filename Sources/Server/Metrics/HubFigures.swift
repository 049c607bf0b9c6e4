/// A copy of everything that metrics and health tell of, taken by the request loop between two requests and handed to
/// whoever asked. Making text of it is the asker's work.
internal import Bytes
internal import Evidence
internal import HistoryTree
internal import Hub
internal import LogStore

package struct HubFigures: Sendable {
  // Requests
  var requests: RequestMetrics
  var errors: [(code: ErrorCode, count: UInt64)]
  var droppedReplies: UInt64
  var unanswerable: UInt64
  /// Requests that wait for their replies.
  var concurrent = 0
  var gateDepth = 0
  var feed: FeedCounters
  var zeroMQConnections = 0
  var zeroMQAccepted = 0

  // Data
  var revision: UInt64
  var durableRevision: UInt64
  var epoch: UInt64
  var events: HubState.EventCounts
  var items: [(kind: String, count: Int)]
  var keys: Int
  var indexBytes: Int
  var deadKeys: Int
  var expiringKeys: Int
  var rememberedRequests: Int

  // Disk
  var log: LogStatus
  var room: RoomStatus
  var commits: CommitFigures
  var commitsInFlight: Int
  var oldestWait: Duration
  var snapshotRevision: UInt64
  var snapshotsTaken: UInt64
  var packedSegments: Int
  var segmentsToPack: Int
  var packing: CompactionStatus
  var isPacking: Bool
  var tree: (records: UInt64, covered: UInt64, lagMilliseconds: UInt64)?
  var reads: ReadAuditStatus?

  // Health
  /// The result of the action `health`.
  package var healthText: [UInt8]
  var components: [(name: String, isHealthy: Bool)]
  var report: HealthReport

  /// Whether it is not worth sending clients here: no write will succeed before somebody has acted.
  package var isUnhealthy: Bool { report.status == .unhealthy }
}

extension RequestProcessor {
  func figures() -> HubFigures {
    let state = hub.state
    let treeStatus = tree?.status
    let report = HealthReport(hub, tree: treeStatus, reads: reads?.status)
    return HubFigures(
      requests: service.requests, errors: service.counters.errorsByCode,
      droppedReplies: service.counters.droppedReplies, unanswerable: service.counters.unanswerable,
      feed: service.feed, revision: state.revision.value, durableRevision: hub.log.durableThrough.value,
      epoch: hub.log.epoch, events: state.eventCounts,
      items: ItemKind.allCases.map { ("\($0.name)", state.countByKind[Int($0.rawValue)]) }, keys: state.keyCount,
      indexBytes: state.indexBytes, deadKeys: state.deadKeyCount, expiringKeys: state.expiries.count,
      rememberedRequests: hub.rememberedRequests, log: hub.log.status, room: hub.log.roomStatus,
      commits: hub.log.commitFigures, commitsInFlight: hub.log.inFlightCount, oldestWait: hub.log.oldestWait,
      snapshotRevision: hub.snapshots.revision?.value ?? 0, snapshotsTaken: hub.snapshots.taken,
      packedSegments: hub.log.packedSegments, segmentsToPack: hub.log.compactable.count,
      packing: hub.log.compactionStatus, isPacking: hub.log.isCompacting,
      tree: treeStatus.map { ($0.size, $0.newestHead?.head.size ?? 0, lagMilliseconds($0)) }, reads: reads?.status,
      healthText: healthText(), components: components(report), report: report)
  }

  private func healthText() -> [UInt8] {
    var text = ByteBuffer(capacity: 2_048)
    appendHealth(to: &text)
    return text.bytes.array()
  }

  private func components(_ report: HealthReport) -> [(name: String, isHealthy: Bool)] {
    var components = [
      ("log", report.isLogHealthy), ("space", report.isSpaceHealthy), ("snapshots", report.areSnapshotsHealthy),
    ]
    if tree != nil { components.append(("history_tree", report.isTreeHealthy)) }
    if reads != nil { components.append(("read_audit", report.isReadAuditHealthy)) }
    return components + [("index", true), ("zeromq", true)]
  }
}
