/// Single writes: put and delete, decided against the newest state.
package import Bytes
internal import KeyIndex
internal import LogStore

/// What the item's text turned into; the bytes were appended to the buffer that the normaliser was given.
package struct StoredItem: Sendable {
  package var kind: UInt8
  package var creationTime: Int64
  package var expiry: Int64

  package init(kind: UInt8, creationTime: Int64, expiry: Int64) {
    self.kind = kind
    self.creationTime = creationTime
    self.expiry = expiry
  }
}

/// Validates an item and appends it in its stored form. It is given the creation time of the live item that it
/// replaces (nil: there is none) and the time of the write.
package typealias Normaliser = (_ replacedCreation: Int64?, _ now: Int64, inout ByteBuffer) throws(HubError) ->
  StoredItem

extension MemoryHub {
  /// Puts one item.
  ///
  /// - Parameters:
  ///   - key: trimmed and valid (`KeyRules`).
  ///   - ifRevision: the revision that the key must have; 0: it must not exist; nil: no condition.
  /// - Throws: `conflict`, `storage_error`, `read_only`, `too_large`, `invalid_request` (a request id used again for
  ///   another content) and what `normalise` throws. Then nothing is written.
  package func put(
    key: RawSpan, ifRevision: UInt64?, by writer: borrowing Writer, normalise: Normaliser
  ) throws(HubError) -> WriteOutcome {
    if let repeated = try findRepeat(writer) { return try repeatedSingle(repeated, isPut: true) }
    let now = now()
    plan.begin(after: log.lastRevision)
    try planPut(key, ifRevision, now, remembering: false, index: nil, normalise)
    let ticket = try commit(writer)
    return WriteOutcome(ticket: ticket, result: plan.results[0])
  }

  /// Deletes one key. Nothing there is no error: `hit` is false and no revision is taken.
  package func delete(
    key: RawSpan, ifRevision: UInt64?, by writer: borrowing Writer
  ) throws(HubError) -> WriteOutcome {
    if let repeated = try findRepeat(writer) { return try repeatedSingle(repeated, isPut: false) }
    let now = now()
    plan.begin(after: log.lastRevision)
    try planDelete(key, ifRevision, now, remembering: false, index: nil)
    let result = plan.results[0]
    // Nothing there: the reply tells the newest revision, and so waits for it like any write. One that told an older
    // revision could follow a reply to the same client that told a newer one.
    guard result.hit else { return WriteOutcome(ticket: pendingTicket, result: result) }
    return WriteOutcome(ticket: try commit(writer), result: result)
  }

  /// The newest commit when it is not acknowledged, or else 0.
  var pendingTicket: UInt64 { lastTicket > acknowledgedTicket ? lastTicket : 0 }

  // MARK: Deciding

  /// The newest version of a key, planned, pending or acknowledged.
  struct Newest {
    var version: Version?
    /// The revision of the key's newest event; 0 when it never had one.
    var revision: Revision
    /// How that event links on.
    var link = ChainLink()
    /// The commit that it waits for; 0 when it is acknowledged.
    var ticket: UInt64
  }

  func newest(_ key: RawSpan, _ hash: KeyHash, countingPlan: Bool) throws(HubError) -> Newest {
    if countingPlan, let planned = plan.planned(hash) {
      return Newest(
        version: planned.version, revision: planned.fields.revision, link: ChainLink(planned.fields), ticket: 0)
    }
    if let pending = pending.newest(hash) {
      return Newest(
        version: pending.version, revision: pending.revision, link: pending.link, ticket: pending.ticket)
    }
    guard let value = state.index.get(key) else {
      let revision = state.deadRevision(key)
      return Newest(
        version: nil, revision: revision, link: revision == .none ? ChainLink() : deadLink(key), ticket: 0)
    }
    let entry = VersionEntry(value)
    if let (version, link) = recent.version(entry), !redactions.contains(entry.revision) {
      return Newest(version: version, revision: entry.revision, link: link, ticket: 0)
    }
    do {
      let header = try log.readHeader(at: entry.position, into: &recordScratch)
      var version = Version(header, at: entry.position)
      version.stateHash = redactions.stateHash(entry.revision) ?? version.stateHash
      return Newest(
        version: version, revision: entry.revision, link: ChainLink(header.fields),
        ticket: 0)
    } catch {
      throw HubError(error)
    }
  }

  /// Plans the EXPIRE of a version that is due, and gives what is there after it.
  private func expireIfDue(
    _ found: Newest, _ key: RawSpan, _ hash: KeyHash, _ now: Int64, remembering: Bool
  ) -> Newest {
    guard let version = found.version, version.isDue(at: now) else { return found }
    let expiry = planRemoval(.expire, key, hash, found, now, remembering: remembering)
    return Newest(version: nil, revision: expiry.revision, link: ChainLink(expiry), ticket: found.ticket)
  }

  func planPut(
    _ key: RawSpan, _ ifRevision: UInt64?, _ now: Int64, remembering: Bool, index: Int?, _ normalise: Normaliser
  ) throws(HubError) {
    let hash = KeyHash(key)
    let found = try newest(key, hash, countingPlan: true)
    try check(ifRevision, found, key, hash, now, index: index)
    let current = expireIfDue(found, key, hash, now, remembering: remembering)
    var fields = RecordFields(
      operation: current.version == nil ? .create : .update, revision: plan.nextRevision, time: now)
    let keyRange = plan.keep(key)
    let payloadStart = plan.arena.count
    let item = try normalise(current.version?.creationTime, now, &plan.arena)
    let payload = payloadStart..<plan.arena.count
    fields.itemKind = item.kind
    link(&fields, to: current, key, hash)
    fields.creationTime = item.creationTime
    fields.expiry = item.expiry
    fields.stateHash = stateHash(key, fields.revision, plan.arena, payload)
    if let version = current.version { plan.replaced.append((fields.revision, version.stateHash)) }
    plan.add(
      .init(fields: fields, key: keyRange, payload: payload, keyHash: hash, isOwn: false), remembering: remembering)
    plan.add(OperationResult(isPut: true, hit: current.version == nil, revision: fields.revision))
  }

