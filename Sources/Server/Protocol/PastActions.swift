/// `history`, and `get` with `at_revision` or `at_time`.
internal import Bytes
internal import Hub
internal import LogStore

extension RequestProcessor {
  /// The moment that a `get` asks for; nil for the present.
  func moment(_ body: RawSpan) throws(HubError) -> MemoryHub.Moment? {
    switch (request.node(.atRevision), request.node(.atTime)) {
    case (nil, nil): return nil
    case (let revision?, nil):
      return .revision(Revision(try Request.wholeNumber(revision, "at_revision", tape, body)))
    case (nil, let time?):
      guard let time = RequestProcessor.time(try request.string(time, "at_time", tape, body), request) else {
        throw Request.wrongType("at_time", "a time as in RFC 3339, 2025-08-07T17:30:00Z say")
      }
      return .time(time)
    case (_?, _?):
      throw HubError(.invalidRequest, "at_revision and at_time can not both be given: each names a moment of its own")
    }
  }

  private static func time(_ range: Range<Int>, _ request: borrowing Request) -> Int64? {
    Timestamp.parse(request.decoded.bytes.extracting(range))
  }

  func getPast(
    _ moment: MemoryHub.Moment, _ body: RawSpan, isRetry: Bool, _ reply: inout ByteBuffer
  ) throws(HubError) -> Disposition {
    let key = try key(request.node(.key), body)
    if hub.isUnsettled(moment) {
      guard let later = try park(until: hub.log.lastRevision.value, body, isRetry: isRetry) else {
        throw HubError(.lagging, "writes from before at_time are still under way: the disk is slow, try again")
      }
      return later
    }
    let entry = try RequestProcessor.locate(hub, request, key, at: moment)
    toldRevision = entry?.revision.value ?? 0
    try finish(.get, body, &reply) { (reply) throws(HubError) in try appendFound(entry, to: &reply) }
    recordRead(.get, key, entry?.revision)
    return .reply
  }

  private static func locate(
    _ hub: MemoryHub, _ request: borrowing Request, _ key: Range<Int>, at moment: MemoryHub.Moment
  ) throws(HubError) -> VersionEntry? {
    try hub.locate(request.decoded.bytes.extracting(key), at: moment)
  }

  func history(_ body: RawSpan, _ reply: inout ByteBuffer) throws(HubError) {
    let key = try key(request.node(.key), body)
    let limit = try limit(body) ?? 100
    let before = try beforeRevision(body)
    var page = HistoryPage()
    try finish(.history, body, &reply) { (reply) throws(HubError) in
      reply.append(#"{"events":["#)
      page = try RequestProcessor.appendHistory(hub, request, key, before, limit, to: &reply)
      reply.append(#"],"more":"#)
      ReplyWriter.append(page.hasMore, to: &reply)
      reply.append(#"}"#)
    }
    recordRead(.history, key, page.newest, first: page.oldest, count: page.count)
  }

  /// `before_revision`; behind all when it was not given.
  func beforeRevision(_ body: RawSpan) throws(HubError) -> Revision {
    let end = Revision(Layout.revisions.upperBound)
    guard let node = request.node(.beforeRevision) else { return end }
    return min(end, Revision(try Request.wholeNumber(node, "before_revision", tape, body)))
  }

  private static func appendHistory(
    _ hub: MemoryHub, _ request: borrowing Request, _ key: Range<Int>, _ before: Revision, _ limit: Int,
    to reply: inout ByteBuffer
  ) throws(HubError) -> HistoryPage {
    try hub.appendHistory(
      of: request.decoded.bytes.extracting(key), before: before, limit: limit,
      replyBytes: hub.limits.replyBytes - replyTailBytes, to: &reply)
  }
}
