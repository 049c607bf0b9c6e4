/// Answers requests: takes a body apart, asks the hub, and says what to reply now or what to wait for.
///
/// It knows neither sockets nor connections. One thread owns it, together with the hub.
internal import Access
internal import Bytes
internal import Evidence
internal import Hub
internal import JSONText
internal import LogStore

/// What is to be done with a request.
enum Disposition {
  /// The reply is complete.
  case reply
  /// The reply can be made once the commit `ticket` is acknowledged.
  case wait(ticket: UInt64, ReplyHead, DecidedReply)
  /// The request is to be looked at again when the client's earlier requests are answered, and this hub has reached
  /// `revision` or the time is `deadline` (microseconds since 1970).
  case park(revision: UInt64, deadline: Int64)
  /// The request is to be looked at again when the log can take more.
  case hold
  /// The request is for the change feed: its reply is made by `advance`, in pieces.
  case feed(FeedRequest)
}

final class RequestProcessor {
  let hub: MemoryHub
  let service: ServiceInfo
  /// Who may ask for what; nil in a hub that asks nobody for a key.
  let access: AccessControl?
  /// How much one agent may ask for; nil without limits.
  var agents: AgentLimits?
  /// What the request that was parsed last was let in with.
  @exclusivity(unchecked) private(set) var admission: Admission?
  /// Whose request was parsed last; nil when nobody is asked for a key.
  @exclusivity(unchecked) private(set) var principal: Principal?
  // Unchecked exclusivity: one thread owns this object, and asking at every access costs a tenth of a write.
  @exclusivity(unchecked) var tape = JSONTape()
  @exclusivity(unchecked) var request = Request()
  @exclusivity(unchecked) var timestamp = TimestampText()
  @exclusivity(unchecked) var scratch = ByteBuffer(capacity: 8 << 10)
  let log: RequestLog
  /// The history tree; nil in a hub that keeps none.
  var tree: TreeKeeper?
  /// The stream of reads; nil when reads are not recorded.
  var reads: ReadAuditWriter?
  /// The revision that a complete reply tells of; for the log.
  @exclusivity(unchecked) var toldRevision: UInt64 = 0
  @exclusivity(unchecked) private var arrival: Int64 = 0
  @exclusivity(unchecked) private(set) var refusalOfWaiting: HubError?
  /// The page that was made last, if it is small: readers that follow the same keys are woken together.
  @exclusivity(unchecked) var recentPage: FeedPage?

  init(hub: MemoryHub, service: ServiceInfo, access: AccessControl?, log: RequestLog) {
    self.hub = hub
    self.service = service
    self.access = access
    self.log = log
  }

  /// Handles one request.
  ///
  /// - Parameters:
  ///   - caller: what the transport knows of who sends it.
  ///   - hasOutstanding: the client waits for earlier replies; its own pending writes count for its reads.
  ///   - isRetry: the request was parked before, and what it waited for has come or will not come in time.
  ///   - arrival: when the request was taken in, in microseconds since 1970.
  ///   - refusalOfWaiting: what a request gets that would have to wait; nil when there is room for it to do so.
  ///   - reply: the reply is appended when the disposition says `reply`.
  func process(
    _ body: RawSpan, from caller: Caller, hasOutstanding: Bool, isRetry: Bool, arrival: Int64,
    refusalOfWaiting: HubError? = nil, reply: inout ByteBuffer
  ) -> Disposition {
    let start = reply.count
    self.arrival = arrival
    self.refusalOfWaiting = refusalOfWaiting
    toldRevision = 0
    var action: Action?
    do {
      try parse(body)
      try authenticate(caller)
      try RequestProcessor.readRest(&request, tape, body, hub.limits)
      if let principal { try RequestProcessor.bind(&request, to: principal) }
      admission = caller.admission
      if let agents, admission == nil { admission = try RequestProcessor.admit(agents, request, SteadyClock.now()) }
      guard let wanted = request.action else { preconditionFailure("a read request has an action") }
      action = wanted
      let disposition = try perform(wanted, body, hasOutstanding: hasOutstanding, isRetry: isRetry, &reply)
      // A request that was put off comes here again.
      switch disposition {
      case .park, .hold: return disposition
      case .reply, .wait, .feed: break
      }
      service.counters.count(wanted)
      if case .reply = disposition {
        noteSuccess(wanted, arrival)
        if log.wants(arrival: arrival, now: timestamp.time) { logReply(head(body), nil, toldRevision) }
      }
      return disposition
    } catch {
      if error.isForLater { return .hold }
      if let action { service.counters.count(action) }
      reply.truncate(to: start)
      // The current item of a conflict is large: while the reply waits for its turn it is not kept, but read later.
      let head = refusedHead(body, error)
      if let conflict = error.conflict, hasOutstanding || conflict.ticket > hub.acknowledgedTicket {
        return .wait(ticket: conflict.ticket, head, .failure(error))
      }
      appendFailure(error, head, to: &reply)
      return .reply
    }
  }

