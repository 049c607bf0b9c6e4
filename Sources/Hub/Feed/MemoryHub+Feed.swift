/// Reading the change feed: acknowledged events in the order of their revisions, each exactly once.
///
/// A page is read in pieces: the one thread that owns the hub has other clients to see to.
internal import Bytes
package import LogStore

extension MemoryHub {
  /// The first revision whose event is not before `time`; the next one to be given when all are.
  package func firstRevision(notBefore time: Int64) throws(HubError) -> Revision {
    do {
      return try log.newestRevision(at: time - 1).next
    } catch {
      throw HubError(error)
    }
  }

  /// Begins a page.
  ///
  /// - Throws: `revision_compacted` when the log begins behind what is asked for, `storage_error`.
  package func beginFeed(_ query: FeedQuery) throws(HubError) -> FeedPage {
    let (floor, cursor): (Revision, RecordCursor)
    do {
      floor = max(try log.firstRevision(), log.floor)
      // Who names none begins where nothing is missing, so that the next page can be asked for too.
      cursor = try log.cursor(from: query.from == .none ? floor : query.from)
    } catch {
      throw HubError(error)
    }
    guard query.from == .none || query.from >= floor else {
      var error = HubError(
        .revisionCompacted,
        "revision \(query.from) is gone, all is there from revision \(floor) on: go on from there, and count "
          + "what lies between as missed")
      error.floor = floor
      throw error
    }
    passedPlaces.begin()
    return FeedPage(query, from: cursor)
  }

  /// Reads on for a page until it is complete, or `work` is used up.
  ///
  /// - Parameter work: how much may be done, measured in bytes of log that are read; less what was done afterwards.
  /// - Throws: `storage_error` when the page's first event can not be read. What was found before it is a page.
  package func extend(_ page: FeedPage, work: inout Int) throws(HubError) {
    let allowed = min(work, page.bytesLeft)
    var left = allowed
    var cursor = page.cursor
    do throws(LogError) {
      let end = try log.read(&cursor, bytesMax: allowed) { (header, position, record) throws(LogError) in
        left -= Int(header.recordBytes)
        page.bytesLeft -= Int(header.recordBytes)
        let step = try take(header, position, record, page, &left)
        return step == .goOn && left <= 0 ? .stop : step
      }
      if end == .budget { left = 0 }
      page.cursor = cursor
      if end == .reached || page.isFull || page.bytesLeft <= 0 { complete(page, hasMore: end != .reached) }
    } catch {
      page.cursor = cursor
      guard page.count > 0 else { throw HubError(error) }
      complete(page, hasMore: true)
    }
    work -= allowed - max(left, 0)
  }

  private func complete(_ page: FeedPage, hasMore: Bool) {
    page.isComplete = true
    page.hasMore = hasMore
    page.completedAt = log.acknowledgedRevision
  }

  private func take(
    _ header: RecordHeader, _ position: RecordPosition, _ record: RawSpan, _ page: FeedPage, _ work: inout Int
  ) throws(LogError) -> RecordCursor.Step {
    guard header.fields.operation.isEvent else {
      if header.fields.operation == .gap { page.note(try decodeGap(header, position, record)) }
      return .goOn
    }
    if header.fields.operation.isPut { passedPlaces.note(header.fields.revision, at: position) }
    guard page.query.wants(record.extracting(header.keyRange)) else { return .goOn }
    if page.count == page.query.limit {
      page.isFull = true
      return .stopBefore
    }
    let before = page.events.count
    try append(header, position, record, page, &work)
    let isTooLong =
      page.events.count + page.otherBytes > limits.replyBytes || page.events.count > page.query.bytesMax
    if page.count > 0, isTooLong {
      page.events.truncate(to: before)
      page.isFull = true
      return .stopBefore
    }
    page.count += 1
    work -= page.events.count - before
    return .goOn
  }

  private func decodeGap(
    _ header: RecordHeader, _ position: RecordPosition, _ record: RawSpan
  ) throws(LogError) -> GapRecord {
    do {
      return try GapRecord.decode(record.extracting(header.payloadRange))
    } catch {
      throw LogError(.damaged, error.text, segment: position.segment, offset: UInt64(position.offset))
    }
  }

  // MARK: Events

  private func append(
    _ header: RecordHeader, _ position: RecordPosition, _ record: RawSpan, _ page: FeedPage, _ work: inout Int
  ) throws(LogError) {
    let previous = try readPrevious(header.fields, &work)
    let before = page.events.count
    if page.count > 0 { page.events.append(",") }
    page.events.append("{")
    let isSound = MemoryHub.append(
      header, record, log.lineage(of: position.segment), isRedacted: redactions.contains(header.fields.revision),
      recordScratch, previous, with: &eventEncoder, to: &page.events)
    page.events.append("}")
    guard isSound else {
      page.events.truncate(to: before)
      throw LogError(
        .damaged, "revision \(header.fields.revision) holds no item that this version can read",
        segment: position.segment, offset: UInt64(position.offset))
    }
  }

  private static func append(
    _ header: RecordHeader, _ record: RawSpan, _ lineage: StoreIdentity, isRedacted: Bool,
    _ scratch: borrowing ByteBuffer, _ previous: Range<Int>, with encoder: inout MemoryEventEncoder,
    to events: inout ByteBuffer
  ) -> Bool {
    encoder.appendMembers(
      of: header, record, lineage: lineage, isRedacted: isRedacted, previousItem: scratch.bytes.extracting(previous),
      to: &events)
  }

  /// Reads the item that an event replaces or removes. Returns where it is in `recordScratch`; empty when there is none,
  /// or the log has it no more.
  private func readPrevious(_ fields: RecordFields, _ work: inout Int) throws(LogError) -> Range<Int> {
    var revision = fields.operation == .create ? .none : fields.previousRevision
    while revision != .none {
      var known = passedPlaces.place(of: revision)
      if known == nil {
        work -= FeedPage.lookupWork
        known = try log.position(of: revision)
      }
      guard let place = known else { break }
      let header = try log.readRecord(at: place, into: &recordScratch)
      guard header.fields.revision == revision else {
        throw LogError(
          .damaged, "the record there is not revision \(revision)", segment: place.segment,
          offset: UInt64(place.offset))
      }
      if header.fields.operation.isPut, header.codec == .plain, !redactions.contains(revision) {
        return header.payloadRange
      }
      // A write that was left out has changed nothing: what was there before it still was.
      revision = header.fields.operation == .void ? header.fields.previousRevision : .none
    }
    return 0..<0
  }
}
