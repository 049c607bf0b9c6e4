/// What the loop does beside requests: handshakes, the keys, expiry, snapshots, what the log does in the background.
internal import Evidence
internal import Hub
internal import LogStore
internal import ZeroMQ

extension RequestLoop {
  private static let sweepIntervalMicroseconds: Int64 = 50_000
  private static let sweepKeysMax = 1_000
  /// After this long without a write the log gets a stamp.
  private static let idleMicroseconds: Int64 = 1_000_000

  /// Sweeps what has expired, and stamps a log that has come to rest.
  func keepHouse() throws {
    let now = hub.clock.now()
    arrival = now
    // A clock that was set back must not put all this off until it has caught up.
    if hub.log.inFlightCount > 0 || hub.log.buildingBytes > 0 || now < lastWork { lastWork = now }
    guard now >= nextSweep || now < nextSweep - RequestLoop.sweepIntervalMicroseconds else { return }
    nextSweep = now + RequestLoop.sweepIntervalMicroseconds
    sender.keepHouse()
    processor.agents?.forget(now: SteadyClock.now())
    processor.keepAccess()
    while let event = try monitor?.next() { connections.take(event) }
    if let reads = processor.reads {
      reads.turn(now: now)
      processor.log.readAudit(reads.status)
    }
    if let failure = hub.failure {
      processor.log.poisoned(failure)
      return
    }
    processor.log.room(hub.log.roomStatus)
    if let tree = processor.tree {
      tree.follow(hub.log.durableEnd)
      processor.log.tree(tree.status)
    }
    hub.stepErasure()
    hub.stepRetention()
    if hub.log.stepCompaction() { processor.log.compactionEnded(hub.log.compactionStatus) }
    if hub.log.canTakeMore { sweep() }
    if now - lastWork >= RequestLoop.idleMicroseconds { hub.log.stampIfIdle() }
  }

  func answer(_ zap: ZapHandler) throws {
    guard let access = processor.access else { preconditionFailure("a list of clients is part of access control") }
    try zap.answer(access)
    service.counters.clientsAccepted = zap.accepted
    service.counters.clientsRefused = zap.refused
  }

  private func sweep() {
    do {
      try hub.sweep(limit: RequestLoop.sweepKeysMax)
    } catch {
      // Without room it is tried again all the time: who asks for the key finds it absent either way.
      guard error.code != .readOnly, !error.isForLater else { return }
      service.counters.count(error.code)
      processor.log.failed(error, "the sweep of expired keys")
    }
  }

  /// A snapshot under way gets its share of every turn; one that is due is begun.
  func stepSnapshot() {
    if hub.isSnapshotDue { hub.beginSnapshot() }
    let step = hub.stepSnapshot()
    isSnapshotBusy = step == .busy
    if step == .done { processor.log.snapshotEnded(hub.snapshots) }
  }
}
