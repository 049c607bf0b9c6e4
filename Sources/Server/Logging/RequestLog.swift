/// What the log says of requests: at `debug` a line for each, otherwise only what an operator has to look at, among it
/// requests that took long.
internal import Evidence
internal import Hub
internal import LogStore
internal import Logging

/// Owned by the request loop. Above `debug` it costs one look at a flag for each request.
final class RequestLog {
  private let logger: Logger
  /// Whether there is a line for each request.
  let isVerbose: Bool
  /// A request that takes longer is told of; `.max` when none is.
  private let slowMicroseconds: Int64
  private var isPoisonTold = false
  private var roomTold = RoomTold.nothing
  private var treeTold: TreeProblem?
  private var treeNoticesTold = 0
  private var isReadAuditProblemTold = false
  private var nextFailure: Int64 = .min
  private var suppressed = 0
  private var nextRefusal: Int64 = .min
  private var refusedKeys = 0

  private var slowSince: Int64 = 0
  private var slowTold = 0
  private var slowSuppressed = 0

  /// Failures of requests within this time of a line are counted in the next one.
  private static let failurePauseMicroseconds: Int64 = 1_000_000
  /// So many slow requests of one second have a line. A disk that stalls makes thousands slow at once, and a log that
  /// fills it would make things worse.
  private static let slowLinesMax = 10

  /// - Parameter slowMilliseconds: a request that takes as long has a line of its own at every level up to `warning`; 0: none has.
  init(logger: Logger, slowMilliseconds: Int = 0) {
    self.logger = logger
    isVerbose = logger.logLevel <= .debug
    slowMicroseconds =
      slowMilliseconds > 0 && logger.logLevel <= .warning ? Int64(slowMilliseconds) * 1_000 : .max
  }

  /// Whether it matters when a request has come.
  var takesTimes: Bool { isVerbose || slowMicroseconds < .max }

  /// Whether there is anything to tell of a request that was answered.
  func wants(arrival: Int64, now: Int64) -> Bool {
    isVerbose || (arrival > 0 && now - arrival >= slowMicroseconds)
  }

  /// A request was answered.
  ///
  /// - Parameter failure: nil when it succeeded.
  func answered(_ trace: RequestTrace, failure: ErrorCode?, revision: UInt64, now: Int64) {
    var fields = trace.fields
    fields["outcome"] = "\(failure?.rawValue ?? "ok")"
    fields["microseconds"] = "\(max(0, now - trace.arrival))"
    if let failure { fields["category"] = "\(ErrorCategory(failure).rawValue)" }
    if revision > 0 { fields["revision"] = "\(revision)" }
    if isVerbose { logger.debug("request", metadata: fields) }
    if trace.arrival > 0, now - trace.arrival >= slowMicroseconds { slow(fields, now: now) }
  }

  private func slow(_ fields: Logger.Metadata, now: Int64) {
    // The clock may have been set back.
    if now - slowSince >= RequestLog.failurePauseMicroseconds || now < slowSince {
      slowSince = now
      slowTold = 0
    }
    guard slowTold < RequestLog.slowLinesMax else {
      slowSuppressed += 1
      return
    }
    slowTold += 1
    logger.warning("slow request", metadata: fields.merging(["suppressed": "\(slowSuppressed)"]) { $1 })
    slowSuppressed = 0
  }

  /// Commits have become durable, up to the one with the number `ticket`. With the revision of its line, a request is
  /// found in the line of its commit, and with its correlation id in the log itself.
  func committed(_ revisions: ClosedRange<UInt64>, through ticket: UInt64, commits: UInt64) {
    logger.debug(
      "commit",
      metadata: [
        "first_revision": "\(revisions.lowerBound)", "last_revision": "\(revisions.upperBound)",
        "commit": "\(ticket)", "commits": "\(commits)",
      ])
  }

  /// A request, or work of the hub's own, failed in a way that is not the client's doing.
  func failed(_ error: HubError, _ what: String, now: Int64 = SystemClock().now()) {
    guard error.code == .storageError || error.code == .internal, !isPoisonTold else { return }
    guard now >= nextFailure else {
      suppressed += 1
      return
    }
    nextFailure = now + RequestLog.failurePauseMicroseconds
    logger.problem(
      .warning, ErrorCategory(error.code), "\(what) failed: \(error.message)",
      ["code": "\(error.code.rawValue)", "suppressed": "\(suppressed)"])
    suppressed = 0
  }

  /// A snapshot has its name, or could not be written: then the next start reads more of the log.
  func snapshotEnded(_ status: SnapshotStatus) {
    if let failure = status.failure {
      logger.problem(.warning, .storage, "no snapshot was written: \(failure.description)")
    } else if let revision = status.revision, status.taken > 0 {
      logger.info("snapshot written", metadata: ["revision": "\(revision)", "bytes": "\(status.bytes)"])
    }
  }

  func compactionEnded(_ status: CompactionStatus) {
    if let failure = status.failure {
      logger.problem(.warning, .storage, "a segment was not packed: \(failure.description)")
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
    for notice in status.notices.dropFirst(treeNoticesTold) { logger.problem(.warning, .storage, "\(notice)") }
    treeNoticesTold = max(treeNoticesTold, status.notices.count)
    guard status.problem != treeTold else { return }
    treeTold = status.problem
    if let problem = status.problem {
      logger.problem(
        .error, .storage, "the history tree does not go on, what is written now has no head: \(problem.message)",
        ["code": "\(problem.kind)"])
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
      logger.problem(
        .error, .storage, "reads can not be recorded, it is tried again: \(LogError(problem).message)", metadata)
    } else {
      logger.notice("reads are recorded again", metadata: metadata)
    }
  }

  /// A request had no valid key. One line a second at most: who tries keys must not fill the disk. What was tried is not
  /// told.
  func refusedKey(_ error: HubError, times: Int = 1, now: Int64 = SteadyClock.now()) {
    refusedKeys += times
    guard now >= nextRefusal else { return }
    nextRefusal = now + RequestLog.failurePauseMicroseconds
    logger.problem(
      .warning, ErrorCategory(error.code), "a request was refused: \(error.message)",
      ["code": "\(error.code.rawValue)", "refused_requests": "\(refusedKeys)"])
    refusedKeys = 0
  }

  /// Another state of the key file was looked at.
  func keyFile(_ access: AccessControl) {
    if let problem = access.problem {
      logger.problem(.error, .configuration, "the keys from before are used: \(problem)")
    } else {
      logger.notice(
        "keys read",
        metadata: [
          "keys": "\(access.tokenCount)", "curve_keys": "\(access.curveKeyCount)",
          "certificates": "\(access.certificateCount)",
        ])
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
      logger.problem(
        .warning, .storage, "the next segment can not be made, it is tried again: \(room.problem?.message ?? "")",
        ["bytes_left": "\(room.bytesLeft)"])
    case .readOnly:
      logger.problem(
        .error, .storage, "writes are refused until the next segment can be made: \(room.problem?.message ?? "")",
        ["code": "read_only"])
    }
  }

  /// The log takes no writes any more. Told once.
  func poisoned(_ failure: LogError) {
    guard !isPoisonTold else { return }
    isPoisonTold = true
    logger.problem(
      .error, .storage, "writes are refused until the hub is started again: \(failure.description)",
      ["code": "storage_error"])
  }
}
