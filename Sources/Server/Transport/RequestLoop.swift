/// The hub's one busy thread: receives requests, has them decided, hands commits to the disk, and sends replies in the
/// order of each client's requests.
///
/// While the disk works on one commit the next one is being built; when it is durable, its replies leave together.
internal import Bytes
internal import Hub
internal import LogStore
internal import Threads
internal import ZeroMQ

final class RequestLoop {
  private let socket: Socket
  private let wakeUp: WakeUp
  private let stopFlag: StopFlag
  /// Says which clients are let in; nil when all are.
  private let zap: ZapHandler?
  /// Whether clients may choose the names that their replies are sent to.
  var allowsRoutingIDs = true
  /// What other transports hand in; nil when there are none.
  let gate: RequestGate?
  let monitor: SocketMonitor?
  let hub: MemoryHub
  let processor: RequestProcessor
  let sender: ReplySender
  let service: ServiceInfo
  let bulkhead: Bulkhead
  /// Called on every turn: whoever wants to know that the loop turns is told so.
  var onTurn: (() -> Void)?
  // Unchecked exclusivity: one thread owns this object, and asking at every access costs a tenth of a write.
  @exclusivity(unchecked) private var poller: Poller
  private let wakeUpIndex: Int
  /// For moments in which the disk does not keep up: then requests wait in the sockets.
  @exclusivity(unchecked) private var diskPoller: Poller
  /// Since when the log can take no more.
  @exclusivity(unchecked) private var fullSince: ContinuousClock.Instant?
  @exclusivity(unchecked) private var message = InboundMessage()
  /// Who has sent `message`.
  @exclusivity(unchecked) private var peer = Caller.Peer.unknown
  @exclusivity(unchecked) var reply = ByteBuffer(capacity: 64 << 10)
  @exclusivity(unchecked) var clients = WaitingClients()
  /// Set when everything accepted before the stop was taken in: what comes now is refused.
  @exclusivity(unchecked) private(set) var isStopping = false
  /// About now, in microseconds since 1970: when the requests that are being looked at were taken in.
  @exclusivity(unchecked) var arrival: Int64 = 0
  /// When waits were looked at last.
  @exclusivity(unchecked) var released: Int64 = 0
  @exclusivity(unchecked) var connections = ConnectionCount()
  @exclusivity(unchecked) var callCount: UInt64 = 0
  @exclusivity(unchecked) var nextSweep: Int64 = 0
  @exclusivity(unchecked) var lastWork: Int64 = 0
  @exclusivity(unchecked) var isSnapshotBusy = false

  /// Requests taken in one go before the commits are looked at.
  private static let drainMax = 1_024
  /// Work of one kind is done in pieces of 64; then there is a look at the rest.
  static let pieceMask = 63
  /// A commit that has grown so far is handed over at once, disk busy or not.
  static let commitBytesMax = 512 << 10
  /// How long nothing is received when the log can take no more. A disk that is busy catches up meanwhile, and bulk
  /// loads are slowed down without an error. One that does not, must not keep reads and health from being answered.
  private static let patience = Duration.milliseconds(100)
  static let replyKeptBytes = 1 << 20
  /// How long after a stop requests are still taken that may have been on their way, and how long others are refused.
  private static let acceptMicroseconds: Int64 = 200_000
  private static let refuseMicroseconds: Int64 = 1_000_000
  static let stopping = HubError(.shuttingDown, "the hub is shutting down: try again on its successor")

  init(
    socket: Socket, zap: ZapHandler? = nil, wakeUp: WakeUp, stopFlag: StopFlag, processor: RequestProcessor,
    requestsMax: Int, gate: RequestGate? = nil, monitor: SocketMonitor? = nil
  ) {
    self.socket = socket
    self.zap = zap
    self.gate = gate
    self.monitor = monitor
    self.wakeUp = wakeUp
    self.stopFlag = stopFlag
    self.processor = processor
    hub = processor.hub
    service = processor.service
    bulkhead = Bulkhead(
      connectionRequestsMax: processor.hub.limits.inFlightPerConnection, requestsMax: requestsMax)
    hub.waitsForSegments = false
    sender = ReplySender(socket: socket, service: processor.service)
    let sockets = [socket] + (zap.map { [$0.socket] } ?? [])
    wakeUpIndex = sockets.count
    poller = Poller(sockets: sockets, descriptors: [wakeUp.descriptor])
    diskPoller = Poller(sockets: [], descriptors: [wakeUp.descriptor])
  }

  /// Runs until a stop is asked for.
  func run() throws {
    while !stopFlag.isStopping {
      let received = try drain() + drainGate()
      try turn()
      if received == 0 { try wait(milliseconds: pollMilliseconds()) }
    }
  }

