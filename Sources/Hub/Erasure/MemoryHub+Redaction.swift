/// Erasure of items: what a redaction means for the state, and in which order its traces go. See
/// docs/decisions/0023-erasure.md.
internal import Bytes
internal import KeyIndex
package import LogStore

/// What a redaction took on.
package struct RedactionOutcome: Sendable {
  /// The commit that makes it so; 0 when there was nothing to erase.
  package var ticket: UInt64 = 0
  /// In rising order.
  package var revisions: [Revision] = []
  /// The key may have more versions, before this revision: ask again for those. None when it has not.
  package var before = Revision.none

  package var hasMore: Bool { before != .none }
}

/// The receipt of all redactions.
package struct HubErasureStatus: Sendable {
  /// How many versions are redacted and not yet erased everywhere.
  package var revisions: Int
  /// Files of the store that hold, or may hold, what is to be erased.
  package var files: [String]
  /// Why the last attempt failed; nil when it did not.
  package var failure: LogError?
}

extension MemoryHub {
  /// Versions that one redaction takes at most.
  package static let redactionsMax = 1_024
  /// Events that are looked at for one at most: other clients wait meanwhile.
  private static let looksMax = 4_096

  /// Whether nothing is left of what was redacted.
  package var isErasureDone: Bool { redactions.isEmpty && log.isErasureDone }

  /// Redacts the item of one revision, which is acknowledged.
  ///
  /// - Throws: `invalid_request` when there is no such item, `revision_compacted`, and what writes throw.
  package func redact(
    _ revision: Revision, reason: String, by writer: borrowing Writer
  ) throws(HubError) -> RedactionOutcome {
    do {
      guard case .record(let position) = try log.find(revision) else {
        throw HubError(
          .invalidRequest,
          "revision \(revision) is not in the log, which ends with revision \(log.acknowledgedRevision)")
      }
      let header = try log.readRecord(at: position, into: &recordScratch)
      if header.fields.operation == .dropped { throw HubError.dropped(revision, floor: log.floor) }
      guard header.fields.operation.isPut else {
        throw HubError(
          .invalidRequest, "revision \(revision) is a \(header.fields.operation.eventType) and has no item to erase")
      }
      guard header.codec != .redacted, !redactions.contains(revision) else { return RedactionOutcome() }
      var outcome = RedactionOutcome()
      outcome.revisions = [revision]
      outcome.ticket = try appendRedaction(outcome.revisions, key: [], reason, writer)
      return outcome
    } catch let error as LogError {
      throw HubError(error)
    } catch let error as HubError {
      throw error
    } catch {
      preconditionFailure("only errors of the log and the hub are thrown here: \(error)")
    }
  }

  /// Redacts all items that a key ever had before revision `before`, as far as they are acknowledged: the newest 1,024 of
  /// those that are left.
  package func redact(
    key: RawSpan, before: Revision, reason: String, by writer: borrowing Writer
  ) throws(HubError) -> RedactionOutcome {
    var outcome = RedactionOutcome()
    guard before.value > 1 else { return outcome }
    guard let newest = state.newestEvent(key) else {
      try refuseForgotten(.none)
      return outcome
    }
    let redactions = redactions
    var looks = 0
    try past.forEachEvent(of: key, from: newest, through: Revision(before.value - 1)) { event in
      let revision = event.fields.revision
      guard outcome.revisions.count < MemoryHub.redactionsMax, looks < MemoryHub.looksMax else {
        outcome.before = revision.next
        return false
      }
      looks += 1
      if event.fields.operation.isPut, event.header.codec != .redacted, !redactions.contains(revision) {
        outcome.revisions.append(revision)
      }
      return true
    }
    guard !outcome.revisions.isEmpty else { return outcome }
    outcome.revisions.reverse()
    outcome.ticket = try appendRedaction(outcome.revisions, key: key.array(), reason, writer)
    return outcome
  }

  private func appendRedaction(
    _ revisions: [Revision], key: [UInt8], _ reason: String, _ writer: borrowing Writer
  ) throws(HubError) -> UInt64 {
    let payload = RedactionRecord(revisions: revisions, reason: reason).encode()
    let names = key.count + writer.agent.byteCount + writer.correlation.byteCount + writer.request.byteCount
    do {
      var hashes: [UInt128] = []
      for revision in revisions {
        guard let found = try findItem(revision) else { preconditionFailure("it was found just now") }
        hashes.append(found.redactedHash)
      }
      try log.reserve(
        RecordEncoder.size(names: names, payload: payload.count), waits: waitsForSegments, isBehindAll: true)
      for (revision, hash) in zip(revisions, hashes) { take(revision, stateHash: hash) }
      redactions.unsettled += 1
    } catch {
      throw HubError(error)
    }
    let ticket = log.currentTicket
    _ = log.append(
      RecordFields(operation: .redaction, revision: .none, time: now()),
      RecordNames(
        key: key.span.bytes, agent: writer.agent, correlation: writer.correlation, request: writer.request),
      payload: payload.bytes)
    return ticket
  }

  /// From now on nobody is told the item.
  private func take(_ revision: Revision, stateHash: UInt128) {
    redactions.insert(revision, stateHash: stateHash)
    past.redactions = redactions
    recent.forget(revision)
  }

