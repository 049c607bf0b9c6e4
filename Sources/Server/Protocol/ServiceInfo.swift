/// What replies tell of the service itself.
internal import Bytes
internal import Hub

final class ServiceInfo {
  /// What an acknowledgement means.
  let durability: StaticString
  /// The store's directory, as a program on the same host finds it.
  var dataDirectory = ""
  /// Where clients reach the hub.
  var endpoint = ""
  /// The public key of heads, as text; nil when they are not signed.
  var headKey: String?
  // Unchecked exclusivity: one thread owns this object, and asking at every access costs a tenth of a write.
  @exclusivity(unchecked) var counters = RequestCounters()
  @exclusivity(unchecked) var feed = FeedCounters()
  @exclusivity(unchecked) var requests = RequestMetrics()

  init(durability: StaticString) { self.durability = durability }
}

/// What the change feed does.
struct FeedCounters: Sendable {
  /// Requests that wait for an event now.
  var waiting = 0
  /// Events in replies.
  var events: UInt64 = 0
  /// What was done for them, measured in bytes of log that were read.
  var readBytes: UInt64 = 0
}

/// Counts of requests by action and of errors by code. Touched by the request loop alone.
struct RequestCounters {
  private var byAction = [UInt64](repeating: 0, count: Action.allCases.count)
  private var byCode: [ErrorCode: UInt64] = [:]
  private(set) var errors: UInt64 = 0
  /// Messages that have reached the hub, whatever was in them.
  var messages: UInt64 = 0
  /// Handshakes of clients whose key is on the list, and of others.
  var clientsAccepted: UInt64 = 0
  var clientsRefused: UInt64 = 0
  /// Replies to clients that do not read, or have gone.
  var droppedReplies: UInt64 = 0
  /// Messages without an address to reply to.
  var unanswerable: UInt64 = 0

  var total: UInt64 { byAction.reduce(0, +) }

  /// Of every code, also of those that have not occurred: a rate needs the zero before the first one.
  var errorsByCode: [(code: ErrorCode, count: UInt64)] { ErrorCode.allCases.map { ($0, byCode[$0] ?? 0) } }

  mutating func count(_ action: Action) { byAction[action.index] += 1 }

  mutating func count(_ code: ErrorCode, times: Int = 1) {
    errors += UInt64(times)
    byCode[code, default: 0] += UInt64(times)
  }

  func append(to reply: inout ByteBuffer) {
    var object = ObjectWriter()
    object.begin(&reply)
    for action in Action.allCases { object.number(action.name, byAction[action.index], &reply) }
    for code in ErrorCode.allCases {
      guard let count = byCode[code] else { continue }
      object.name("error_\(code.rawValue)", &reply)
      reply.append(decimal: count)
    }
    object.number("messages", messages, &reply)
    object.number("replies_dropped", droppedReplies, &reply)
    object.end(&reply)
  }
}
