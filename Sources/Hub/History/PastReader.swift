/// Reads what a key was: follows the links of its events back from the newest one.
internal import Bytes
internal import LogStore

final class PastReader {
  /// One event of a key.
  struct Event {
    let header: RecordHeader
    let position: RecordPosition
    var fields: RecordFields { header.fields }
  }

  private let log: RecordLog
  /// Payloads that are still there and must not be told of.
  @exclusivity(unchecked) var redactions = Redactions()
  // Unchecked exclusivity: one thread owns this object.
  @exclusivity(unchecked) private var record = ByteBuffer(capacity: 8_192)
  @exclusivity(unchecked) private var previous = ByteBuffer(capacity: 8_192)
  @exclusivity(unchecked) private var encoder = MemoryEventEncoder()
  /// For tests: how many records were read.
  @exclusivity(unchecked) private(set) var reads: UInt64 = 0

  private static let keptBytes = 1 << 20

  init(log: RecordLog) { self.log = log }

  // MARK: Following the links

  /// The newest event of `key` that is not newer than `limit` and has an effect; nil when there is none.
  ///
  /// - Parameter start: the newest event of all.
  /// - Throws: `revision_compacted` when the log does not have it any more, `storage_error`.
  func newest(of key: RawSpan, from start: VersionEntry, through limit: Revision) throws(HubError) -> Event? {
    var event = try head(start.revision, start.position, key)
    while event.fields.revision > limit || event.fields.operation == .void {
      if let skipped = try skip(from: event, to: limit, key) {
        event = skipped
        continue
      }
      guard let next = try predecessor(of: event) else { return nil }
      event = try head(next.revision, next.position, key)
    }
    return event
  }

  /// Calls `visit` with the events of `key` from `limit` back, as far as the log has them, until it returns false.
  ///
  /// - Parameter start: the newest event of all.
  func forEachEvent(
    of key: RawSpan, from start: VersionEntry, through limit: Revision, _ visit: (Event) -> Bool
  ) throws(HubError) {
    do {
      guard var event = try newest(of: key, from: start, through: limit) else { return }
      while visit(event), let next = try predecessor(of: event) {
        event = try head(next.revision, next.position, key)
      }
    } catch {
      guard error.code == .revisionCompacted else { throw error }
    }
  }

  /// The event that `event` has a long link to, if nothing that is not newer than `limit` lies between them.
  private func skip(from event: Event, to limit: Revision, _ key: RawSpan) throws(HubError) -> Event? {
    let revision = event.fields.skipRevision
    guard revision != .none, revision >= limit, revision < event.fields.revision,
      revision != event.fields.previousRevision
    else { return nil }
    do {
      guard case .record(let position) = try log.find(revision) else { return nil }
      return try head(revision, position, key)
    } catch let error as LogError {
      throw HubError(error)
    } catch let error as HubError {
      throw error
    } catch {
      preconditionFailure("only errors of the log and the hub are thrown here: \(error)")
    }
  }

  /// The event before `event`; nil when that one was the key's first.
  private func predecessor(of event: Event) throws(HubError) -> (revision: Revision, position: RecordPosition)? {
    let revision = event.fields.previousRevision
    guard revision != .none else { return nil }
    guard revision < event.fields.revision else {
      throw PastReader.damaged(event.position, "revision \(event.fields.revision) links to a later one")
    }
    do {
      if case .record(let position) = try log.find(revision) { return (revision, position) }
    } catch {
      throw HubError(error)
    }
    throw PastReader.gone(revision, readableFrom: event.fields.revision)
  }

  static func gone(_ revision: Revision, readableFrom floor: Revision) -> HubError {
    var error = HubError(
      .revisionCompacted,
      "revision \(revision) is not in the log any more: what was before revision \(floor) can not be told")
    error.floor = floor
    return error
  }

  private static func damaged(_ position: RecordPosition, _ problem: String) -> HubError {
    HubError(LogError(.damaged, problem, segment: position.segment, offset: UInt64(position.offset)))
  }

  /// Reads the head of an event, without its payload.
  private func head(
    _ revision: Revision, _ position: RecordPosition, _ key: RawSpan
  ) throws(HubError) -> Event {
    let header: RecordHeader
    do { header = try log.readHeader(at: position, into: &record) } catch { throw HubError(error) }
    return try checked(header, revision, position, PastReader.isOf(key, header, record))
  }

  private func checked(
    _ header: RecordHeader, _ revision: Revision, _ position: RecordPosition, _ isOfKey: Bool
  ) throws(HubError) -> Event {
    reads += 1
    if header.fields.operation == .dropped, header.fields.revision == revision {
      throw HubError.dropped(revision, floor: log.floor)
    }
    guard header.fields.revision == revision, isOfKey else {
      throw PastReader.damaged(position, "the record there is not revision \(revision) of the key")
    }
    return Event(header: header, position: position)
  }