  /// Answers a request with `error` without looking at more of it than what the reply repeats.
  func refuse(_ body: RawSpan, _ error: HubError, reply: inout ByteBuffer) {
    arrival = hub.clock.now()
    do {
      try parse(body)
    } catch {
      // Whatever is wrong with it, it is refused; what could be read of it is repeated.
    }
    appendFailure(error, head(body), to: &reply)
  }

  private func parse(_ body: RawSpan) throws(HubError) {
    request.forget()
    principal = nil
    admission = nil
    guard body.byteCount <= hub.limits.requestBytes else {
      throw HubError(
        .tooLarge, "the request has \(body.byteCount) bytes, the limit request_bytes is \(hub.limits.requestBytes)")
    }
    do {
      try tape.parse(body)
    } catch {
      throw HubError(.invalidJSON, "the request is not valid JSON: \(error.text)")
    }
    try RequestProcessor.readHead(&request, tape, body, hub.limits)
  }

  private static func readHead(
    _ request: inout Request, _ tape: borrowing JSONTape, _ body: RawSpan, _ limits: HubLimits
  ) throws(HubError) {
    try request.readHead(tape, body, limits: limits)
  }

  private static func readRest(
    _ request: inout Request, _ tape: borrowing JSONTape, _ body: RawSpan, _ limits: HubLimits
  ) throws(HubError) {
    try request.readRest(tape, body, limits: limits)
  }

  private func authenticate(_ caller: Caller) throws(HubError) {
    guard let access else { return }
    do {
      principal = try RequestProcessor.principal(access, request, caller, now: SteadyClock.now())
    } catch {
      log.refusedKey(error)
      throw error
    }
  }

  /// What the reply repeats of the request that was parsed last.
  func head(_ body: RawSpan) -> ReplyHead {
    ReplyHead(
      action: request.actionText.map { body.extracting($0).array() },
      requestID: request.requestIDText.isEmpty ? [] : body.extracting(request.requestIDText).array(),
      kind: request.action, arrival: arrival,
      trace: log.takesTimes ? request.trace(arrival: arrival) : nil, admission: admission)
  }

  /// Called when the reply is complete.
  ///
  /// - Parameter failure: nil when it is a success.
  func logReply(_ head: ReplyHead, _ failure: ErrorCode?, _ revision: UInt64) {
    guard let trace = head.trace, log.wants(arrival: trace.arrival, now: timestamp.time) else { return }
    log.answered(trace, failure: failure, revision: revision, now: timestamp.time)
  }

  private func perform(
    _ action: Action, _ body: RawSpan, hasOutstanding: Bool, isRetry: Bool, _ reply: inout ByteBuffer
  ) throws(HubError) -> Disposition {
    try checkRight(to: action)
    if action.needsSettledState, hasOutstanding { return .park(revision: 0, deadline: .max) }
    if action.isRead, let later = try minRevision(body, isRetry: isRetry) { return later }
    if action.writes {
      if let refusalOfWaiting { throw refusalOfWaiting }
      if !hub.log.canTakeMore { return .hold }
    }
    switch action {
    case .get: return try get(body, hasOutstanding, isRetry: isRetry, &reply)
    case .exists: return try exists(body, hasOutstanding, &reply)
    case .put: return try put(body)
    case .delete: return try delete(body)
    case .batch: return try batch(body)
    case .checksum: return try checksum(body, &reply)
    case .events: return .feed(try feedRequest(body))
    case .listKeys: try listKeys(body, &reply)
    case .batchGet: try batchGet(body, &reply)
    case .history: try history(body, &reply)
    case .stats: finish(action, body, &reply) { appendStats(to: &$0) }
    case .health: finish(action, body, &reply) { appendHealth(to: &$0) }
    case .ping: finish(action, body, &reply) { appendPing(to: &$0) }
    case .head: try finish(action, body, &reply) { (reply) throws(HubError) in try appendHead(to: &reply) }
    case .snapshot: finish(action, body, &reply) { appendSnapshot(to: &$0) }
    case .compact: finish(action, body, &reply) { appendCompact(to: &$0) }
    case .redact: return try redact(body)
    case .erasure: finish(action, body, &reply) { appendErasure(to: &$0) }
    case .proof: return try proof(body, &reply)
    }
    return .reply
  }

