/// The sweeper: due keys become EXPIRE events. Readers do not wait for it; they look at the time themselves.
internal import Bytes
internal import LogStore

extension MemoryHub {
  /// Writes EXPIRE events for keys that are due, at most `limit` of them.
  ///
  /// - Throws: `storage_error`, `read_only`. A record that can not be read keeps its key from being swept, no other.
  package func sweep(limit: Int) throws(HubError) {
    let now = now()
    guard let next = state.expiries.nextExpiry, next <= now else { return }
    try expire(dueKeys(now, limit: limit), now)
  }

  /// Writes EXPIRE events for everything that is due, acknowledged or not: before the checksum is told, which is a
  /// function of the log.
  package func sweepAll() throws(HubError) {
    let now = now()
    try expire(dueKeys(now, limit: .max) + pending.expiringKeys, now)
  }

  private func dueKeys(_ now: Int64, limit: Int) -> [[UInt8]] {
    var due: [[UInt8]] = []
    state.expiries.forEachDue(at: now, limit: limit) { due.append($0.array()) }
    return due
  }

  private func expire(_ keys: [[UInt8]], _ now: Int64) throws(HubError) {
    let room = log.options.housekeepingBytesMax
    var bytes = 0
    var unreadable: HubError?
    plan.begin(after: log.lastRevision)
    for key in keys {
      bytes += RecordEncoder.size(names: key.count, payload: 0)
      if bytes > room {
        try commitExpiries()
        plan.begin(after: log.lastRevision)
        bytes = RecordEncoder.size(names: key.count, payload: 0)
      }
      do {
        try planExpiry(key, now)
      } catch {
        unreadable = error
      }
    }
    try commitExpiries()
    if let unreadable { throw unreadable }
  }

  private func commitExpiries() throws(HubError) {
    guard !plan.records.isEmpty else { return }
    let nobody = ByteBuffer(capacity: 16)
    let writer = Writer(agent: nobody.bytes, correlation: nobody.bytes, request: nobody.bytes, fingerprint: 0)
    _ = try commit(writer, for: .housekeeping)
  }

  private func planExpiry(_ bytes: [UInt8], _ now: Int64) throws(HubError) {
    let key = bytes.span.bytes
    let hash = KeyHash(key)
    let found = try newest(key, hash, countingPlan: true)
    // A write under way may have replaced or removed it, or this sweep have met it before.
    guard let version = found.version, version.isDue(at: now) else { return }
    planRemoval(.expire, key, hash, found, now, remembering: true)
  }
}
