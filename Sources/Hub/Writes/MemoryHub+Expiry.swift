/// The sweeper: due keys become EXPIRE events. Readers do not wait for it; they look at the time themselves.
internal import Bytes
internal import LogStore

extension MemoryHub {
  /// Writes EXPIRE events for keys that are due, at most `limit` of them.
  package func sweep(limit: Int) throws(HubError) {
    let now = now()
    guard let next = state.expiries.nextExpiry, next <= now else { return }
    try expire(dueKeys(now, limit: limit)[...], now)
  }

  /// Writes EXPIRE events for everything that is due: before the checksum is told, which is a function of the log.
  package func sweepAll() throws(HubError) {
    let now = now()
    var left = dueKeys(now, limit: .max)[...]
    while !left.isEmpty {
      try expire(left.prefix(MemoryHub.expiriesPerCommit), now)
      left = left.dropFirst(MemoryHub.expiriesPerCommit)
    }
  }

  private static let expiriesPerCommit = 2_048

  private func dueKeys(_ now: Int64, limit: Int) -> [[UInt8]] {
    var due: [[UInt8]] = []
    state.expiries.forEachDue(at: now, limit: limit) { due.append($0.array()) }
    return due
  }

  private func expire(_ keys: ArraySlice<[UInt8]>, _ now: Int64) throws(HubError) {
    plan.begin(after: log.lastRevision)
    for key in keys { try planExpiry(key, now) }
    guard !plan.records.isEmpty else { return }
    let nobody = ByteBuffer(capacity: 16)
    _ = try commit(Writer(agent: nobody.bytes, correlation: nobody.bytes, request: nobody.bytes, fingerprint: 0))
  }

  private func planExpiry(_ bytes: [UInt8], _ now: Int64) throws(HubError) {
    let key = bytes.span.bytes
    let hash = KeyHash(key)
    let found = try newest(key, hash, countingPlan: false)
    // A pending write has replaced or removed it already: then there is nothing to expire.
    guard let version = found.version, version.isDue(at: now), found.ticket == 0 else { return }
    planRemoval(.expire, key, hash, found, now, remembering: false)
  }
}
