/// `get`, `exists`, `list_keys`, `batch_get`, `checksum`.
internal import Bytes
internal import Hub
internal import JSONText
internal import LogStore

extension RequestProcessor {
  func get(
    _ body: RawSpan, _ hasOutstanding: Bool, isRetry: Bool, _ reply: inout ByteBuffer
  ) throws(HubError) -> Disposition {
    if let moment = try moment(body) {
      // The client's own writes have a past once they are acknowledged.
      if hasOutstanding { return .park(revision: 0, deadline: .max) }
      return try getPast(moment, body, isRetry: isRetry, &reply)
    }
    let key = try key(request.node(.key), body)
    let located = RequestProcessor.locate(hub, request, key, hasOutstanding)
    // While the reply waits for its turn the item is not kept, but read later.
    if hasOutstanding || located.ticket > hub.acknowledgedTicket {
      return .wait(ticket: located.ticket, head(body, reading: key, .get, located.entry), .get(located.entry))
    }
    toldRevision = located.entry?.revision.value ?? 0
    try finish(.get, body, &reply) { (reply) throws(HubError) in try appendFound(located.entry, to: &reply) }
    recordRead(.get, key, located.entry?.revision)
    return .reply
  }

  func exists(_ body: RawSpan, _ hasOutstanding: Bool, _ reply: inout ByteBuffer) throws(HubError) -> Disposition {
    let key = try key(request.node(.key), body)
    let located = RequestProcessor.locate(hub, request, key, hasOutstanding)
    if located.ticket > hub.acknowledgedTicket {
      return .wait(
        ticket: located.ticket, head(body, reading: key, .exists, located.entry), .exists(located.entry != nil))
    }
    finish(.exists, body, &reply) { appendExists(located.entry != nil, to: &$0) }
    recordRead(.exists, key, located.entry?.revision)
    return .reply
  }

  private static func locate(
    _ hub: MemoryHub, _ request: borrowing Request, _ key: Range<Int>, _ seesPending: Bool
  ) -> MemoryHub.Located {
    hub.locate(request.decoded.bytes.extracting(key), seesPending: seesPending)
  }

  func checksum(_ body: RawSpan, _ reply: inout ByteBuffer) throws(HubError) -> Disposition {
    if hub.failure == nil { try hub.sweepAll() }
    if hub.lastTicket > hub.acknowledgedTicket, hub.failure == nil {
      return .wait(ticket: hub.lastTicket, head(body), .checksum)
    }
    finish(.checksum, body, &reply) { appendChecksum(to: &$0) }
    return .reply
  }

  // MARK: Lists

  /// What a list reply may still grow by: room for its end stays free.
  static let replyTailBytes = 1_024

  func listKeys(_ body: RawSpan, _ reply: inout ByteBuffer) throws(HubError) {
    let prefix = try request.optionalString(.prefix, "prefix", tape, body) ?? 0..<0
    let startAfter = try request.optionalString(.startAfter, "start_after", tape, body) ?? 0..<0
    let limit = try limit(body) ?? 100
    let readable = try readable(under: prefix)
    var count = 0
    finish(.listKeys, body, &reply) {
      count = RequestProcessor.appendKeys(hub, request, prefix, readable, startAfter, limit: limit, to: &$0)
    }
    recordRead(.listKeys, prefix, nil, count: count)
  }

  /// `limit`; nil when it was not given.
  func limit(_ body: RawSpan) throws(HubError) -> Int? {
    guard let node = request.node(.limit) else { return nil }
    let wanted = try Request.wholeNumber(node, "limit", tape, body)
    guard wanted >= 1 else { throw HubError(.invalidRequest, "the field \"limit\" must be at least 1") }
    guard wanted <= UInt64(hub.limits.listLimit) else {
      throw HubError(.tooLarge, "limit is \(wanted), the limit list_limit is \(hub.limits.listLimit)")
    }
    return Int(wanted)
  }

