/// Sending replies whose wait is over, each in its turn.
internal import Bytes
internal import Hub
internal import LogStore

extension RequestLoop {
  func release(isLast: Bool) throws {
    released = hub.clock.now()
    let ready = clients.takeReady(
      acknowledged: hub.acknowledgedTicket, hasFailed: hub.failure != nil, hasRoom: hub.log.canTakeMore,
      revision: hub.state.revision.value, now: released, isLast: isLast)
    for connection in ready {
      try release(connection, isLast: isLast)
      tellObservers()
    }
  }

  /// Sends the replies of a client whose turn has come, and files it by what it waits for then.
  func release(_ connection: Connection, isLast: Bool) throws {
    var sent = 0
    while try makeNext(connection, isLast: isLast) {
      try sendNext(connection)
      sent += 1
      if sent & RequestLoop.pieceMask == 0 { tellObservers() }
    }
    clients.fileAgain(connection)
  }

  /// `reply` is the client's next one.
  func sendNext(_ connection: Connection) throws {
    clients.removeNext(connection)
    try RequestLoop.send(self, reply, connection)
  }

  private static func send(_ loop: RequestLoop, _ reply: borrowing ByteBuffer, _ connection: Connection) throws {
    if let call = connection.call {
      call.answer(reply.bytes.array())
      return
    }
    let envelope = connection.envelope
    try loop.sender.send(reply.bytes, envelope: envelope.span.bytes, ends: connection.ends)
  }

  /// Makes the connection's next reply. Returns false when there is none, or it has to wait longer.
  private func makeNext(_ connection: Connection, isLast: Bool) throws -> Bool {
    guard let next = connection.next else { return false }
    reply.removeAll(shrinkingAbove: RequestLoop.replyKeptBytes)
    switch next {
    case .complete(let bytes), .refused(let bytes): reply.append(bytes.span.bytes)
    case .decided(let ticket, let head, let decided):
      if ticket > hub.acknowledgedTicket {
        guard let failure = hub.failure else { return false }
        processor.append(.failure(HubError(failure)), head, to: &reply)
      } else if decided.readsItem, isBehind(connection) {
        processor.append(.failure(Bulkhead.notReading), head, to: &reply)
      } else {
        processor.append(decided, head, to: &reply)
      }
    case .parked(let request):
      guard isLast || request.isDue(revision: hub.state.revision.value, now: hub.clock.now()) else { return false }
      // One of those before it may have taken the room.
      if request.needsRoom, !hub.log.canTakeMore { return false }
      if hub.log.buildingBytes > RequestLoop.commitBytesMax { hub.submit() }
      if connection.call?.isAbandoned == true { return true }
      if isBehind(connection) {
        let body = request.body
        processor.refuse(body.span.bytes, Bulkhead.notReading, reply: &reply)
        return true
      }
      return try retry(request, connection)
    case .feed: return false
    }
    return true
  }

  func isBehind(_ connection: Connection) -> Bool {
    // A call has one reply, and its transport holds back a client that does not read.
    if connection.call != nil { return false }
    let envelope = connection.envelope
    return sender.isBehind(envelope.span.bytes.extracting(0..<connection.ends[0]))
  }

  /// Looks at a parked request again. Returns whether `reply` holds its reply.
  private func retry(_ request: ParkedRequest, _ connection: Connection) throws -> Bool {
    let body = request.body
    let disposition = processor.process(
      body.span.bytes, from: request.caller, hasOutstanding: false, isRetry: request.revision > 0,
      arrival: request.countedFrom(released), reply: &reply)
    if let refusal = refusal(of: disposition, connection) {
      processor.refuse(body.span.bytes, refusal, reply: &reply)
      return true
    }
    switch disposition {
    case .reply: return true
    case .wait(let ticket, let head, let decided):
      if ticket <= hub.acknowledgedTicket {
        processor.append(decided, head, to: &reply)
        return true
      }
      clients.replaceNext(.decided(ticket: ticket, head, decided), of: connection)
    case .park(let revision, let deadline):
      var later = request
      later.revision = revision
      later.deadline = deadline
      later.needsRoom = false
      later.caller.admission = processor.admission
      clients.replaceNext(.parked(later), of: connection)
    case .hold:
      var later = request
      later.needsRoom = true
      later.caller.admission = processor.admission
      clients.replaceNext(.parked(later), of: connection)
    case .feed(let feed): clients.replaceNext(.feed(feed), of: connection)
    }
    return false
  }
}
