/// The change feed's share of a turn. See docs/decisions/0030-change-feed.md.
internal import Bytes
internal import Hub
internal import LogStore

extension RequestLoop {
  /// What is done for the feed in one turn, measured in bytes of log that are read: about half a millisecond.
  private static let feedWorkMax = 512 << 10
  /// The most of it for a request that has just come.
  private static let freshWorkMax = 128 << 10
  /// A request counts for so much at least: replies take time too.
  private static let feedWorkMin = 8 << 10

  /// Works for readers of the feed: those who are new or woken, and one of those who want much.
  func stepFeeds(isLast: Bool) throws {
    wakeReaders(isLast: isLast)
    var left = RequestLoop.feedWorkMax
    while left > 0, let connection = clients.feeds.takeFresh() {
      var work = RequestLoop.freshWorkMax
      if try step(connection, &work, isLast: isLast) == .unfinished {
        // Half a reply is kept for one reader only.
        if clients.feeds.hasLong { RequestLoop.feed(of: connection).page = nil }
        clients.feeds.addLong(connection)
      }
      left -= max(RequestLoop.freshWorkMax - work, RequestLoop.feedWorkMin)
    }
    if let connection = clients.feeds.takeLong() {
      var work = max(left, RequestLoop.freshWorkMax)
      if try step(connection, &work, isLast: isLast) == .unfinished { clients.feeds.putBackLong(connection) }
    }
    service.feed.waiting = clients.feeds.waitingCount
  }

  private func wakeReaders(isLast: Bool) {
    let now = hub.clock.now()
    for (number, revision) in hub.feedWatch.takeWoken() {
      guard let connection = clients.feeds.takeWaiting(number) else { continue }
      // What came between was looked at and is nothing for it.
      let feed = RequestLoop.feed(of: connection)
      feed.query.from = revision
      feed.count(from: now)
      clients.feeds.add(connection)
    }
    for connection in clients.feeds.takeDue(now: now, all: isLast, &hub.feedWatch) {
      let feed = RequestLoop.feed(of: connection)
      feed.query.from = max(feed.query.from, hub.state.revision.next)
      feed.count(from: min(now, feed.deadline))
      clients.feeds.add(connection)
    }
  }

  /// Works for one reader, sends its reply when there is one, and files it, unless there is more to read for it.
  private func step(_ connection: Connection, _ work: inout Int, isLast: Bool) throws -> FeedProgress {
    let feed = RequestLoop.feed(of: connection)
    reply.removeAll(shrinkingAbove: RequestLoop.replyKeptBytes)
    switch progress(of: feed, connection, &work, isLast: isLast) {
    case .unfinished: return .unfinished
    case .waits:
      clients.feeds.wait(connection, feed, &hub.feedWatch)
      return .waits
    case .replied:
      try sendNext(connection)
      try release(connection, isLast: isLast)
      return .replied
    }
  }

  private func progress(
    of feed: FeedRequest, _ connection: Connection, _ work: inout Int, isLast: Bool
  ) -> FeedProgress {
    var refusal: HubError?
    if isBehind(connection) {
      refusal = Bulkhead.notReading
    } else {
      let progress = processor.advance(feed, work: &work, isLast: isLast, reply: &reply)
      guard progress == .waits else { return progress }
      refusal = bulkhead.refusalOfReader(clients)
    }
    guard let refusal else { return .waits }
    feed.page = nil
    processor.append(.failure(refusal), feed.head, to: &reply)
    return .replied
  }

  private static func feed(of connection: Connection) -> FeedRequest {
    guard case .feed(let feed) = connection.next else { preconditionFailure("filed as a reader of the feed") }
    return feed
  }
}
