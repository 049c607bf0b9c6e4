/// A client with replies outstanding: one complete envelope, and what it is waiting for, in order.
///
/// It exists only while something is outstanding, so that clients that come and go leave nothing behind.
internal import Hub

/// A reply that can not be sent yet.
enum WaitingReply {
  /// True once `ticket` is acknowledged.
  case decided(ticket: UInt64, ReplyHead, DecidedReply)
  /// A complete reply that waits for its turn.
  case complete([UInt8])
  /// The reply to a request that was not let in. It waits for its turn too.
  case refused([UInt8])
  /// A request that is looked at (again) when everything before it is answered, and the hub has reached `revision` or
  /// the time is `deadline`.
  case parked(ParkedRequest)
  /// A request for the change feed, the first of its client: its reply is being made, or it waits for an event.
  case feed(FeedRequest)

  /// Whether what comes behind it is not looked at before it has its reply.
  var holdsUp: Bool {
    switch self {
    case .parked, .feed: true
    case .decided, .complete, .refused: false
    }
  }

  /// Whether it waits for something that its client has chosen, and that may never come.
  var isByChoice: Bool {
    switch self {
    case .parked(let request): request.deadline != .max
    case .feed: true
    case .decided, .complete, .refused: false
    }
  }

  var isRefusal: Bool {
    if case .refused = self { true } else { false }
  }

  /// What it takes beyond its own size.
  var bytes: Int {
    switch self {
    case .decided(_, _, .batch(let outcome)): outcome.results.count * MemoryLayout<OperationResult>.stride
    case .decided: 0
    case .complete(let bytes), .refused(let bytes): bytes.count
    case .parked(let request): request.body.count
    case .feed(let feed): feed.query.prefix.count
    }
  }
}

struct ParkedRequest {
  var body: [UInt8]
  var caller: Caller
  var revision: UInt64
  /// Microseconds since 1970; `.max`: only what is before it has to be answered.
  var deadline: Int64
  /// When the request came; 0 when nobody wants to know.
  var arrival: Int64
  /// Whether it waits for the log to take more.
  var needsRoom = false
}

final class Connection {
  let name: EnvelopeName
  /// The envelope's frames, one after the other.
  let envelope: [UInt8]
  /// What came through the gate: a client of its own, with one request. Nil: the client is at the socket.
  let call: GateCall?
  // Unchecked exclusivity: one thread owns this object, and asking at every access costs a tenth of a write.
  @exclusivity(unchecked) private var waiting: [WaitingReply] = []
  @exclusivity(unchecked) private var first = 0
  @exclusivity(unchecked) private var parked = 0
  @exclusivity(unchecked) private var choices = 0
  @exclusivity(unchecked) private(set) var bytes = 0
  /// Refusals among what is outstanding.
  @exclusivity(unchecked) private(set) var refusals = 0
  /// Its client's, as long as it waits for something.
  @exclusivity(unchecked) var share: ClientShare?

  init(name: EnvelopeName, envelope: [UInt8]) {
    self.name = name
    self.envelope = envelope
    call = nil
  }

  init(name: EnvelopeName, call: GateCall) {
    self.name = name
    envelope = []
    self.call = call
  }

  /// Where each frame of the envelope ends.
  var ends: [Int] { name.ends }
  var outstanding: Int { waiting.count - first }
  /// Requests that were let in and are not answered.
  var requests: Int { outstanding - refusals }
  /// While a request is parked, or waits for an event, everything behind it is parked too.
  var isParked: Bool { parked > 0 }
  /// Whether it waits for a revision or an event, now or later.
  var isStalled: Bool { choices > 0 }
  var next: WaitingReply? { first < waiting.count ? waiting[first] : nil }

  func add(_ reply: WaitingReply) {
    if reply.isRefusal { refusals += 1 }
    if reply.holdsUp { parked += 1 }
    if reply.isByChoice { choices += 1 }
    bytes += reply.bytes
    waiting.append(reply)
  }

  func removeNext() {
    forgetNext()
    first += 1
    if first == waiting.count {
      waiting.removeAll(keepingCapacity: true)
      first = 0
    } else if first > 64, first > waiting.count / 2 {
      waiting.removeFirst(first)
      first = 0
    }
  }

  /// The next one was looked at and waits for something else now; it keeps its place.
  func replaceNext(_ reply: WaitingReply) {
    forgetNext()
    if reply.holdsUp { parked += 1 }
    if reply.isByChoice { choices += 1 }
    bytes += reply.bytes
    waiting[first] = reply
  }

  private func forgetNext() {
    if waiting[first].isRefusal { refusals -= 1 }
    if waiting[first].holdsUp { parked -= 1 }
    if waiting[first].isByChoice { choices -= 1 }
    bytes -= waiting[first].bytes
    // What it holds is given back now, not when the array is next tidied up.
    waiting[first] = .complete([])
  }
}
