/// Reads: one descent in the index, one positioned read, and the stored bytes go out as they are.
package import Bytes
internal import LogStore
internal import KeyIndex

extension MemoryHub {
  /// Where a key's live version is; `ticket` is the commit that must be acknowledged before it may be told, 0 for none.
  package struct Located: Sendable {
    package var entry: VersionEntry?
    package var ticket: UInt64
  }

  /// Finds the live version of a key.
  ///
  /// - Parameter seesPending: look at writes that are not acknowledged too: for a client that has some under way.
  package func locate(_ key: RawSpan, seesPending: Bool) -> Located {
    let now = now()
    if seesPending, pending.count > 0, let found = pending.newest(KeyHash(key)) {
      let live = found.version.flatMap { $0.isDue(at: now) ? nil : $0 }
      return Located(entry: live?.entry, ticket: found.ticket)
    }
    return Located(entry: state.live(key, now: now), ticket: 0)
  }

  /// Appends the item as it is stored.
  ///
  /// - Throws: `redacted`; `storage_error` naming segment and offset when the record can not be read or is damaged.
  package func readItem(_ entry: VersionEntry, into reply: inout ByteBuffer) throws(HubError) {
    let isRedacted: Bool
    do {
      let header = try log.readRecord(at: entry.position, into: &recordScratch)
      isRedacted = header.codec == .redacted || redactions.contains(entry.revision)
      guard header.fields.revision == entry.revision, header.fields.operation.isPut else {
        throw LogError(
          .damaged, "the record there is not revision \(entry.revision)", segment: entry.position.segment,
          offset: UInt64(entry.position.offset))
      }
      if !isRedacted { MemoryHub.append(recordScratch, header.payloadRange, to: &reply) }
    } catch let error as LogError {
      throw HubError(error)
    } catch {
      preconditionFailure("reading throws log errors: \(error)")
    }
    guard !isRedacted else {
      throw HubError(
        .redacted,
        "the item of revision \(entry.revision) was erased: logstore-dump --records --format json says when and why")
    }
  }

  private static func append(
    _ record: borrowing ByteBuffer, _ range: Range<Int>, to reply: inout ByteBuffer
  ) {
    reply.append(record.bytes.extracting(range))
  }

  /// Calls `visit` with the live keys that begin with `prefix`, behind `after` (empty: from the first), in byte
  /// order, until it returns false.
  package func forEachKey(
    prefix: RawSpan, after: RawSpan, _ visit: (RawSpan) -> Bool
  ) {
    let now = now()
    state.index.scan(prefix: prefix, after: after) { key, value in
      let entry = VersionEntry(value)
      if entry.mayExpire, let expiry = state.expiries.expiry(of: key), expiry <= now { return true }
      return visit(key)
    }
  }
}
