/// Where a revision or a time lies in an open log, among what is acknowledged, in time logarithmic in the log's length.

/// What the log has of a revision.
package enum FoundRevision: Equatable, Sendable {
  case record(RecordPosition)
  /// A salvage found it lost.
  case lost(GapRecord)
  /// It was never given, is not acknowledged, or the log begins behind it.
  case none
}

extension RecordLog {
  /// Where the record of a revision lies, or why there is none.
  ///
  /// - Throws: `LogError`: `damaged` when it should be there and is not, `io`.
  package func find(_ revision: Revision) throws(LogError) -> FoundRevision { try lookup.find(revision, acknowledged) }

  /// The position of the record of a revision; nil when there is none, see `find`.
  package func position(of revision: Revision) throws(LogError) -> RecordPosition? {
    if case .record(let position) = try find(revision) { position } else { nil }
  }

  /// The revision of the newest record that is not later than `time`, in microseconds since 1970: with all records up
  /// to it, what was there at that time. `none` when the log begins later.
  package func newestRevision(at time: Int64) throws(LogError) -> Revision {
    try lookup.newestRevision(at: time, acknowledged)
  }

  /// The first revision that the log still has; the next one to be given when it has none. What came before is gone
  /// (`revision_compacted`). Gap records may still stand for later ones.
  package func firstRevision() throws(LogError) -> Revision { try lookup.firstRevision(acknowledged) }

  /// From this revision on the past is whole: before it the retention has let events go. 0: it has not.
  package var floor: Revision { supply.manifest.floor }

  /// The time of the first record that is not yet acknowledged; nil when there is none.
  package var firstPendingTime: Int64? {
    inFlight.lazy.compactMap(\.firstTime).first ?? building?.firstTime
  }
}
