/// `redact` and `erasure`: items are erased, and where their bytes still are.
internal import Access
internal import Bytes
internal import Hub
internal import JSONText
internal import LogStore

extension RequestProcessor {
  func redact(_ body: RawSpan) throws(HubError) -> Disposition {
    guard let node = request.node(.reason) else { throw HubError(.invalidRequest, "the field \"reason\" is missing") }
    let reason = try request.string(node, "reason", tape, body)
    guard !reason.isEmpty, reason.count <= RedactionRecord.reasonBytesMax else {
      throw HubError(
        .invalidRequest, "the field \"reason\" has 1 to \(RedactionRecord.reasonBytesMax) bytes: who audits, reads it")
    }
    let outcome: RedactionOutcome
    switch (request.node(.key), request.node(.revision)) {
    case (let key?, nil):
      let key = try self.key(key, body)
      outcome = try RequestProcessor.redact(hub, request, key: key, before: try beforeRevision(body), reason)
    case (nil, let revision?):
      // Whose name stands there is known only once it is read.
      try checkRight(.everywhere(.admin), to: .redact)
      let number = try Request.wholeNumber(revision, "revision", tape, body)
      outcome = try RequestProcessor.redact(hub, request, Revision(number), reason)
    case (nil, nil), (_?, _?):
      throw HubError(.invalidRequest, "either \"key\" (all its versions) or \"revision\" (one) says what to erase")
    }
    // It may hold what nobody is to be told from now on.
    recentPage = nil
    return .wait(ticket: outcome.ticket, head(body), .redact(outcome))
  }

  private static func redact(
    _ hub: MemoryHub, _ request: borrowing Request, key: Range<Int>, before: Revision, _ reason: Range<Int>
  ) throws(HubError) -> RedactionOutcome {
    let decoded = request.decoded.bytes
    return try hub.redact(
      key: decoded.extracting(key), before: before, reason: decoded.extracting(reason).text(), by: writer(request, 0))
  }

  private static func redact(
    _ hub: MemoryHub, _ request: borrowing Request, _ revision: Revision, _ reason: Range<Int>
  ) throws(HubError) -> RedactionOutcome {
    guard Layout.revisions.contains(revision.value) else {
      throw HubError(.invalidRequest, "the field \"revision\" is \(revision), which is none")
    }
    return try hub.redact(
      revision, reason: request.decoded.bytes.extracting(reason).text(), by: writer(request, 0))
  }

  func appendRedaction(_ outcome: RedactionOutcome, to reply: inout ByteBuffer) {
    reply.append(#"{"redacted":"#)
    reply.append(decimal: UInt64(outcome.revisions.count))
    reply.append(#","revisions":["#)
    for (index, revision) in outcome.revisions.enumerated() {
      if index > 0 { reply.append(",") }
      reply.append(decimal: revision.value)
    }
    reply.append(#"],"more":"#)
    ReplyWriter.append(outcome.hasMore, to: &reply)
    if outcome.hasMore {
      reply.append(#","before_revision":"#)
      reply.append(decimal: outcome.before.value)
    }
    reply.append(#","erasure":"#)
    appendErasure(to: &reply)
    reply.append("}")
  }

  /// The receipt: every file that holds, or may hold, what is to be erased.
  func appendErasure(to reply: inout ByteBuffer) {
    let status = hub.erasureStatus
    var object = ObjectWriter()
    object.begin(&reply)
    object.name("done", &reply)
    ReplyWriter.append(hub.isErasureDone, to: &reply)
    object.number("pending_revisions", UInt64(status.revisions), &reply)
    object.name("files", &reply)
    RequestProcessor.append(status.files, to: &reply)
    object.name("quarantined", &reply)
    RequestProcessor.append(hub.log.quarantined, to: &reply)
    object.text("error", status.failure?.message ?? "", &reply)
    object.end(&reply)
  }

  private static func append(_ names: [String], to reply: inout ByteBuffer) {
    reply.append("[")
    for (index, name) in names.enumerated() {
      if index > 0 { reply.append(",") }
      JSONWriter.appendString(text: name, to: &reply)
    }
    reply.append("]")
  }
}
