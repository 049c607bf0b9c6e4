/// One client of a hub, without sockets: requests in, one reply for each out, in their order.
internal import Bytes
internal import FuzzLog
internal import FuzzSupport
internal import FuzzText
@testable internal import Hub
internal import JSONText
internal import KeyIndex
internal import Logging
internal import LogStore
@testable internal import Server

final class RequestSession {
  let disk: MemoryDisk
  /// Records may be damaged: `storage_error` is an answer too.
  var expectsDamage = false
  private let clock = FuzzClock()
  private var processor: RequestProcessor?
  /// Decided replies that wait for their commit.
  private var waiting: [(ticket: UInt64, head: ReplyHead, decided: DecidedReply)] = []
  private var reply = ByteBuffer()
  private let caller = Caller(connection: KeyHash(RawSpan()))

  var hub: MemoryHub? { processor?.hub }

  init(_ disk: MemoryDisk) {
    self.disk = disk
    open()
  }

  deinit { hub?.log.abandon() }

  private func open() {
    guard let hub = FuzzHub.open(disk, clock: clock) else { return }
    let logger = Logger(label: "fuzz") { _ in SwiftLogNoOpLogHandler() }
    processor = RequestProcessor(
      hub: hub, service: ServiceInfo(durability: "fsync"), access: nil, log: RequestLog(logger: logger))
  }

  func advance(milliseconds: Int64) { clock.time += milliseconds * 1_000 }

  // MARK: Requests

  /// Handles a request and all that was under way, to the end.
  func take(_ body: RawSpan) throws(FuzzFailure) {
    try take(body, waits: false)
    try finish()
  }

  /// Handles a request; with `waits`, its commit stays under way.
  func take(_ body: RawSpan, waits: Bool) throws(FuzzFailure) {
    guard let processor else { return }
    if !waits { try finish() }
    let before = HubPicture(processor.hub)
    reply.removeAll()
    var disposition = processor.process(
      body, from: caller, hasOutstanding: !waiting.isEmpty, isRetry: false, arrival: 0, reply: &reply)
    if case .park = disposition {
      try finish()
      let settled = HubPicture(processor.hub)
      disposition = processor.process(
        body, from: caller, hasOutstanding: false, isRetry: true, arrival: 0, reply: &reply)
      try file(disposition, settled, body)
    } else {
      try file(disposition, before, body)
    }
  }

  private func file(_ disposition: Disposition, _ before: HubPicture, _ body: RawSpan) throws(FuzzFailure) {
    guard let processor else { return }
    switch disposition {
    case .reply:
      try check(isFailureUnchanged: before)
    case .wait(let ticket, let head, let decided):
      if case .failure = decided {
        try require(HubPicture(processor.hub) == before, "a request that failed has changed the hub")
      }
      waiting.append((ticket, head, decided))
    case .park: throw FuzzFailure("a request that was parked is parked once more")
    case .hold: throw FuzzFailure("a write is held although nothing is being made beside the hub")
    case .feed(let feed): try read(feed, before)
    }
  }

  /// Makes the reply to a request for the change feed as the loop does, a piece at a time, up to the end of its time.
  private func read(_ feed: FeedRequest, _ before: HubPicture) throws(FuzzFailure) {
    guard let processor else { return }
    var pieces = 0
    while true {
      var work = 4 << 10
      switch processor.advance(feed, work: &work, isLast: false, reply: &reply) {
      case .replied:
        try check(isFailureUnchanged: before)
        try require(HubPicture(processor.hub) == before, "reading the change feed has changed the hub")
        return
      case .unfinished: pieces += 1
      case .waits: clock.time = feed.deadline
      }
      try require(pieces < 1 << 20, "a page of the change feed is never complete")
    }
  }

  /// Makes everything under way durable, and the replies that wait for it.
  func finish() throws(FuzzFailure) {
    guard let processor else { return }
    processor.hub.submit()
    do { try processor.hub.settle() } catch { throw FuzzFailure("a commit can not be taken in: \(error)") }
    for (ticket, head, decided) in waiting {
      try require(ticket <= processor.hub.acknowledgedTicket, "a reply waits for a commit that never comes")
      reply.removeAll()
      processor.append(decided, head, to: &reply)
      try check(isFailureUnchanged: nil)
    }
    waiting.removeAll()
  }

  // MARK: Checks

  /// The reply is one, whole, and a client can read it; after a failure the hub is as it was.
  private func check(isFailureUnchanged before: HubPicture?) throws(FuzzFailure) {
    guard let hub else { return }
    try RequestSession.checkText(reply)
    guard let code = try RequestSession.outcome(reply) else { return }
    try require(
      code != "internal" && (code != "storage_error" || expectsDamage), "the hub failed with \(code)")
    if let before { try require(HubPicture(hub) == before, "a request that failed has changed the hub") }
  }

  private static func outcome(_ reply: borrowing ByteBuffer) throws(FuzzFailure) -> String? {
    try ReplyFuzz.outcome(of: reply.bytes)
  }

  private static func checkText(_ reply: borrowing ByteBuffer) throws(FuzzFailure) {
    let text = reply.bytes
    try require(text.byteCount <= FuzzHub.limits.replyBytes * 2, "a reply of \(text.byteCount) bytes")
    var tape = JSONTape(depthMax: JSONTape.depthMax * 2)
    do {
      try tape.parse(text)
    } catch {
      throw FuzzFailure("the reply is not JSON, \(error.text): \(text.text())")
    }
    var minified = ByteBuffer(capacity: text.byteCount)
    JSONWriter.appendMinified(text, to: &minified)
    try require(minified.bytes.equals(text), "the reply is not compact: \(text.text())")
    try require(
      tape.kind(JSONTape.root) == .object && tape.isString(tape.firstChild(JSONTape.root), "success", in: text),
      "the reply does not begin with success: \(text.text())")
    for name: StaticString in ["action", "timestamp"] {
      try require(tape.member(name, of: JSONTape.root, in: text) != nil, "the reply has no \(name): \(text.text())")
    }
  }

  /// Ends the hub and starts it again from its disk: it is the same.
  func restart(isClean: Bool) throws(FuzzFailure) {
    guard let hub else { return }
    try finish()
    let before = HubPicture(hub)
    let violations = hub.state.index.violations() + hub.state.dead.violations()
    try require(violations.isEmpty, "the index is wrong: \(violations.first ?? "")")
    if isClean {
      do { try hub.log.close() } catch { throw FuzzFailure("the log can not be closed: \(error)") }
    } else {
      hub.log.abandon()
    }
    processor = nil
    open()
    guard let after = self.hub else { throw FuzzFailure("the hub does not start again") }
    let picture = HubPicture(after)
    try require(
      picture.revision == before.revision && picture.checksum == before.checksum && picture.keys == before.keys
        && picture.remembered == before.remembered, "after a restart the hub is another one")
  }
}

/// What of a hub a request that fails must not change.
struct HubPicture: Equatable {
  let revision: UInt64
  let checksum: String
  let keys: Int
  let remembered: Int
  let lastRevision: UInt64
  let lastTicket: UInt64
  let buildingBytes: Int

  init(_ hub: MemoryHub) {
    revision = hub.state.revision.value
    checksum = hub.state.checksum.text
    keys = hub.state.keyCount
    remembered = hub.rememberedRequests
    lastRevision = hub.log.lastRevision.value
    lastTicket = hub.lastTicket
    buildingBytes = hub.log.buildingBytes
  }
}