  private static func isOf(_ key: RawSpan, _ header: RecordHeader, _ record: borrowing ByteBuffer) -> Bool {
    record.bytes.extracting(header.keyRange).equals(key)
  }

  // MARK: Pages of a history

  /// How a page is bounded.
  struct PageLimits {
    var events: Int
    /// What the reply may have in all.
    var replyBytes: Int
  }

  /// Appends `newest` and the events before it as MemoryEvents, newest first. There are more of them also when the log
  /// does not have them any more, which the next page tells.
  func appendPage(
    of key: RawSpan, from newest: Event, _ limits: PageLimits, to reply: inout ByteBuffer
  ) throws(HubError) -> HistoryPage {
    defer { trim() }
    var event = try read(newest.fields.revision, newest.position, key, into: &record)
    var page = HistoryPage()
    while true {
      let before = try readPredecessor(of: event, key)
      let item = before.event.flatMap { hasItem($0) ? $0.header.payloadRange : nil } ?? 0..<0
      let room = PastReader.bytesMax(event.header) + item.count
      guard reply.count + room <= limits.replyBytes else {
        guard page.count > 0 else {
          throw HubError(
            .tooLarge, "revision \(event.fields.revision) alone is larger than the limit reply_bytes allows")
        }
        page.hasMore = true
        return page
      }
      try append(event, item, isFirst: page.count == 0, to: &reply)
      page.note(event.fields.revision)
      guard let next = before.event, page.count < limits.events else {
        page.hasMore = before.event != nil || before.isGone
        return page
      }
      event = next
      swap(&record, &previous)
    }
  }

  private func hasItem(_ event: Event) -> Bool {
    event.fields.operation.isPut && event.header.codec == .plain && !redactions.contains(event.fields.revision)
  }

  private func trim() {
    record.removeAll(shrinkingAbove: PastReader.keptBytes)
    previous.removeAll(shrinkingAbove: PastReader.keptBytes)
  }

  private func read(
    _ revision: Revision, _ position: RecordPosition, _ key: RawSpan, into buffer: inout ByteBuffer
  ) throws(HubError) -> Event {
    let header: RecordHeader
    do { header = try log.readRecord(at: position, into: &buffer) } catch { throw HubError(error) }
    return try checked(header, revision, position, PastReader.isOf(key, header, buffer))
  }

  /// Reads the event before `event` into `previous`, past those without an effect. `isGone`: there is one, and the log
  /// does not have it any more.
  private func readPredecessor(of event: Event, _ key: RawSpan) throws(HubError) -> (event: Event?, isGone: Bool) {
    var event = event
    while true {
      do {
        guard let next = try predecessor(of: event) else { return (nil, false) }
        event = try read(next.revision, next.position, key, into: &previous)
      } catch {
        guard error.code == .revisionCompacted else { throw error }
        return (nil, true)
      }
      if event.fields.operation != .void { return (event, false) }
    }
  }

  /// The most bytes that the event takes without the item before it: a byte of a name is at most six in JSON.
  private static func bytesMax(_ header: RecordHeader) -> Int {
    let names = Int(header.keyBytes) + Int(header.agentBytes) + Int(header.correlationBytes)
    return Int(header.storedBytes) + names * 6 + 512
  }

  /// A redacted event says so, and has no payload.
  private func append(
    _ event: Event, _ item: Range<Int>, isFirst: Bool, to reply: inout ByteBuffer
  ) throws(HubError) {
    reply.append(isFirst ? "{" : ",{")
    let isSound = PastReader.append(
      event.header, record, log.lineage(of: event.position.segment),
      isRedacted: redactions.contains(event.fields.revision), previous, item, &encoder, to: &reply)
    guard isSound else {
      throw PastReader.damaged(
        event.position, "the payload of revision \(event.fields.revision) is no JSON object that this version reads")
    }
    reply.append("}")
  }

  private static func append(
    _ header: RecordHeader, _ record: borrowing ByteBuffer, _ lineage: StoreIdentity, isRedacted: Bool,
    _ previous: borrowing ByteBuffer, _ item: Range<Int>, _ encoder: inout MemoryEventEncoder,
    to reply: inout ByteBuffer
  ) -> Bool {
    encoder.appendMembers(
      of: header, record.bytes, lineage: lineage, isRedacted: isRedacted, previousItem: previous.bytes.extracting(item),
      to: &reply)
  }
}
