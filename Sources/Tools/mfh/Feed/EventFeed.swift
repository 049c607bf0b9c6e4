/// Pages of the change feed, asked for one after the other.
internal import Bytes
internal import HubClient
internal import JSONText
internal import Programs
internal import ToolSupport

/// Where reading begins.
enum FeedStart {
  case revision(UInt64)
  /// The first event of this time or later, as the hub understands it.
  case time(String)
  /// What comes from now on.
  case now

  /// Later than every event.
  fileprivate static let endOfTime = "9999-12-31T23:59:59Z"
}

/// What a page says beside its events.
struct FeedPage {
  /// The node of the events.
  let events: Int
  let count: Int
  let next: UInt64
  let hasMore: Bool
  /// The newest revision of the hub.
  let revision: UInt64
  let epoch: UInt64
}

struct EventFeed: ~Copyable {
  private let session: Session
  private let prefix: String
  private(set) var position: FeedStart

  /// Events that are asked for at a time: a page takes the hub a moment, not longer.
  static let pageEvents: UInt64 = 1_000

  init(_ session: Session, prefix: String, from start: FeedStart) {
    self.session = session
    self.prefix = prefix
    position = start
  }

  /// The revision behind all that was read; nil before the first page.
  var next: UInt64? {
    switch position {
    case .revision(let revision): revision
    case .time, .now: nil
    }
  }

  /// Asks for the next page.
  ///
  /// - Parameter waitMilliseconds: how long the hub may wait for an event when there is none.
  mutating func read(
    limit: UInt64 = EventFeed.pageEvents, waitMilliseconds: UInt64 = 0, reply: inout HubReply
  ) throws(Failure) -> FeedPage {
    var request = session.request("events")
    switch position {
    case .revision(let revision): request.add("from_revision", revision)
    case .time(let time): request.add("from_time", time)
    case .now: request.add("from_time", FeedStart.endOfTime)
    }
    request.add("prefix", prefix)
    request.add("limit", limit)
    if waitMilliseconds > 0 { request.add("wait_ms", waitMilliseconds) }
    try session.perform(request, extraSeconds: Double(waitMilliseconds) / 1_000, reply: &reply)
    let page = try EventFeed.page(of: reply)
    EventFeed.tellLost(reply)
    position = .revision(page.next)
    return page
  }

  private static func page(of reply: borrowing HubReply) throws(Failure) -> FeedPage {
    let events = try reply.required("events", of: reply.result)
    guard reply.tape.kind(events) == .array else {
      throw Failure(.unavailable, "the hub's answer has no list of events: update mfh, or the hub")
    }
    return FeedPage(
      events: events, count: reply.tape.count(events),
      next: try reply.requiredNumber("next_revision", of: reply.result),
      hasMore: try reply.requiredFlag("more", of: reply.result),
      revision: try reply.requiredNumber("revision", of: reply.result),
      epoch: try reply.requiredNumber("epoch", of: reply.result))
  }

  private static func tellLost(_ reply: borrowing HubReply) {
    guard let lost = reply.member("lost", of: reply.result), reply.tape.kind(lost) == .array else { return }
    var range = reply.tape.firstChild(lost)
    for _ in 0..<reply.tape.count(lost) {
      if let first = reply.number("first_revision", of: range), let last = reply.number("last_revision", of: range) {
        StandardError.say("mfh", "revisions \(first) to \(last) are lost: the hub's log was damaged, and salvaged")
      }
      range = reply.tape.after(range)
    }
  }
}

extension FeedPage {
  /// Calls `body` with the node of each event.
  func forEach<Failure: Error>(
    in reply: borrowing HubReply, _ body: (Int) throws(Failure) -> Void
  ) throws(Failure) {
    var event = reply.tape.firstChild(events)
    for _ in 0..<count {
      try body(event)
      event = reply.tape.after(event)
    }
  }
}