  private static func appendKeys(
    _ hub: MemoryHub, _ request: borrowing Request, _ prefix: Range<Int>, _ readable: [[UInt8]]?,
    _ startAfter: Range<Int>, limit: Int, to reply: inout ByteBuffer
  ) -> Int {
    reply.append(#"{"keys":["#)
    var count = 0
    var more = false
    let decoded = request.decoded.bytes
    forEachKey(hub, decoded.extracting(prefix), readable, after: decoded.extracting(startAfter)) { key in
      if count == limit || reply.count + key.byteCount * 6 + replyTailBytes > hub.limits.replyBytes {
        more = true
        return false
      }
      if count > 0 { reply.append(",") }
      JSONWriter.appendString(key, to: &reply)
      count += 1
      return true
    }
    reply.append(#"],"count":"#)
    reply.append(decimal: UInt64(count))
    reply.append(#","more":"#)
    ReplyWriter.append(more, to: &reply)
    reply.append(#"}"#)
    return count
  }

  /// Visits the keys under `prefix`, or of them only those that begin as one of `readable`.
  private static func forEachKey(
    _ hub: MemoryHub, _ prefix: RawSpan, _ readable: [[UInt8]]?, after: RawSpan, _ visit: (RawSpan) -> Bool
  ) {
    guard let readable else { return hub.forEachKey(prefix: prefix, after: after, visit) }
    for part in readable {
      var goesOn = true
      hub.forEachKey(prefix: part.span.bytes, after: after) { key in
        goesOn = visit(key)
        return goesOn
      }
      if !goesOn { return }
    }
  }

  func batchGet(_ body: RawSpan, _ reply: inout ByteBuffer) throws(HubError) {
    let keys = try readKeys(body)
    var seen = Set<KeyHash>(minimumCapacity: keys.count)
    var found: [(key: Range<Int>, entry: VersionEntry)] = []
    var missing: [Range<Int>] = []
    var redacted: [Range<Int>] = []
    for key in keys {
      let located = RequestProcessor.locate(hub, request, key, false)
      // A key that was asked for twice is told once: an object can not have a name twice.
      guard seen.insert(RequestProcessor.hash(request, key)).inserted else { continue }
      if let entry = located.entry { found.append((key, entry)) } else { missing.append(key) }
    }
    try finish(.batchGet, body, &reply) { (reply) throws(HubError) in
      try RequestProcessor.appendItems(hub, request, found, &redacted, to: &reply)
      RequestProcessor.appendKeys(request, "missing_keys", missing, to: &reply)
      if !redacted.isEmpty { RequestProcessor.appendKeys(request, "redacted_keys", redacted, to: &reply) }
      // Keys that are told twice, or are not there, take room too.
      guard reply.count + RequestProcessor.replyTailBytes <= hub.limits.replyBytes else {
        throw RequestProcessor.replyTooLarge(hub.limits)
      }
      reply.append(#","total_requested":"#)
      reply.append(decimal: UInt64(keys.count))
      reply.append(#","found_count":"#)
      reply.append(decimal: UInt64(found.count))
      reply.append(#","revision":"#)
      reply.append(decimal: hub.state.revision.value)
      reply.append(#"}"#)
    }
    guard reads != nil else { return }
    for item in found { recordRead(.batchGet, item.key, item.entry.revision) }
    for key in missing { recordRead(.batchGet, key, nil) }
  }

  private static func replyTooLarge(_ limits: HubLimits) -> HubError {
    HubError(.tooLarge, "the reply is larger than the limit reply_bytes of \(limits.replyBytes): ask for fewer keys")
  }

  private static func hash(_ request: borrowing Request, _ key: Range<Int>) -> KeyHash {
    KeyHash(request.decoded.bytes.extracting(key))
  }

  private func readKeys(_ body: RawSpan) throws(HubError) -> [Range<Int>] {
    guard let node = request.node(.keys) else { throw HubError(.invalidRequest, "the field \"keys\" is missing") }
    guard tape.kind(node) == .array else { throw Request.wrongType("keys", "an array of strings") }
    let count = tape.count(node)
    guard count <= hub.limits.batchGetKeys else {
      throw HubError(
        .tooLarge, "batch_get asks for \(count) keys, the limit batch_get_keys is \(hub.limits.batchGetKeys)")
    }
    var keys: [Range<Int>] = []
    keys.reserveCapacity(count)
    var element = tape.firstChild(node)
    for index in 0..<count {
      do {
        keys.append(try key(element, body))
      } catch {
        throw HubError(error.code, "element \(index) of \"keys\": \(error.message)")
      }
      element = tape.after(element)
    }
    return keys
  }

  private static func appendItems(
    _ hub: MemoryHub, _ request: borrowing Request, _ found: [(key: Range<Int>, entry: VersionEntry)],
    _ redacted: inout [Range<Int>], to reply: inout ByteBuffer
  ) throws(HubError) {
    reply.append(#"{"items":{"#)
    for (index, item) in found.enumerated() {
      let before = reply.count
      if index > redacted.count { reply.append(",") }
      JSONWriter.appendString(request.decoded.bytes.extracting(item.key), to: &reply)
      reply.append(":")
      do {
        try hub.readItem(item.entry, into: &reply)
      } catch {
        // One erased item does not take the others along.
        guard error.code == .redacted else { throw error }
        reply.truncate(to: before)
        redacted.append(item.key)
      }
      guard reply.count + replyTailBytes <= hub.limits.replyBytes else {
        throw replyTooLarge(hub.limits)
      }
    }
    reply.append(#"},"revisions":{"#)
    for (index, item) in found.enumerated() {
      if index > 0 { reply.append(",") }
      JSONWriter.appendString(request.decoded.bytes.extracting(item.key), to: &reply)
      reply.append(":")
      reply.append(decimal: item.entry.revision.value)
    }
    reply.append(#"}"#)
  }

  private static func appendKeys(
    _ request: borrowing Request, _ name: StaticString, _ keys: [Range<Int>], to reply: inout ByteBuffer
  ) {
    reply.append(#",""#)
    reply.append(name)
    reply.append(#"":["#)
    for (index, key) in keys.enumerated() {
      if index > 0 { reply.append(",") }
      JSONWriter.appendString(request.decoded.bytes.extracting(key), to: &reply)
    }
    reply.append("]")
  }
}
