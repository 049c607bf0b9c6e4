/// Reads of the past: a key as it was at a revision or at a time, and the row of its events. Only what is acknowledged
/// has a past.
package import Bytes
internal import KeyIndex
package import LogStore

extension MemoryHub {
  /// When a key is looked at.
  package enum Moment: Sendable {
    /// Behind the event with this revision, whatever has expired by the clock.
    case revision(Revision)
    /// Behind the last event that is not later, in microseconds since 1970, without what had expired by then.
    case time(Int64)
  }

  /// Whether a write is under way that belongs to what was there at `moment`: told now, it would be told otherwise later.
  package func isUnsettled(_ moment: Moment) -> Bool {
    guard case .time(let time) = moment, let first = log.firstPendingTime else { return false }
    return first <= time
  }

  /// Finds the version of a key that was live at a moment.
  ///
  /// - Throws: `invalid_request` for the future, `revision_compacted` (with `floor`) when the log does not tell any more,
  ///   `storage_error`.
  package func locate(_ key: RawSpan, at moment: Moment) throws(HubError) -> VersionEntry? {
    let revision = try revision(at: moment)
    try refuseBelowFloor(revision)
    guard let newest = state.newestEvent(key), let event = try past.newest(of: key, from: newest, through: revision)
    else {
      try refuseForgotten(revision)
      return nil
    }
    guard event.fields.operation.isPut else { return nil }
    let expiry = event.fields.expiry
    if case .time(let time) = moment, expiry != 0, expiry <= time { return nil }
    return VersionEntry(
      revision: event.fields.revision, itemKind: event.fields.itemKind, mayExpire: expiry != 0,
      position: event.position)
  }

  /// Appends the events of a key that come before revision `before`, newest first, as MemoryEvents with commas between
  /// them: at most `limit`, and at least one if there is any, as many as the reply can take up to `replyBytes`.
  ///
  /// - Returns: what the page tells of.
  /// - Throws: as `locate`, and `too_large` when not even one event finds room.
  package func appendHistory(
    of key: RawSpan, before: Revision, limit: Int, replyBytes: Int, to reply: inout ByteBuffer
  ) throws(HubError) -> HistoryPage {
    guard before.value > 1 else { return HistoryPage() }
    let through = Revision(before.value - 1)
    try refuseBelowFloor(through)
    guard let newest = state.newestEvent(key) else {
      try refuseForgotten(.none)
      return HistoryPage()
    }
    guard let event = try past.newest(of: key, from: newest, through: through) else { return HistoryPage() }
    return try past.appendPage(
      of: key, from: event, .init(events: limit, replyBytes: replyBytes), to: &reply)
  }

  /// For tests: how many records were read to find what was.
  package var pastReads: UInt64 { past.reads }

  private func revision(at moment: Moment) throws(HubError) -> Revision {
    switch moment {
    case .revision(let revision):
      guard revision <= log.acknowledgedRevision else {
        throw HubError(
          .invalidRequest,
          "at_revision is \(revision), this hub is at revision \(log.acknowledgedRevision): leave it out for the present"
        )
      }
      return revision
    case .time(let time):
      let now = now()
      guard time <= now else {
        var text = ByteBuffer()
        Timestamp.append(now, to: &text)
        throw HubError(
          .invalidRequest,
          "at_time is in the future, and what will be there can not be told: on this hub it is \(text.bytes.text())")
      }
      do { return try log.newestRevision(at: time) } catch { throw HubError(error) }
    }
  }

  /// What is before the first revision that the log has is gone, unless that is the first of all.
  private func refuseBelowFloor(_ revision: Revision) throws(HubError) {
    let floor: Revision
    do { floor = try log.firstRevision() } catch { throw HubError(error) }
    guard revision < floor, floor.value > 1 else { return }
    var error = HubError(
      .revisionCompacted, "the log begins with revision \(floor): what was there before it can not be told any more")
    error.floor = floor
    throw error
  }

  /// A key without a known event may have been deleted so long ago that it is not among those that are remembered.
  func refuseForgotten(_ revision: Revision) throws(HubError) {
    let floor = state.forgottenThrough
    guard revision < floor else { return }
    var error = HubError(
      .revisionCompacted,
      "no event of this key is known, and more keys are deleted than are remembered (\(limits.deadKeys)): "
        + "what was there before revision \(floor) can not be told; logstore-dump --key reads all of the log")
    error.floor = floor
    throw error
  }
}