  /// `min_revision`: waits until this hub has it, `wait_ms` at most.
  private func minRevision(_ body: RawSpan, isRetry: Bool) throws(HubError) -> Disposition? {
    let wait = try waitMilliseconds(body) ?? 1_000
    guard let node = request.node(.minRevision) else { return nil }
    let wanted = try Request.wholeNumber(node, "min_revision", tape, body)
    guard wanted > hub.state.revision.value else { return nil }
    if let later = try park(until: wanted, wait, isRetry: isRetry) { return later }
    throw HubError(.lagging, "this hub is at revision \(hub.state.revision), min_revision asks for \(wanted)")
  }

  /// Has the request looked at again when this hub is at `revision`, or its time is over; nil when it has waited.
  func park(until revision: UInt64, _ body: RawSpan, isRetry: Bool) throws(HubError) -> Disposition? {
    try park(until: revision, try waitMilliseconds(body) ?? 1_000, isRetry: isRetry)
  }

  private func park(until revision: UInt64, _ wait: UInt64, isRetry: Bool) throws(HubError) -> Disposition? {
    guard !isRetry, wait > 0 else { return nil }
    if let refusalOfWaiting { throw refusalOfWaiting }
    return .park(revision: revision, deadline: hub.clock.now() + Int64(wait) * 1_000)
  }

  /// `wait_ms`; nil when it was not given.
  func waitMilliseconds(_ body: RawSpan) throws(HubError) -> UInt64? {
    guard let node = request.node(.waitMilliseconds) else { return nil }
    let wait = try Request.wholeNumber(node, "wait_ms", tape, body)
    guard wait <= 30_000 else { throw HubError(.invalidRequest, "the field \"wait_ms\" may be at most 30000") }
    return wait
  }

  // MARK: Replies

  /// Appends a successful reply around what `body` appends.
  func finish<Failure: Error>(
    _ action: Action, _ text: RawSpan, _ reply: inout ByteBuffer, _ append: (inout ByteBuffer) throws(Failure) -> Void
  ) throws(Failure) {
    ReplyWriter.beginSuccess(action, to: &reply)
    try append(&reply)
    end(requestID: text.extracting(request.requestIDText), &reply)
  }

  func end(requestID: RawSpan, _ reply: inout ByteBuffer) {
    timestamp.update(hub.clock.now())
    ReplyWriter.end(timestamp: timestamp, requestID: requestID, to: &reply)
  }

  /// The one place in which errors become replies: they are counted and logged here.
  func appendFailure(_ error: HubError, _ head: ReplyHead, to reply: inout ByteBuffer) {
    let start = reply.count
    if let conflict = error.conflict {
      do {
        try appendConflict(conflict, error, head, to: &reply)
        if let read = head.read { record(read) }
        end(requestID: head.requestID.span.bytes, &reply)
        noteFailure(error, head)
        service.requests.failed(head.kind, microseconds: timestamp.time - head.arrival)
      } catch {
        // What is there can not be read: to call it absent, or to leave it out, would be wrong.
        reply.truncate(to: start)
        appendFailure(error, head, to: &reply)
      }
      return
    }
    ReplyWriter.beginFailure(error, head, to: &reply)
    end(requestID: head.requestID.span.bytes, &reply)
    noteFailure(error, head)
    service.requests.failed(head.kind, microseconds: timestamp.time - head.arrival)
  }

  /// Counts a reply that was just made; its time is that of the reply, so the clock is not asked again.
  func noteSuccess(_ action: Action, _ arrival: Int64) {
    service.requests.succeeded(action, microseconds: timestamp.time - arrival)
  }

  private func noteFailure(_ error: HubError, _ head: ReplyHead) {
    service.counters.count(error.code)
    if let failure = hub.failure { log.poisoned(failure) }
    log.failed(error, "a request")
    logReply(head, error.code, 0)
  }

  /// The item, or that it was erased: a conflict is one either way.
  private func appendItem(_ entry: VersionEntry, to reply: inout ByteBuffer) throws(HubError) {
    do {
      try hub.readItem(entry, into: &reply)
    } catch {
      guard error.code == .redacted else { throw error }
      reply.append(#"null,"redacted":true"#)
    }
  }

  private func appendConflict(
    _ conflict: HubError.Conflict, _ error: HubError, _ head: ReplyHead, to reply: inout ByteBuffer
  ) throws(HubError) {
    let shown = head.hidesItem ? nil : conflict.current
    ReplyWriter.beginFailure(error, head, to: &reply)
    reply.append(#","current":{"revision":"#)
    reply.append(decimal: conflict.current?.entry.revision.value ?? 0)
    reply.append(#","item":"#)
    if let current = shown { try appendItem(current.entry, to: &reply) } else { reply.append("null") }
    reply.append(#"}"#)
    if let index = conflict.index {
      reply.append(#","index":"#)
      reply.append(decimal: UInt64(index))
    }
  }
}
