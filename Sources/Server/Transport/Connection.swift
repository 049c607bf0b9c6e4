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
  /// A request that is looked at (again) when everything before it is answered, and the hub has reached `revision` or
  /// the time is `deadline`.
  case parked(body: [UInt8], revision: UInt64, deadline: Int64)
}

final class Connection {
  /// The envelope's frames, one after the other, and where each ends.
  let envelope: [UInt8]
  let ends: [Int]
  private var waiting: [WaitingReply] = []
  private var first = 0
  private var parked = 0

  init(envelope: [UInt8], ends: [Int]) {
    self.envelope = envelope
    self.ends = ends
  }

  var outstanding: Int { waiting.count - first }
  /// While a request is parked, everything behind it is parked too.
  var isParked: Bool { parked > 0 }
  var next: WaitingReply? { first < waiting.count ? waiting[first] : nil }

  func add(_ reply: WaitingReply) {
    if case .parked = reply { parked += 1 }
    waiting.append(reply)
  }

  func removeNext() {
    if case .parked = waiting[first] { parked -= 1 }
    first += 1
    if first == waiting.count {
      waiting.removeAll(keepingCapacity: true)
      first = 0
    } else if first > 64, first > waiting.count / 2 {
      waiting.removeFirst(first)
      first = 0
    }
  }

  /// The parked request was decided, and waits for a commit now.
  func replaceParked(_ reply: WaitingReply) {
    parked -= 1
    waiting[first] = reply
  }

  /// Whether the next reply waits for a revision, and so for a time.
  var waitsForRevision: Bool {
    guard case .parked(_, _, let deadline)? = next else { return false }
    return deadline != .max
  }

  /// The parked request's turn has come once, and it is to wait for a revision: it keeps its place.
  func replaceNext(_ reply: WaitingReply) { waiting[first] = reply }
}
