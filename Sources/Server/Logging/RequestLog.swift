/// What the log says of requests: at `debug` a line for each, otherwise only what an operator has to look at.
internal import Evidence
internal import Hub
internal import LogStore
internal import Logging

/// What a line tells of one request. Made only when lines are written.
final class RequestTrace {
  var action = ""
  var agent = ""
  var correlation = ""
  var request = ""
  /// Bytes of the key; nil when the request names none. Neither key nor item is ever logged.
  var keyBytes: Int?
  /// Microseconds since 1970.
  var arrival: Int64 = 0
}

/// Owned by the request loop. Above `debug` it costs one look at a flag for each request.
final class RequestLog {
  private let logger: Logger
  /// Whether there is a line for each request.
  let isVerbose: Bool
  private var isPoisonTold = false
  private var roomTold = RoomTold.nothing
  private var treeTold: TreeProblem?
  private var treeNoticesTold = 0
  private var isReadAuditProblemTold = false
  private var nextFailure: Int64 = .min
  private var suppressed = 0

  /// Failures of requests within this time of a line are counted in the next one.
  private static let failurePauseMicroseconds: Int64 = 1_000_000

  init(logger: Logger) {
    self.logger = logger
    isVerbose = logger.logLevel <= .debug
  }

  /// A request was answered.
  ///
  /// - Parameter outcome: `ok` or the error's code.
  func answered(_ trace: RequestTrace, outcome: String, revision: UInt64, now: Int64) {
    var fields: Logger.Metadata = [
      "action": "\(trace.action)", "outcome": "\(outcome)", "microseconds": "\(max(0, now - trace.arrival))",
    ]
    for (name, value) in [
      ("agent_id", trace.agent), ("correlation_id", trace.correlation), ("request_id", trace.request),
    ] where !value.isEmpty { fields[name] = "\(value)" }
    if let keyBytes = trace.keyBytes { fields["key_bytes"] = "\(keyBytes)" }
    if revision > 0 { fields["revision"] = "\(revision)" }
    logger.debug("request", metadata: fields)
  }

  /// A request, or work of the hub's own, failed in a way that is not the client's doing.
  func failed(_ error: HubError, _ what: String, now: Int64 = SystemClock().now()) {
    guard error.code == .storageError || error.code == .internal, !isPoisonTold else { return }
    guard now >= nextFailure else {
      suppressed += 1
      return
    }
    nextFailure = now + RequestLog.failurePauseMicroseconds
    logger.warning(
      "\(what) failed: \(error.message)", metadata: ["code": "\(error.code.rawValue)", "suppressed": "\(suppressed)"])
    suppressed = 0
  }

  /// A snapshot has its name, or could not be written: then the next start reads more of the log.
  func snapshotEnded(_ status: SnapshotStatus) {
    if let failure = status.failure {
      logger.warning("no snapshot was written: \(failure.description)")
    } else if let revision = status.revision, status.taken > 0 {
      logger.info("snapshot written", metadata: ["revision": "\(revision)", "bytes": "\(status.bytes)"])
    }
  }

  func compactionEnded(_ status: CompactionStatus) {
    if let failure = status.failure {
      logger.warning("a segment was not packed: \(failure.description)")
    } else {
      logger.info(
        "segment packed",
        metadata: [
          "segments": "\(status.segments)", "bytes_before": "\(status.bytesBefore)",
          "bytes_after": "\(status.bytesAfter)",
        ])
    }
  }

  /// What the history tree has to say: each once.
  func tree(_ status: TreeStatus) {
    for notice in status.notices.dropFirst(treeNoticesTold) { logger.warning("\(notice)") }
    treeNoticesTold = max(treeNoticesTold, status.notices.count)
    guard status.problem != treeTold else { return }
    treeTold = status.problem
    if let problem = status.problem {
      logger.error(
        "the history tree does not go on, what is written now has no head: \(problem.message)",
        metadata: ["code": "\(problem.kind)"])
    } else {
      logger.notice("the history tree goes on")
    }
  }

  /// Whether reads are recorded. Told when it has changed.
  func readAudit(_ status: ReadAuditStatus) {
    guard (status.problem != nil) != isReadAuditProblemTold else { return }
    isReadAuditProblemTold = status.problem != nil
    let metadata: Logger.Metadata = ["reads_lost": "\(status.lost)"]
    if let problem = status.problem {
      logger.error("reads can not be recorded, it is tried again: \(LogError(problem).message)", metadata: metadata)
    } else {
      logger.notice("reads are recorded again", metadata: metadata)
    }
  }

  private enum RoomTold {
    case nothing, problem, readOnly
  }

  /// What room there is for writes. Told when it has changed.
  func room(_ room: RoomStatus) {
    let now: RoomTold = room.problem == nil ? .nothing : room.isReadOnly ? .readOnly : .problem
    guard now != roomTold else { return }
    roomTold = now
    switch now {
    case .nothing: logger.notice("the next segment is ready: writes are taken")
    case .problem:
      logger.warning(
        "the next segment can not be made, it is tried again: \(room.problem?.message ?? "")",
        metadata: ["bytes_left": "\(room.bytesLeft)"])
    case .readOnly:
      logger.error(
        "writes are refused until the next segment can be made: \(room.problem?.message ?? "")",
        metadata: ["code": "read_only"])
    }
  }

  /// The log takes no writes any more. Told once.
  func poisoned(_ failure: LogError) {
    guard !isPoisonTold else { return }
    isPoisonTold = true
    logger.error(
      "writes are refused until the hub is started again: \(failure.description)", metadata: ["code": "storage_error"])
  }
}
