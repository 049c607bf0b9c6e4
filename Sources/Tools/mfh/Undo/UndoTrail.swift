/// What one agent did to one key within a range of the feed, and what has become of it since.
internal import Bytes
internal import HubClient
internal import JSONText

/// What a key held at some moment.
enum KeyContent: Equatable {
  case absent
  /// An item as the hub stores it.
  case item([UInt8])
  /// There was something, and the hub does not have it any more.
  case unknown
}

/// An event of the feed, as far as an undo needs it.
struct UndoEvent {
  enum Kind { case create, update, delete, expire }

  let kind: Kind
  let key: String
  /// "" for nobody.
  let agent: String
  let revision: UInt64
  let payload: KeyContent
  let previous: KeyContent
}

struct UndoTrail {
  /// Before the agent's first write of the newest unbroken run of its writes.
  private(set) var before: KeyContent
  /// After the newest event of anybody.
  private(set) var now: KeyContent
  private(set) var firstRevision: UInt64
  private(set) var lastRevision: UInt64
  private(set) var writes = 1
  /// The newest event of anybody.
  private(set) var newestRevision: UInt64
  /// Who wrote it.
  private(set) var newestAgent: String
  /// Somebody else's event follows the run.
  private(set) var isBroken = false

  init(_ event: UndoEvent) {
    before = event.previous
    now = event.payload
    firstRevision = event.revision
    lastRevision = event.revision
    newestRevision = event.revision
    newestAgent = event.agent
  }

  /// Takes in the key's next event.
  mutating func take(_ event: UndoEvent, isOwn: Bool) {
    if isOwn, isBroken {
      self = UndoTrail(event)
      return
    }
    now = event.payload
    newestRevision = event.revision
    // That an item expired is the doing of whoever wrote it.
    if event.kind == .expire { return }
    newestAgent = event.agent
    if isOwn {
      lastRevision = event.revision
      writes += 1
    } else {
      isBroken = true
    }
  }
}

/// What is to be done with a key.
enum UndoDecision: Equatable {
  /// Put the item that was there before.
  case restore([UInt8], ifRevision: UInt64)
  /// Delete: nothing was there before, or what was there has expired by now.
  case delete(ifRevision: UInt64, hasExpired: Bool)
  /// It is as it was.
  case asItWas
  /// Somebody else has changed it since.
  case changedSince
  /// What was there before is not to be had any more.
  case unreadable

  var isWrite: Bool {
    switch self {
    case .restore, .delete: true
    case .asItWas, .changedSince, .unreadable: false
    }
  }
}

extension UndoTrail {
  /// - Parameter time: the hub's, as its replies tell it.
  func decision(at time: String) -> UndoDecision {
    let current = UndoItem.isDue(now, at: time) ? .absent : now
    let hasExpired = UndoItem.isDue(before, at: time)
    let wanted = hasExpired ? .absent : before
    if UndoItem.isSame(current, wanted) { return .asItWas }
    if isBroken { return .changedSince }
    let revision = current == .absent ? 0 : newestRevision
    switch wanted {
    case .absent: return .delete(ifRevision: revision, hasExpired: hasExpired)
    case .item(let item): return .restore(item, ifRevision: revision)
    case .unknown: return .unreadable
    }
  }
}

/// What an undo has to know of items.
enum UndoItem {
  /// Whether two contents say the same. When the hub wrote them down (`updated_at`) makes no difference.
  static func isSame(_ left: KeyContent, _ right: KeyContent) -> Bool {
    switch (left, right) {
    case (.absent, .absent): true
    case (.item(let left), .item(let right)): left == right || timeless(left) == timeless(right)
    case (.absent, _), (.item, _), (.unknown, _): false
    }
  }

  /// The members but `updated_at`, one behind the other.
  private static func timeless(_ item: [UInt8]) -> [[UInt8]] {
    var tape = JSONTape()
    let text = item.span.bytes
    guard (try? tape.parse(text)) != nil, tape.kind(JSONTape.root) == .object else { return [item] }
    var members: [[UInt8]] = []
    var name = tape.firstChild(JSONTape.root)
    for _ in 0..<tape.count(JSONTape.root) {
      let value = name + 1
      if !tape.isString(name, "updated_at", in: text) {
        members.append(text.extracting(tape.range(name)).array())
        members.append(text.extracting(tape.range(value)).array())
      }
      name = tape.after(value)
    }
    return members
  }

  /// Whether an item's expiry is not behind `time`; both are texts of the same form.
  static func isDue(_ content: KeyContent, at time: String) -> Bool {
    guard case .item(let item) = content else { return false }
    var tape = JSONTape()
    let text = item.span.bytes
    guard (try? tape.parse(text)) != nil,
      let expiry = tape.member("expiry_timestamp", of: JSONTape.root, in: text), tape.kind(expiry) == .string
    else { return false }
    var decoded = ByteBuffer(capacity: 32)
    tape.appendString(expiry, in: text, to: &decoded)
    return decoded.bytes.text() <= time
  }
}
