/// Finds out what a redaction would erase, with requests that only read.
internal import Bytes
internal import HubClient
internal import JSONText
internal import Programs
internal import ToolSupport

/// What would be erased.
struct RedactionPlan {
  let key: String
  /// Oldest first.
  let revisions: [UInt64]

  static func count(_ revisions: [UInt64]) -> String {
    revisions.count == 1 ? "1 item" : "\(NumberText.count(UInt64(revisions.count))) items"
  }

  /// The first of them; the JSON has them all.
  static func list(_ revisions: [UInt64]) -> String {
    let shown = revisions.sorted().prefix(12).map(String.init).joined(separator: ", ")
    return revisions.count > 12 ? "\(shown), …" : shown
  }

  func print(to session: Session) {
    guard session.format == .table else { return printJSON(to: session) }
    var fields = FieldList()
    fields.add("would erase", RedactionPlan.count(revisions))
    fields.add("key", DisplayText.line(key))
    fields.add("revisions", RedactionPlan.list(revisions))
    fields.append(to: &session.output.buffer)
  }

  private func printJSON(to session: Session) {
    let list = revisions.map(String.init).joined(separator: ",")
    session.output.buffer.append("{\"would\":\"erase\",\"key\":")
    JSONWriter.appendString(text: key, to: &session.output.buffer)
    session.output.buffer.append(text: ",\"items\":\(revisions.count),\"revisions\":[\(list)]}\n")
  }
}

struct RedactionSurvey {
  private let session: Session

  private static let pageEvents: UInt64 = 1_000

  init(_ session: Session) { self.session = session }

  /// The items that a key ever had, as far as the log has them.
  func items(of key: String) throws(Failure) -> RedactionPlan {
    var revisions: [UInt64] = []
    var reply = HubReply()
    var before: UInt64?
    var more = true
    while more {
      var request = session.request("history")
      request.add("key", key)
      request.add("limit", RedactionSurvey.pageEvents)
      if let before { request.add("before_revision", before) }
      do {
        try session.perform(request, reply: &reply)
      } catch {
        // Of what the retention has let go there is nothing left to erase.
        guard error.refusal?.code == .revisionCompacted, before != nil else { throw error }
        break
      }
      let events = try reply.required("events", of: reply.result)
      var event = reply.tape.firstChild(events)
      for _ in 0..<reply.tape.count(events) {
        let revision = try reply.requiredNumber("sequence_number", of: event)
        if RedactionSurvey.hasItem(event, reply) { revisions.append(revision) }
        before = revision
        event = reply.tape.after(event)
      }
      more = try reply.requiredFlag("more", of: reply.result) && reply.tape.count(events) > 0
    }
    return RedactionPlan(key: key, revisions: revisions.reversed())
  }

  /// The item of one revision.
  func item(at revision: UInt64) throws(Failure) -> RedactionPlan {
    var feed = EventFeed(session, prefix: "", from: .revision(revision))
    var reply = HubReply()
    let page: FeedPage
    do {
      page = try feed.read(limit: 1, reply: &reply)
    } catch {
      guard error.refusal?.code == .revisionCompacted else { throw error }
      // The feed does not begin there, but the newest event of a key may be there all the same.
      throw Failure(
        error.status,
        "what revision \(revision) is can not be looked up without its key (mfh redact <key> --dry-run tells, --yes "
          + "erases without a look): \(error.message)")
    }
    guard revision > 0, revision <= page.revision else {
      throw Failure(.damaged, "revision \(revision) is not in the log, which ends with revision \(page.revision)")
    }
    let event = reply.tape.firstChild(page.events)
    guard page.count > 0, try reply.requiredNumber("sequence_number", of: event) == revision else {
      throw Failure(.noInput, "revision \(revision) was void or is lost: there is no item to erase")
    }
    return try plan(event, revision, reply)
  }

  private func plan(_ event: Int, _ revision: UInt64, _ reply: borrowing HubReply) throws(Failure) -> RedactionPlan {
    let type = try reply.requiredString("event_type", of: event)
    guard type == "CREATE" || type == "UPDATE" else {
      throw Failure(.damaged, "revision \(revision) is a \(type) and has no item to erase")
    }
    let key = try reply.requiredString("target_key", of: event)
    return RedactionPlan(key: key, revisions: RedactionSurvey.hasItem(event, reply) ? [revision] : [])
  }

  /// A deletion has none, and neither has what was erased before.
  private static func hasItem(_ event: Int, _ reply: borrowing HubReply) -> Bool {
    guard reply.flag("redacted", of: event) != true, let payload = reply.member("payload", of: event) else {
      return false
    }
    return reply.tape.kind(payload) != .null
  }
}
