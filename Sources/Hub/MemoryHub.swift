/// The hub: memories under keys, with revisions, conditions, expiry and idempotent writes, on top of a record log.
///
/// One thread owns it (the request loop). A write is decided at once, against the newest state including what is not
/// yet acknowledged; its outcome names a ticket, and `acknowledgedTicket` tells when that has become true. Reads see
/// acknowledged state, unless the caller asks for its own pending writes too and waits for their ticket.
internal import Bytes
package import LogStore

package final class MemoryHub {
  package let log: RecordLog
  // Unchecked exclusivity: one thread owns this object, and asking at every access costs a tenth of a write.
  @exclusivity(unchecked) package private(set) var state: HubState
  package let limits: HubLimits
  package let clock: any HubClock
  let plan = WritePlan()
  let past: PastReader
  @exclusivity(unchecked) var pending = PendingVersions()
  @exclusivity(unchecked) var requests: RequestMemory
  @exclusivity(unchecked) var recent = RecentVersions()
  @exclusivity(unchecked) var recentHeads = RecentHeads()
  /// For tests: how many records were read to link new ones.
  @exclusivity(unchecked) package var linkReads: UInt64 = 0
  /// The state hashes of the live versions that the records under way replace, in order of their revisions.
  @exclusivity(unchecked) var replacedHashes = ReplacedHashes()
  @exclusivity(unchecked) var recordScratch = ByteBuffer(capacity: 8_192)
  @exclusivity(unchecked) var hashScratch = ByteBuffer(capacity: 8_192)
  @exclusivity(unchecked) var requestScratch = ByteBuffer(capacity: 1_024)
  @exclusivity(unchecked) var eventEncoder = MemoryEventEncoder()
  @exclusivity(unchecked) var passedPlaces = PassedPlaces()
  /// Who is to be told of acknowledged events.
  @exclusivity(unchecked) package var feedWatch = FeedWatch()
  /// Outcomes of batches with a request id that are under way: their records can not be read back yet.
  @exclusivity(unchecked) var pendingBatches: [KeyHash: (ticket: UInt64, results: [OperationResult])] = [:]
  /// The newest commit whose effects are in `state`.
  @exclusivity(unchecked) package private(set) var acknowledgedTicket: UInt64
  package let openedAt: Int64
  /// Whether a write waits inside of the call when the next segment is still being made. An owner with other things to
  /// do sets it to false, and gets `HubError.isForLater`.
  package var waitsForSegments = true
  /// Where the log goes on behind the newest commit whose effects are in `state`.
  @exclusivity(unchecked) private(set) var acknowledgedPlace: LogPlace
  @exclusivity(unchecked) package internal(set) var snapshots = SnapshotStatus()
  @exclusivity(unchecked) var redactions = Redactions()
  @exclusivity(unchecked) var snapshotTaker: SnapshotTaker?

  /// Opens a hub on a log: loads the newest snapshot and reads the log behind it, or else all of the log.
  ///
  /// - Throws: `LogError` when the log can not be read as a whole.
  package init(log: RecordLog, limits: HubLimits, clock: any HubClock) throws(LogError) {
    self.log = log
    past = PastReader(log: log)
    self.limits = limits
    self.clock = clock
    state = HubState(deadKeysMax: limits.deadKeys)
    requests = RequestMemory(countMax: limits.rememberedRequests, ageMaxMicroseconds: limits.rememberedMicroseconds)
    acknowledgedTicket = 0
    acknowledgedPlace = log.endPlace
    openedAt = clock.now()
    let loaded = try loadSnapshot()
    if let loaded {
      state = loaded.state
      requests = loaded.requests
    }
    try rebuild(from: loaded)
  }

  /// Notes a record that bears a request id: the first one of a request, or one more of the same batch.
  func note(
    _ request: KeyHash, _ fields: RecordFields, _ position: RecordPosition, commitStart: Revision, ticket: UInt64
  ) {
    if let known = requests.find(request, now: fields.time), known.commitStart == commitStart {
      requests.extend(request)
      return
    }
    requests.remember(
      request,
      .init(
        fingerprint: fields.fingerprint, ticket: ticket, firstRecord: position, recordCount: 1, time: fields.time,
        operation: fields.operation, revision: fields.revision, commitStart: commitStart))
  }

  func requestHash(agent: RawSpan, request: RawSpan) -> KeyHash {
    requestScratch.removeAll()
    requestScratch.append(littleEndian: UInt32(agent.byteCount))
    requestScratch.append(agent)
    requestScratch.append(request)
    return MemoryHub.hash(requestScratch, seed: requests.seed)
  }

  private static func hash(_ buffer: borrowing ByteBuffer, seed: UInt64) -> KeyHash {
    KeyHash(buffer.bytes, seed: seed)
  }

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
    pending.settle(through: completed)
    if !pendingBatches.isEmpty { pendingBatches = pendingBatches.filter { $0.value.ticket > completed } }
    return true
  }

  private func apply(_ buffer: CommitBuffer) throws(LogError) {
    acknowledgedPlace = buffer.placeBehind
    guard buffer.header.kind == .commit else { return }
    try buffer.forEachRecord { (header, position, record) throws(LogError) in
      if header.fields.operation == .redaction { return try applyRedaction(header, record) }
      let key = record.extracting(header.keyRange)
      try state.apply(header, at: position, key: key) { (_) throws(LogError) in
        replacedHashes.take(header.fields.revision)
      }
      pending.settle(KeyHash(key), ticket: buffer.ticket)
      recent.note(header.fields)
      if passedPlaces.isInUse, header.fields.operation.isPut {
        passedPlaces.note(header.fields.revision, at: position)
      }
      if !feedWatch.isEmpty, header.fields.operation.isEvent { feedWatch.note(header.fields.revision, key: key) }
    }
  }

  /// The newest commit, submitted or not.
  package var lastTicket: UInt64 { log.lastTicket }

  package var rememberedRequests: Int { requests.count }

  /// Why writes are refused for good; nil while they are not.
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
    case .noRoom: self.init(.readOnly, error.message)
    case .busy:
      self.init(.overloaded, error.message)
      isForLater = true
    default: self.init(.storageError, error.description)
    }
  }
}
