/// Reads the change feed and keeps a trail for each key that the agent wrote within the range.
internal import Bytes
internal import HubClient
internal import JSONText
internal import Programs

struct UndoSurvey: ~Copyable {
  private let agent: String
  private var feed: EventFeed
  private var reply = HubReply()
  private(set) var trails: [String: UndoTrail] = [:]
  /// The keys in the order in which the agent first wrote them.
  private(set) var keys: [String] = []
  /// The hub's time, as of its last answer.
  private(set) var time = ""
  /// The hub's newest revision, as of its last answer.
  private(set) var revision: UInt64 = 0

  init(of agent: String, _ session: Session, from start: FeedStart) {
    self.agent = agent
    feed = EventFeed(session, prefix: "", from: start)
  }

  /// Takes in all that has happened and was not read yet.
  mutating func catchUp() throws(Failure) {
    while true {
      let page = try feed.read(reply: &reply)
      time = reply.string("timestamp", of: JSONTape.root) ?? time
      revision = page.revision
      var event = reply.tape.firstChild(page.events)
      for _ in 0..<page.count {
        take(try UndoEvent(event, reply))
        event = reply.tape.after(event)
      }
      if !page.hasMore { return }
    }
  }

  private mutating func take(_ event: UndoEvent) {
    let isOwn = event.kind != .expire && event.agent == agent
    if trails[event.key] != nil {
      trails[event.key]?.take(event, isOwn: isOwn)
    } else if isOwn {
      trails[event.key] = UndoTrail(event)
      keys.append(event.key)
    }
  }

  func trail(of key: String) -> UndoTrail {
    guard let trail = trails[key] else { preconditionFailure("a key of the survey has a trail") }
    return trail
  }

  func decision(for key: String) -> UndoDecision { trail(of: key).decision(at: time) }
}

extension UndoEvent {
  init(_ event: Int, _ reply: borrowing HubReply) throws(Failure) {
    let type = try reply.requiredString("event_type", of: event)
    switch type {
    case "CREATE": kind = .create
    case "UPDATE": kind = .update
    case "DELETE": kind = .delete
    case "EXPIRE": kind = .expire
    default:
      throw Failure(.unavailable, "the hub tells of an event \(type) that this version does not know: update mfh")
    }
    key = try reply.requiredString("target_key", of: event)
    agent = reply.string("agent_id", of: event) ?? ""
    revision = try reply.requiredNumber("sequence_number", of: event)
    payload = UndoEvent.content(
      try reply.required("payload", of: event), isThere: kind == .create || kind == .update, reply)
    previous = UndoEvent.content(try reply.required("previous_value", of: event), isThere: kind != .create, reply)
  }

  /// Null where there must have been something means that it is gone for good.
  private static func content(_ node: Int, isThere: Bool, _ reply: borrowing HubReply) -> KeyContent {
    guard isThere else { return .absent }
    return reply.tape.kind(node) == .object ? .item(reply.json(node).array()) : .unknown
  }
}
