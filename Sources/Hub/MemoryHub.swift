/// The hub: memories under keys, with revisions, conditions, expiry and idempotent writes, on top of a record log.
///
/// One thread owns it (the request loop). A write is decided at once, against the newest state including what is not
/// yet acknowledged; its outcome names a ticket, and `acknowledgedTicket` tells when that has become true. Reads see
/// acknowledged state, unless the caller asks for its own pending writes too and waits for their ticket.
internal import Bytes
package import LogStore

package final class MemoryHub {
  package let log: RecordLog
  package let state: HubState
  package let limits: HubLimits
  package let clock: any HubClock
  let plan = WritePlan()
  var pending = PendingVersions()
  var requests: RequestMemory
  /// The state hashes of the live versions that the records under way replace, in order of their revisions.
  var replacedHashes = ReplacedHashes()
  var recordScratch = ByteBuffer(capacity: 8_192)
  var hashScratch = ByteBuffer(capacity: 8_192)
  var requestScratch = ByteBuffer(capacity: 1_024)
  /// The newest commit whose effects are in `state`.
  package private(set) var acknowledgedTicket: UInt64
  package let openedAt: Int64

  /// Opens a hub on a log: reads all of it and builds the state.
  ///
  /// - Throws: `LogError` when the log can not be read as a whole.
  package init(log: RecordLog, limits: HubLimits, clock: any HubClock) throws(LogError) {
    self.log = log
    self.limits = limits
    self.clock = clock
    state = HubState(deadKeysMax: limits.deadKeys)
    requests = RequestMemory(countMax: limits.rememberedRequests, ageMaxMicroseconds: limits.rememberedMicroseconds)
    acknowledgedTicket = 0
    openedAt = clock.now()
    try rebuild()
  }

  private func rebuild() throws(LogError) {
    let oldestRemembered = clock.now() - limits.rememberedMicroseconds
    var buffer = ByteBuffer(capacity: 4_096)
    let log = log
    try log.replay { (header, position, record) throws(LogError) in
      try state.apply(header, at: position, key: record.extracting(header.keyRange)) {
        (replaced) throws(LogError) in try log.readHeader(at: replaced.position, into: &buffer).fields.stateHash
      }
      if header.requestBytes > 0, header.agentBytes > 0, header.fields.time >= oldestRemembered {
        remember(header, position, record)
      }
    }
  }

  private func remember(_ header: RecordHeader, _ position: RecordPosition, _ record: RawSpan) {
    let request = requestHash(
      agent: record.extracting(header.agentRange), request: record.extracting(header.requestRange))
    note(request, header.fields, position, ticket: 0)
  }

  /// Notes a record that bears a request id: the first one of a request, or one more of the same batch.
  func note(_ request: KeyHash, _ fields: RecordFields, _ position: RecordPosition, ticket: UInt64) {
    if let known = requests.find(request, now: fields.time), known.fingerprint == fields.fingerprint {
      requests.extend(request)
      return
    }
    requests.remember(
      request,
      .init(
        fingerprint: fields.fingerprint, ticket: ticket, firstRecord: position, recordCount: 1, time: fields.time,
        operation: fields.operation, revision: fields.revision))
  }

  func requestHash(agent: RawSpan, request: RawSpan) -> KeyHash {
    requestScratch.removeAll()
    requestScratch.append(littleEndian: UInt32(agent.byteCount))
    requestScratch.append(agent)
    requestScratch.append(request)
    return MemoryHub.hash(requestScratch)
  }

  private static func hash(_ buffer: borrowing ByteBuffer) -> KeyHash { KeyHash(buffer.bytes) }

  /// The time of what happens now: never less than that of anything before.
  package func now() -> Int64 { log.nextTime(clock.now()) }

  // MARK: Commits

  /// Hands what was decided to the disk. Does nothing when nothing was.
  package func submit() { log.submit() }

  /// Takes the commits that have become durable into the state. Returns whether there were any.
  @discardableResult
  package func settle() throws(LogError) -> Bool {
    let completed = log.completedTicket
    guard completed > acknowledgedTicket else { return false }
    while let buffer = log.takeCompleted(through: completed) {
      try apply(buffer)
      log.recycle(buffer)
    }
    acknowledgedTicket = completed
    return true
  }

  private func apply(_ buffer: CommitBuffer) throws(LogError) {
    guard buffer.header.kind == .commit else { return }
    try buffer.forEachRecord { (header, position, record) throws(LogError) in
      let key = record.extracting(header.keyRange)
      try state.apply(header, at: position, key: key) { (_) throws(LogError) in
        replacedHashes.take(header.fields.revision)
      }
      pending.settle(KeyHash(key), ticket: buffer.ticket)
    }
  }

  /// The newest commit, submitted or not.
  package var lastTicket: UInt64 { log.lastTicket }

  package var rememberedRequests: Int { requests.count }

  /// Why writes are refused; nil while they are not.
  package var failure: LogError? { log.failure }
}

/// A queue of (revision, hash): filled when writes are decided, emptied in the same order when they are acknowledged.
struct ReplacedHashes {
  private var entries: [(Revision, UInt128)] = []
  private var first = 0

  mutating func add(_ revision: Revision, _ hash: UInt128) { entries.append((revision, hash)) }

  mutating func take(_ revision: Revision) -> UInt128 {
    precondition(first < entries.count && entries[first].0 == revision, "replaced versions settle in their order")
    defer {
      first += 1
      if first == entries.count {
        entries.removeAll(keepingCapacity: true)
        first = 0
      } else if first > 4_096, first > entries.count / 2 {
        entries.removeFirst(first)
        first = 0
      }
    }
    return entries[first].1
  }
}

extension HubError {
  /// A log that can not be read or written, as clients see it.
  package init(_ error: LogError) {
    switch error.code {
    case .tooLarge: self.init(.tooLarge, error.message)
    default: self.init(.storageError, error.description)
    }
  }
}
