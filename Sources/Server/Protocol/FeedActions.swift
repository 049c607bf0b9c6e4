/// `events`: what is asked for, and the reply in as many pieces as the loop has time for.
internal import Access
internal import Bytes
internal import Hub
internal import LogStore

/// A request for the change feed that has no reply yet.
final class FeedRequest {
  var query: FeedQuery
  /// Until when it waits for an event, in microseconds since 1970; 0: not at all.
  let deadline: Int64
  private(set) var head: ReplyHead
  /// Who asked; nil when nobody is asked for a key.
  let principal: Principal?
  /// What of the reply is there.
  var page: FeedPage?
  /// What it is called while it waits for an event.
  var number: UInt64 = 0

  init(_ query: FeedQuery, deadline: Int64, head: ReplyHead, principal: Principal?) {
    self.principal = principal
    self.query = query
    self.deadline = deadline
    self.head = head
  }

  /// It has waited for an event by its client's choice, and can be answered since `time`: its duration begins there.
  func count(from time: Int64) {
    head.arrival = max(head.arrival, time)
    head.trace?.arrival = head.arrival
  }
}

/// What has become of a request for the change feed.
enum FeedProgress {
  /// The reply is complete.
  case replied
  /// There is more to read first.
  case unfinished
  /// There is nothing for it yet, and its time is not over.
  case waits
}

extension RequestProcessor {
  /// A page that is kept for others is at most so long.
  private static let sharedPageBytes = 64 << 10

  func feedRequest(_ body: RawSpan) throws(HubError) -> FeedRequest {
    if let refusalOfWaiting { throw refusalOfWaiting }
    let from = try feedStart(body)
    let prefix = try request.optionalString(.prefix, "prefix", tape, body) ?? 0..<0
    guard prefix.count <= HubLimits.keyBytesRange.upperBound else {
      throw HubError(
        .tooLarge, "the prefix has \(prefix.count) bytes, no key has more than \(HubLimits.keyBytesRange.upperBound)")
    }
    let limit = try limit(body) ?? min(1_000, hub.limits.listLimit)
    let wait = try waitMilliseconds(body) ?? 0
    let bytesMax = try request.node(.maxBytes).map { node throws(HubError) in
      try Request.wholeNumber(node, "max_bytes", tape, body)
    }
    let query = FeedQuery(
      from: from, prefix: RequestProcessor.bytes(request, prefix), limit: limit,
      bytesMax: bytesMax.map { Int(clamping: $0) } ?? .max, within: try readable(under: prefix) ?? [])
    return FeedRequest(
      query, deadline: wait == 0 ? 0 : hub.clock.now() + Int64(wait) * 1_000,
      head: head(body, reading: prefix, .events, nil), principal: principal)
  }

  /// Where the reader begins: with a revision, with the first event not before a time, or with the oldest that there is.
  private func feedStart(_ body: RawSpan) throws(HubError) -> Revision {
    guard let time = request.node(.fromTime) else {
      guard let node = request.node(.fromRevision) else { return .none }
      return Revision(try Request.wholeNumber(node, "from_revision", tape, body))
    }
    guard request.node(.fromRevision) == nil else {
      throw HubError(.invalidRequest, "the fields \"from_revision\" and \"from_time\" exclude each other")
    }
    let text = try request.string(time, "from_time", tape, body)
    guard let microseconds = RequestProcessor.time(request, text) else {
      throw Request.wrongType("from_time", "a time such as 2025-08-07T17:30:00Z")
    }
    return try hub.firstRevision(notBefore: microseconds)
  }

  private static func time(_ request: borrowing Request, _ text: Range<Int>) -> Int64? {
    Timestamp.parse(request.decoded.bytes.extracting(text))
  }

  private static func bytes(_ request: borrowing Request, _ range: Range<Int>) -> [UInt8] {
    request.decoded.bytes.extracting(range).array()
  }

  /// Does some of the work for a reply.
  ///
  /// - Parameters:
  ///   - work: how much of it, measured in bytes of log that are read; less what was done afterwards.
  ///   - isLast: the reply is made of what there is.
  ///   - reply: the reply is appended when there is one.
  func advance(_ feed: FeedRequest, work: inout Int, isLast: Bool, reply: inout ByteBuffer) -> FeedProgress {
    do throws(HubError) {
      // It may have waited for long, and what its key allowed then may not hold any more.
      if let principal = feed.principal, access?.stands(principal) != true {
        throw HubError(.unauthorized, "the key of this request is not valid any more, or has other permissions now")
      }
      let page = try page(for: feed)
      feed.page = page
      if !page.isComplete {
        let before = work
        defer { service.feed.readBytes += UInt64(max(0, before - work)) }
        try hub.extend(page, work: &work)
      }
      guard page.isComplete || isLast else { return .unfinished }
      if page.isEmpty, !page.hasMore, !isLast, hub.clock.now() < feed.deadline {
        feed.query.from = page.next
        feed.page = nil
        return .waits
      }
      append(page, feed.head, to: &reply)
      recentPage =
        page.isComplete && page.count > 0 && page.events.count <= RequestProcessor.sharedPageBytes ? page : nil
    } catch {
      appendFailure(error, feed.head, to: &reply)
    }
    feed.page = nil
    return .replied
  }

  private func page(for feed: FeedRequest) throws(HubError) -> FeedPage {
    if let begun = feed.page { return begun }
    if let recentPage, recentPage.query == feed.query, recentPage.completedAt == hub.state.revision {
      return recentPage
    }
    return try hub.beginFeed(feed.query)
  }

  private func append(_ page: FeedPage, _ head: ReplyHead, to reply: inout ByteBuffer) {
    reply.append(#"{"success":true,"action":"events","result":{"events":["#)
    RequestProcessor.append(page.events, to: &reply)
    reply.append(#"],"next_revision":"#)
    reply.append(decimal: page.next.value)
    reply.append(#","more":"#)
    ReplyWriter.append(page.hasMore, to: &reply)
    reply.append(#","revision":"#)
    reply.append(decimal: hub.state.revision.value)
    reply.append(#","epoch":"#)
    reply.append(decimal: hub.log.epoch)
    if !page.lost.isEmpty { RequestProcessor.append(lost: page.lost, to: &reply) }
    reply.append(#"}"#)
    end(requestID: head.requestID.span.bytes, &reply)
    noteSuccess(.events, head.arrival)
    service.feed.events += UInt64(page.count)
    if let read = head.read { record(read, page) }
    logReply(head, nil, 0)
  }

  private static func append(_ events: borrowing ByteBuffer, to reply: inout ByteBuffer) { reply.append(events.bytes) }

  private static func append(lost: [ClosedRange<UInt64>], to reply: inout ByteBuffer) {
    for (index, range) in lost.enumerated() {
      reply.append(index == 0 ? #","lost":["# : ",")
      reply.append(#"{"first_revision":"#)
      reply.append(decimal: range.lowerBound)
      reply.append(#","last_revision":"#)
      reply.append(decimal: range.upperBound)
      reply.append("}")
    }
    reply.append("]")
  }
}
