/// Requests that come through the gate: looked at by the same rules as those at the socket, answered by a call back.
internal import Bytes
internal import Hub
internal import LogStore
internal import ZeroMQ

extension RequestLoop {
  /// Takes what waits at the gate. Returns how many calls that were.
  @discardableResult
  func drainGate() throws -> Int {
    guard let gate, !gate.isEmpty else { return 0 }
    tellObservers()
    guard isStopping || takesRequests() else { return 0 }
    let calls = gate.takeCalls()
    for (index, call) in calls.enumerated() {
      try handle(call)
      if index & RequestLoop.pieceMask == RequestLoop.pieceMask || hub.log.buildingBytes > RequestLoop.commitBytesMax {
        try turn()
      }
    }
    return calls.count
  }

  /// Who asks how the hub is must hear of it above all when it is full: also in the midst of work that takes its time.
  func tellObservers() {
    guard let gate, !gate.isEmpty else { return }
    let observers = gate.takeObservers()
    guard !observers.isEmpty else { return }
    let figures = figures()
    for observer in observers { observer(figures) }
  }

  private func figures() -> HubFigures {
    var figures = processor.figures()
    figures.concurrent = clients.outstanding
    figures.gateDepth = gate?.depth ?? 0
    figures.zeroMQConnections = connections.open
    figures.zeroMQAccepted = connections.accepted
    return figures
  }

  private func handle(_ call: GateCall) throws {
    // Whoever has gone is not waited for, and a write whose deadline is over is not done.
    if call.isAbandoned { return }
    let body = call.body
    reply.removeAll(shrinkingAbove: RequestLoop.replyKeptBytes)
    if isStopping {
      processor.refuse(body.span.bytes, RequestLoop.stopping, reply: &reply)
      return RequestLoop.answer(call, reply)
    }
    let arrival = hub.clock.now()
    let (caller, name) = (caller(call), nextName(call))
    let disposition = processor.process(
      body.span.bytes, from: caller, hasOutstanding: false, isRetry: false, arrival: arrival,
      refusalOfWaiting: bulkhead.refusalOfWaiting(of: name.peer, clients), reply: &reply)
    if let refusal = refusal(of: disposition, nil) {
      processor.refuse(body.span.bytes, refusal, reply: &reply)
      return RequestLoop.answer(call, reply)
    }
    switch disposition {
    case .reply: RequestLoop.answer(call, reply)
    case .wait(let ticket, let head, let decided):
      if ticket <= hub.acknowledgedTicket {
        processor.append(decided, head, to: &reply)
        RequestLoop.answer(call, reply)
      } else {
        add(.decided(ticket: ticket, head, decided), call, name)
      }
    case .park(let revision, let deadline): park(call, name, caller, arrival, revision: revision, deadline: deadline)
    case .hold: park(call, name, caller, arrival, revision: 0, deadline: .max, needsRoom: true)
    case .feed(let feed): add(.feed(feed), call, name)
    }
  }

  private func nextName(_ call: GateCall) -> EnvelopeName {
    callCount += 1
    let peer = call.peer
    return EnvelopeName(call: callCount, peer: peer.span.bytes)
  }

  private func caller(_ call: GateCall) -> Caller {
    let peer = call.peer
    return Caller(
      peer: call.certificate.map { .certificate($0) } ?? .unknown, connection: KeyHash(peer.span.bytes),
      bearer: call.bearer)
  }

  private func park(
    _ call: GateCall, _ name: EnvelopeName, _ caller: Caller, _ arrival: Int64, revision: UInt64, deadline: Int64,
    needsRoom: Bool = false
  ) {
    let parked = ParkedRequest(
      body: call.body, caller: caller.admitted(processor.admission), revision: revision, deadline: deadline,
      arrival: arrival, needsRoom: needsRoom)
    add(.parked(parked), call, name)
  }

  private func add(_ reply: WaitingReply, _ call: GateCall, _ name: EnvelopeName) {
    clients.add(reply, to: Connection(name: name, call: call))
  }

  private static func answer(_ call: GateCall, _ reply: borrowing ByteBuffer) { call.answer(reply.bytes.array()) }
}