  private func stateHash(
    _ key: RawSpan, _ revision: Revision, _ arena: borrowing ByteBuffer, _ payload: Range<Int>
  ) -> UInt128 {
    StateChecksum.block(key: key, revision: revision, item: arena.bytes.extracting(payload), scratch: &hashScratch)
  }

  /// Plans a delete. One that finds nothing tells the newest decided revision, and so waits for all that is under way.
  func planDelete(
    _ key: RawSpan, _ ifRevision: UInt64?, _ now: Int64, remembering: Bool, index: Int?
  ) throws(HubError) {
    let hash = KeyHash(key)
    let found = try newest(key, hash, countingPlan: true)
    try check(ifRevision, found, key, hash, now, index: index)
    guard let version = found.version, !version.isDue(at: now) else {
      plan.add(OperationResult(isPut: false, hit: false, revision: Revision(plan.nextRevision.value - 1)))
      return
    }
    planRemoval(.delete, key, hash, found, now, remembering: remembering)
    plan.add(OperationResult(isPut: false, hit: true, revision: Revision(plan.nextRevision.value - 1)))
  }

  @discardableResult
  func planRemoval(
    _ operation: Operation, _ key: RawSpan, _ hash: KeyHash, _ found: Newest, _ now: Int64, remembering: Bool
  ) -> RecordFields {
    guard let version = found.version else { preconditionFailure("only a live version is removed") }
    var fields = RecordFields(operation: operation, revision: plan.nextRevision, time: now)
    link(&fields, to: found, key, hash)
    plan.replaced.append((fields.revision, version.stateHash))
    let keyRange = plan.keep(key)
    plan.add(
      .init(fields: fields, key: keyRange, payload: 0..<0, keyHash: hash, isOwn: operation == .expire),
      remembering: remembering)
    return fields
  }

  private func check(
    _ ifRevision: UInt64?, _ found: Newest, _ key: RawSpan, _ hash: KeyHash, _ now: Int64, index: Int?
  ) throws(HubError) {
    guard let ifRevision else { return }
    func live(_ newest: Newest) -> Version? { newest.version.flatMap { $0.isDue(at: now) ? nil : $0 } }
    guard (live(found)?.entry.revision.value ?? 0) != ifRevision else { return }
    // What the client is told is what is there without its own refused batch.
    let current = try newest(key, hash, countingPlan: false)
    let there = live(current)
    let state = there.map { "has revision \($0.entry.revision)" } ?? "does not exist"
    var error = HubError(
      .conflict,
      ifRevision == 0
        ? "the key \(state), and if_revision 0 asks that it does not exist"
        : "the key \(state), and if_revision asks for \(ifRevision): read it again and decide anew")
    error.conflict = .init(current: there, index: index, ticket: current.ticket)
    throw error
  }

  // MARK: Writing

  /// Writes the planned records into the commit that is being built. Returns its ticket.
  func commit(_ writer: borrowing Writer, for use: RoomUse = .client) throws(HubError) -> UInt64 {
    do {
      try log.reserve(plan.recordBytes(namesOf: writer), for: use, waits: waitsForSegments)
    } catch {
      throw HubError(error)
    }
    let ticket = log.currentTicket
    append(plan.arena, writer, ticket)
    for (revision, hash) in plan.replaced { replacedHashes.add(revision, hash) }
    for (key, chain) in plan.heads { recentHeads.keep(chain, of: key) }
    return ticket
  }

  private func append(_ arena: borrowing ByteBuffer, _ writer: borrowing Writer, _ ticket: UInt64) {
    let requestHash = writer.isIdempotent ? requestHash(agent: writer.agent, request: writer.request) : nil
    let nothing = arena.bytes.extracting(0..<0)
    for index in plan.records.indices {
      let record = plan.records[index]
      var fields = record.fields
      fields.continues = index < plan.records.count - 1
      let key = arena.bytes.extracting(record.key)
      let payload = arena.bytes.extracting(record.payload)
      let position: RecordPosition
      if record.isOwn {
        position = log.append(
          fields, RecordNames(key: key, agent: nothing, correlation: nothing, request: nothing), payload: payload)
      } else {
        if requestHash != nil { fields.fingerprint = writer.fingerprint }
        position = log.append(
          fields,
          RecordNames(key: key, agent: writer.agent, correlation: writer.correlation, request: writer.request),
          payload: payload)
        if let requestHash {
          note(requestHash, fields, position, commitStart: plan.records[0].fields.revision, ticket: ticket)
        }
      }
      pending.set(
        record.keyHash, key,
        .init(
          ticket: ticket, revision: fields.revision, link: ChainLink(fields), version: record.version(at: position)))
    }
  }
}

extension WritePlan.Planned {
  /// The version that the record makes; nil when it removes the key. Its place is not known before it is written.
  fileprivate var version: Version? {
    version(at: RecordPosition(segment: SegmentNumber(0), offset: 0, length: 0))
  }

  fileprivate func version(at position: RecordPosition) -> Version? {
    guard fields.operation.isPut else { return nil }
    return Version(
      entry: VersionEntry(
        revision: fields.revision, itemKind: fields.itemKind, mayExpire: fields.expiry != 0, position: position),
      creationTime: fields.creationTime, expiry: fields.expiry, stateHash: fields.stateHash)
  }
}