  private struct FoundItem {
    let header: RecordHeader
    let position: RecordPosition
    /// The checksum's block that the version has once it is redacted.
    let redactedHash: UInt128
  }

  /// Reads an item that is to be redacted into `recordScratch`; nil when it is gone already: redacted, let go by the
  /// retention, or lost.
  private func findItem(_ revision: Revision) throws(LogError) -> FoundItem? {
    guard let position = try log.position(of: revision) else { return nil }
    let header = try log.readRecord(at: position, into: &recordScratch)
    guard header.fields.revision == revision, header.fields.operation.isPut, header.codec != .redacted else {
      return nil
    }
    return FoundItem(
      header: header, position: position, redactedHash: try MemoryHub.redactedStateHash(header, recordScratch))
  }

  private static func redactedStateHash(
    _ header: RecordHeader, _ record: borrowing ByteBuffer
  ) throws(LogError) -> UInt128 {
    try RecordLeaf.redactedStateHash(header, record.bytes)
  }

  /// Takes in a redaction that is acknowledged, or was read from the log at the start: then what it names may be gone.
  func applyRedaction(_ header: RecordHeader, _ record: RawSpan) throws(LogError) {
    let redaction: RedactionRecord
    do {
      redaction = try RedactionRecord.decode(record.extracting(header.payloadRange))
    } catch {
      throw LogError(.damaged, "a redaction record can not be read (\(error.text))")
    }
    redactions.unsettled = max(0, redactions.unsettled - 1)
    for revision in redaction.revisions {
      guard let found = try findItem(revision) else { continue }
      if isLive(found.header, recordScratch) {
        state.replaceHash(found.header.fields.stateHash, with: found.redactedHash)
      }
      forgetContent(found.header, recordScratch)
      log.erase(revision, at: found.position, unhashed: try batch(around: found.header.fields))
      take(revision, stateHash: found.redactedHash)
    }
  }

  private func isLive(_ header: RecordHeader, _ record: borrowing ByteBuffer) -> Bool {
    let value = state.index.get(record.bytes.extracting(header.keyRange))
    return value.map { VersionEntry($0).revision } == header.fields.revision
  }

  private func forgetContent(_ header: RecordHeader, _ record: borrowing ByteBuffer) {
    guard header.requestBytes > 0, header.agentBytes > 0 else { return }
    requests.forgetContent(
      requestHash(
        agent: record.bytes.extracting(header.agentRange), request: record.bytes.extracting(header.requestRange)))
  }

  /// The revisions of the batch that an event belongs to: all of them bear the hash of the same request.
  private func batch(around event: RecordFields) throws(LogError) -> ClosedRange<Revision> {
    var first = event.revision
    while first.value > 1, try continues(Revision(first.value - 1)) { first = Revision(first.value - 1) }
    var last = event.revision
    var goesOn = event.continues
    while goesOn {
      last = last.next
      goesOn = try continues(last)
    }
    return first...last
  }

  private func continues(_ revision: Revision) throws(LogError) -> Bool {
    guard let position = try log.position(of: revision) else { return false }
    var buffer = ByteBuffer(capacity: 1_024)
    return try log.readHeader(at: position, into: &buffer).fields.continues
  }

  /// Whether the item of an acknowledged revision is redacted.
  package func isRedacted(_ revision: Revision) throws(HubError) -> Bool {
    if redactions.contains(revision) { return true }
    do {
      guard let position = try log.position(of: revision) else { return false }
      return try log.readHeader(at: position, into: &recordScratch).codec == .redacted
    } catch {
      throw HubError(error)
    }
  }

  // MARK: Erasing

  /// Redacted versions whose bytes are not gone from all files.
  package var erasingCount: Int { redactions.count }

  package var erasureStatus: HubErasureStatus {
    let log = log.erasureStatus
    var status = HubErasureStatus(revisions: erasingCount, files: log.files, failure: log.failure)
    guard !redactions.isEmpty else { return status }
    status.failure = status.failure ?? snapshots.failure
    if !redactions.hasRemovedSnapshots { status.files += (try? self.log.snapshots.names()) ?? [] }
    return status
  }

  /// Goes on with the retention. What a repeated request may ask for is left alone.
  package func stepRetention() {
    log.stepRetention(now: clock.now(), untouched: limits.rememberedMicroseconds)
  }

  /// Goes on with what is to be erased. To be called now and then, before the log's compaction is stepped.
  ///
  /// Snapshots go first: the checksum in them is the sum of the items' hashes. Only then do the items themselves, so
  /// that a start in between still finds what it has to take off.
  package func stepErasure() {
    guard !redactions.isEmpty, failure == nil, redactions.unsettled == 0 else { return }
    if !redactions.hasRemovedSnapshots {
      abandonSnapshot()
      do {
        try log.snapshots.removeAll()
        snapshots.revision = nil
        redactions.hasRemovedSnapshots = true
        log.releaseErasure()
      } catch {
        return snapshots.failure = error
      }
    }
    guard log.isErasureDone else { return }
    redactions.finish()
    past.redactions = redactions
  }
}
