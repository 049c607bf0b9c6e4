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
  private let signals: StopSignals
  private let hub: MemoryHub
  private let processor: RequestProcessor
  private let service: ServiceInfo
  private let sender: ReplySender
  private var poller: Poller
  private var message = InboundMessage()
  private var reply = ByteBuffer(capacity: 64 << 10)
  /// Clients with replies outstanding, by their envelope.
  private var connections: [KeyHash: Connection] = [:]
  private var outstanding = 0
  private var nextSweep: Int64 = 0
  private var lastWork: Int64 = 0

  /// Requests taken in one go before the commits are looked at.
  private static let drainMax = 1_024
  /// Requests of all clients together that may wait; then nothing more is received until some are answered.
  private static let outstandingMax = 65_536
  /// A commit that has grown so far is handed over at once, disk busy or not.
  private static let commitBytesMax = 512 << 10
  private static let replyKeptBytes = 1 << 20
  private static let sweepIntervalMicroseconds: Int64 = 50_000
  private static let sweepKeysMax = 1_000
  /// After this long without a write the log gets a stamp.
  private static let idleMicroseconds: Int64 = 1_000_000

  init(
    socket: Socket, wakeUp: WakeUp, signals: StopSignals, processor: RequestProcessor
  ) {
    self.socket = socket
    self.wakeUp = wakeUp
    self.signals = signals
    self.processor = processor
    hub = processor.hub
    service = processor.service
    sender = ReplySender(socket: socket, service: processor.service)
    poller = Poller(sockets: [socket], descriptors: [wakeUp.descriptor])
  }

  /// Runs until a stop is asked for. What was accepted by then is answered.
  func run() throws {
    while !signals.isStopping {
      let received = try drain()
      try turn()
      if received == 0 {
        try poller.wait(milliseconds: pollMilliseconds())
        if poller.isReadable(1) { wakeUp.drain() }
      }
    }
  }

  /// Answers what has arrived, then what waits for a commit. Nothing waits for a revision any more.
  func finish() throws {
    processor.isStopping = false
    var idle = 0
    while idle < 3 {
      idle = try drain() == 0 ? idle + 1 : 0
      try turn()
      if idle > 0 { try poller.wait(milliseconds: 1) }
      wakeUp.drain()
    }
    processor.isStopping = true
    while !connections.isEmpty {
      hub.submit()
      try turn(isLast: true)
      if !connections.isEmpty { NamedThread.pause() }
    }
  }

  /// One turn: takes in what the disk has done, sends what that allows, and gives the disk what is ready.
  private func turn(isLast: Bool = false) throws {
    let hasSettled = try hub.settle()
    if !connections.isEmpty, hasSettled || hub.failure != nil || isLast || hasDeadline {
      try release(isLast: isLast)
    }
    try keepHouse()
    let isDiskFree = hub.log.inFlightCount == 0
    if isDiskFree || hub.log.buildingBytes > RequestLoop.commitBytesMax { hub.submit() }
  }

  // MARK: Receiving

  private func drain() throws -> Int {
    var count = 0
    while count < RequestLoop.drainMax, outstanding < RequestLoop.outstandingMax, hub.log.canTakeMore {
      guard try receive() else { break }
      count += 1
      try handle()
      if count & 63 == 0 { try turn() }
    }
    return count
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
      if !more { return true }
    }
  }

  private func handle() throws {
    switch message.shape {
    case .request: try RequestLoop.handle(self, message)
    case .malformed(let problem): try RequestLoop.refuse(self, message, HubError(.invalidRequest, problem))
    case .unanswerable: service.counters.unanswerable += 1
    }
  }

  private static func handle(_ loop: RequestLoop, _ message: borrowing InboundMessage) throws {
    let frames = message.envelopeFrames
    let ends = Array(message.ends[..<frames])
    let envelope = message.bytes.bytes.extracting(0..<ends[frames - 1])
    try loop.handle(message.bytes.bytes.extracting(message.body), envelope: envelope, ends: ends)
  }

  private static func refuse(
    _ loop: RequestLoop, _ message: borrowing InboundMessage, _ error: HubError
  ) throws {
    let frames = message.envelopeFrames
    let ends = Array(message.ends[..<frames])
    let envelope = message.bytes.bytes.extracting(0..<ends[frames - 1])
    try loop.answer(error, envelope: envelope, ends: ends)
  }

  private func handle(_ body: RawSpan, envelope: RawSpan, ends: [Int]) throws {
    let connection = connections.isEmpty ? nil : connections[KeyHash(envelope)]
    if let connection {
      guard connection.outstanding < hub.limits.inFlightPerConnection else {
        try answer(overloaded, envelope: envelope, ends: ends)
        return
      }
      if connection.isParked {
        add(.parked(body: body.array(), revision: 0, deadline: .max), to: connection)
        return
      }
    }
    reply.removeAll(shrinkingAbove: RequestLoop.replyKeptBytes)
    let disposition = processor.process(body, hasOutstanding: connection != nil, isRetry: false, reply: &reply)
    switch disposition {
    case .reply:
      if let connection {
        add(.complete(RequestLoop.array(reply)), to: connection)
      } else {
        try RequestLoop.send(reply, sender, envelope: envelope, ends: ends)
      }
    case .wait(let ticket, let head, let decided):
      if connection == nil, ticket <= hub.acknowledgedTicket {
        processor.append(decided, head, to: &reply)
        try RequestLoop.send(reply, sender, envelope: envelope, ends: ends)
      } else {
        add(.decided(ticket: ticket, head, decided), to: connection ?? connect(envelope, ends))
      }
    case .park(let revision, let deadline):
      add(
        .parked(body: body.array(), revision: revision, deadline: deadline), to: connection ?? connect(envelope, ends))
    }
  }

  private var overloaded: HubError {
    var error = HubError(
      .overloaded, "this connection has \(hub.limits.inFlightPerConnection) requests in flight: wait for replies")
    error.retryAfterMilliseconds = 50
    return error
  }

  private func connect(_ envelope: RawSpan, _ ends: [Int]) -> Connection {
    let connection = Connection(envelope: envelope.array(), ends: ends)
    connections[KeyHash(envelope)] = connection
    return connection
  }

  private func add(_ waiting: WaitingReply, to connection: Connection) {
    connection.add(waiting)
    outstanding += 1
  }

  /// Sends an error at once, or in its turn when earlier replies are outstanding.
  private func answer(_ error: HubError, envelope: RawSpan, ends: [Int]) throws {
    service.counters.count(error.code)
    let head = ReplyHead(action: nil, requestID: [])
    if let connection = connections[KeyHash(envelope)] {
      add(.decided(ticket: 0, head, .failure(error)), to: connection)
      return
    }
    reply.removeAll(shrinkingAbove: RequestLoop.replyKeptBytes)
    processor.appendFailure(error, head, to: &reply)
    try RequestLoop.send(reply, sender, envelope: envelope, ends: ends)
  }

  private static func send(
    _ reply: borrowing ByteBuffer, _ sender: ReplySender, envelope: RawSpan, ends: [Int]
  ) throws {
    try sender.send(reply.bytes, envelope: envelope, ends: ends)
  }

  private static func array(_ buffer: borrowing ByteBuffer) -> [UInt8] { buffer.bytes.array() }

  // MARK: Releasing

  private func release(isLast: Bool) throws {
    var finished: [KeyHash] = []
    for (name, connection) in connections {
      try release(connection, isLast: isLast)
      if connection.outstanding == 0 { finished.append(name) }
    }
    for name in finished { connections.removeValue(forKey: name) }
  }

  private func release(_ connection: Connection, isLast: Bool) throws {
    let now = hub.clock.now()
    while let next = connection.next {
      reply.removeAll(shrinkingAbove: RequestLoop.replyKeptBytes)
      switch next {
      case .complete(let bytes):
        reply.append(bytes.span.bytes)
      case .decided(let ticket, let head, let decided):
        if ticket > hub.acknowledgedTicket {
          guard let failure = hub.failure else { return }
          processor.appendFailure(HubError(failure), head, to: &reply)
        } else {
          processor.append(decided, head, to: &reply)
        }
      case .parked(let body, let revision, let deadline):
        let isDue = hub.state.revision.value >= revision || now >= deadline || isLast
        guard isDue, try retry(body, revision, connection) else { return }
      }
      connection.removeNext()
      outstanding -= 1
      let envelope = connection.envelope
      try RequestLoop.send(reply, sender, envelope: envelope.span.bytes, ends: connection.ends)
    }
  }

  /// Looks at a parked request again. Returns whether `reply` holds its reply.
  private func retry(_ body: [UInt8], _ revision: UInt64, _ connection: Connection) throws -> Bool {
    let disposition = processor.process(
      body.span.bytes, hasOutstanding: false, isRetry: revision > 0, reply: &reply)
    switch disposition {
    case .reply: return true
    case .wait(let ticket, let head, let decided):
      if ticket <= hub.acknowledgedTicket {
        processor.append(decided, head, to: &reply)
        return true
      }
      connection.replaceParked(.decided(ticket: ticket, head, decided))
    case .park(let revision, let deadline):
      connection.replaceNext(.parked(body: body, revision: revision, deadline: deadline))
    }
    return false
  }

  private var hasDeadline: Bool { connections.contains { $0.value.waitsForRevision } }

  // MARK: House

  /// Sweeps what has expired, and stamps a log that has come to rest.
  private func keepHouse() throws {
    let now = hub.clock.now()
    if hub.log.inFlightCount > 0 || hub.log.buildingBytes > 0 { lastWork = now }
    guard now >= nextSweep else { return }
    nextSweep = now + RequestLoop.sweepIntervalMicroseconds
    guard hub.failure == nil else { return }
    do {
      try hub.sweep(limit: RequestLoop.sweepKeysMax)
    } catch {
      service.counters.count(error.code)
    }
    if now - lastWork >= RequestLoop.idleMicroseconds { hub.log.stampIfIdle() }
  }

  private func pollMilliseconds() -> Int {
    if !hub.log.canTakeMore || hub.log.inFlightCount > 0 { return 100 }
    return 50
  }
}