  /// Answers what was accepted before the stop, refuses what comes after it. Both end, however busy the clients are.
  func finish() throws {
    defer { gate?.close() }
    let start = hub.clock.now()
    // Twice nothing: what the sockets' thread was about to hand over has come by then.
    var idle = 0
    while idle < 2, hub.clock.now() - start < RequestLoop.acceptMicroseconds {
      idle = try drain() + drainGate() == 0 ? idle + 1 : 0
      try turn()
      if idle > 0 { try wait(milliseconds: 1) }
    }
    isStopping = true
    gate?.close()
    try drainGate()
    while !clients.isEmpty {
      hub.submit()
      try turn(isLast: true)
      if !clients.isEmpty { try wait(milliseconds: 1) }
    }
    let answered = hub.clock.now()
    while hub.clock.now() - answered < RequestLoop.refuseMicroseconds, try drain() > 0 { try sender.flush() }
  }

  private func wait(milliseconds: Int) throws(ZeroMQError) {
    if takesRequests() {
      try poller.wait(milliseconds: milliseconds)
      if poller.isReadable(wakeUpIndex) { wakeUp.drain() }
    } else {
      try diskPoller.wait(milliseconds: milliseconds)
      if diskPoller.isReadable(0) { wakeUp.drain() }
    }
  }

  private func pollMilliseconds() -> Int {
    if isSnapshotBusy || clients.feeds.hasWork { return 0 }
    let deadline = min(clients.nextDeadline, clients.feeds.nextDeadline)
    let untilDeadline = deadline == .max ? .max : max(deadline - hub.clock.now(), 0) / 1_000 + 1
    return Int(min(untilDeadline, 50))
  }

  /// One turn: takes in what the disk has done, sends what that allows, and gives the disk what is ready.
  func turn(isLast: Bool = false) throws {
    onTurn?()
    try settle()
    if let zap { try answer(zap) }
    if !clients.isEmpty {
      try release(isLast: isLast)
      if !clients.feeds.isEmpty { try stepFeeds(isLast: isLast) }
    }
    stepSnapshot()
    try keepHouse()
    let isDiskFree = hub.log.inFlightCount == 0
    if isDiskFree || hub.log.buildingBytes > RequestLoop.commitBytesMax { hub.submit() }
    try sender.flush()
  }

  private func settle() throws {
    let (revision, ticket) = (hub.state.revision.value, hub.acknowledgedTicket)
    guard try hub.settle(), processor.log.isVerbose, hub.state.revision.value > revision else { return }
    processor.log.committed(
      revision + 1...hub.state.revision.value, through: hub.acknowledgedTicket,
      commits: hub.acknowledgedTicket - ticket)
  }

  // MARK: Receiving

  private func drain() throws -> Int {
    var count = 0
    while count < RequestLoop.drainMax, takesRequests() {
      guard try receive() else { break }
      if count == 0 { arrival = hub.clock.now() }
      count += 1
      try handle()
      if count & RequestLoop.pieceMask == 0 || hub.log.buildingBytes > RequestLoop.commitBytesMax {
        try turn()
        // Who comes over another transport must not wait for the rest of a flood.
        try drainGate()
      }
    }
    return count
  }

  /// Whether requests are received now. While the log can take no more, writes among them are put off.
  func takesRequests() -> Bool {
    guard !hub.log.canTakeMore else {
      fullSince = nil
      return true
    }
    let now = ContinuousClock.now
    guard let fullSince else {
      fullSince = now
      return false
    }
    return now - fullSince >= RequestLoop.patience
  }

  private func receive() throws -> Bool {
    message.begin()
    var isFirst = true
    while true {
      var result = Socket.Received.wouldBlock
      let more = try message.add { (buffer) throws(ZeroMQError) in
        result = try socket.receive(into: &buffer, waiting: !isFirst)
        return result == .frame(more: true)
      }
      if result == .wouldBlock { return false }
      isFirst = false
      if !more {
        if zap != nil { peer = Caller.Peer(userID: socket.userID) }
        return true
      }
    }
  }

  private func handle() throws {
    service.counters.messages += 1
    switch message.shape {
    case .request: try RequestLoop.handle(self, message, nil)
    case .malformed(let problem): try RequestLoop.handle(self, message, HubError(.invalidRequest, problem))
    case .unanswerable: service.counters.unanswerable += 1
    }
  }

