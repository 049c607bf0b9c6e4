/// What a replay is asked for.
package import LogStore

/// Up to where the log is replayed.
package enum ReplayPoint: Equatable, Sendable {
  case everything
  /// Up to this revision and with it.
  case revision(Revision)
  /// Up to the last event not later than this; microseconds since 1970.
  case time(Int64)

  /// Whether a record lies behind the point.
  func isPassed(by fields: RecordFields, after last: Revision) -> Bool {
    switch self {
    case .everything: false
    case .revision(let revision): fields.operation.takesRevision ? fields.revision > revision : last >= revision
    case .time(let time): fields.time > time
    }
  }
}

package struct ReplayPlan: Sendable {
  package var point = ReplayPoint.everything
  /// Whose events become void.
  package var excludedAgents: [String] = []
  /// Go on where the source is damaged.
  package var salvages = false
  /// The identities and the time of the new store.
  package var store = StoreIdentity.random()
  package var lineage = StoreIdentity.random()
  package var now: Int64
  package var segmentBytes = LogBuilder.standardSegmentBytes
  /// Without threads everything runs in an order that depends on nothing but the source: for simulation.
  package var usesThreads = true

  package init(now: Int64) { self.now = now }
}

/// What came of it.
package struct ReplayOutcome: Equatable, Sendable {
  package var revision = Revision.none
  package var keys = 0
  /// 32 hexadecimal digits.
  package var checksum = ""
  /// Events that count: created, updated, deleted, expired.
  package var events: UInt64 = 0
  /// Events that became void.
  package var voided: UInt64 = 0
  /// Revisions that are lost, and told of in the new log.
  package var lost: UInt64 = 0
  /// The new store's epoch.
  package var epoch: UInt64 = 0
  /// The time of the first event in the source, and of the last one that was replayed.
  package var firstTime: Int64?
  package var lastTime: Int64?
  /// Whether something in the source lies behind the point.
  package var isCut = false
  /// The point lies inside of an atomic batch.
  package var cutsBatch = false
}

package enum ReplayFailure: Error, Equatable, Sendable {
  /// The source is damaged, and that was not allowed for. It was reported.
  case damaged
  /// The revision does not exist in the source: the newest is this.
  case beyondEnd(Revision)
  /// The point lies before everything that the source still has.
  case beforeStart(Revision)
  /// The new store can not be written.
  case target(LogError)
}