  private static func handle(_ loop: RequestLoop, _ message: borrowing InboundMessage, _ problem: HubError?) throws {
    let frames = message.envelopeFrames
    let ends = Array(message.ends[..<frames])
    let bytes = message.bytes.bytes
    let envelope = bytes.extracting(0..<ends[frames - 1])
    if let problem {
      try loop.refuse(bytes.extracting(0..<0), problem, envelope, EnvelopeName(envelope, ends: ends))
    } else {
      try loop.handle(bytes.extracting(message.body), envelope, EnvelopeName(envelope, ends: ends))
    }
  }

  private func handle(_ body: RawSpan, _ envelope: RawSpan, _ name: EnvelopeName) throws {
    let connection = clients[name]
    if let refusal = refusal(connection, peer: envelope.extracting(0..<name.ends[0])) {
      try refuse(body, refusal, envelope, name)
      return
    }
    let arrival = processor.log.takesTimes ? hub.clock.now() : self.arrival
    let caller = Caller(peer: peer, connection: name.frames)
    if let connection, connection.isParked {
      let parked = ParkedRequest(body: body.array(), caller: caller, revision: 0, deadline: .max, arrival: arrival)
      clients.add(.parked(parked), to: connection)
      return
    }
    reply.removeAll(shrinkingAbove: RequestLoop.replyKeptBytes)
    let disposition = processor.process(
      body, from: caller, hasOutstanding: connection != nil, isRetry: false, arrival: arrival,
      refusalOfWaiting: connection == nil ? bulkhead.refusalOfWaiting(of: name.peer, clients) : nil, reply: &reply)
    if let refusal = refusal(of: disposition, connection) { return try refuse(body, refusal, envelope, name) }
    switch disposition {
    case .reply: try RequestLoop.send(self, reply, envelope, name)
    case .wait(let ticket, let head, let decided):
      if connection == nil, ticket <= hub.acknowledgedTicket {
        processor.append(decided, head, to: &reply)
        try RequestLoop.send(self, reply, envelope, name)
      } else {
        clients.add(
          .decided(ticket: ticket, head, decided), to: connection ?? Connection(name: name, envelope: envelope.array()))
      }
    case .park(let revision, let deadline):
      let parked = ParkedRequest(
        body: body.array(), caller: caller.admitted(processor.admission), revision: revision, deadline: deadline,
        arrival: arrival)
      clients.add(.parked(parked), to: connection ?? Connection(name: name, envelope: envelope.array()))
    case .hold:
      let held = ParkedRequest(
        body: body.array(), caller: caller.admitted(processor.admission), revision: 0, deadline: .max, arrival: arrival,
        needsRoom: true)
      clients.add(.parked(held), to: connection ?? Connection(name: name, envelope: envelope.array()))
    case .feed(let feed):
      clients.add(.feed(feed), to: connection ?? Connection(name: name, envelope: envelope.array()))
    }
  }

  private func refusal(_ connection: Connection?, peer: RawSpan) -> HubError? {
    if !allowsRoutingIDs, !RoutingID.isOwn(peer) { return RoutingID.chosen }
    if isStopping { return RequestLoop.stopping }
    if sender.isBehind(peer) { return Bulkhead.notReading }
    return connection.flatMap { bulkhead.refusal(of: $0, clients) }
  }

  /// Why a request may not be parked for as long as its client likes; nil when it may, or is not to be.
  func refusal(of disposition: Disposition, _ connection: Connection?) -> HubError? {
    guard case .park(_, let deadline) = disposition, deadline != .max else { return nil }
    return bulkhead.refusalOfStalling(connection, clients)
  }

  /// Refuses a request without doing it. The refusal waits for its turn like any other reply.
  private func refuse(_ body: RawSpan, _ error: HubError, _ envelope: RawSpan, _ name: EnvelopeName) throws {
    if let connection = clients[name], bulkhead.isFull(connection, clients) {
      service.counters.droppedReplies += 1
      return
    }
    reply.removeAll(shrinkingAbove: RequestLoop.replyKeptBytes)
    processor.refuse(body, error, reply: &reply)
    try RequestLoop.send(self, reply, envelope, name, isRefusal: true)
  }

  /// Sends a complete reply, or files it behind those that its client waits for.
  private static func send(
    _ loop: RequestLoop, _ reply: borrowing ByteBuffer, _ envelope: RawSpan, _ name: EnvelopeName,
    isRefusal: Bool = false
  ) throws {
    if let connection = loop.clients[name] {
      let bytes = reply.bytes.array()
      loop.clients.add(isRefusal ? .refused(bytes) : .complete(bytes), to: connection)
    } else {
      try loop.sender.send(reply.bytes, envelope: envelope, ends: name.ends)
    }
  }
}
