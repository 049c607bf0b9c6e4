/// Stores made for a test, in a directory of their own, with a model of what they hold.
import Bytes
import Foundation
import LogStore
import TestSupport
import Testing

/// What the model says of one event.
struct ModelEvent: Equatable {
  var revision: UInt64
  var type: String
  var key: String
  var agent: String?
  var correlation: String?
  var time: Int64
  var payload: String?
  var previous: String?
}

/// Builds a store, commit by commit.
final class StoreFixture {
  let directory: ScratchDirectory
  private var opened: RecordLog?
  private(set) var model: [ModelEvent] = []
  private(set) var positions: [RecordPosition] = []
  private var newest: [String: Int] = [:]
  private var time: Int64

  static let firstTime: Int64 = 1_754_587_800_000_000  // 2025-08-07T17:30:00Z
  static let stepMicroseconds: Int64 = 1_000_000

  init(
    _ directory: ScratchDirectory = ScratchDirectory(), segmentBytes: Int = 16 * 1024,
    durability: Durability = .fsync, usesThreads: Bool = false
  ) throws {
    self.directory = directory
    time = StoreFixture.firstTime
    let options = LogOptions(
      durability: durability, segmentBytes: segmentBytes, firstSegmentBytes: segmentBytes, usesThreads: usesThreads)
    opened = try RecordLog(
      try PosixStorage(path: directory.path, creating: true), options: options, now: StoreFixture.firstTime)
  }

  var log: RecordLog {
    guard let opened else { preconditionFailure("a fixture has an open log, or has just lost it") }
    return opened
  }

  /// Lets another opening have the store.
  func releaseLock() throws { opened = nil }

  /// Opens the store again, as a restart does.
  func reopen() throws {
    let options = log.options
    opened = nil  // releases the lock
    opened = try RecordLog(try PosixStorage(path: directory.path, creating: false), options: options, now: time)
  }

  /// Appends one event to the commit that is being built.
  func append(
    _ operation: LogStore.Operation, _ key: String, agent: String? = nil, correlation: String? = nil,
    content: String? = nil
  ) throws {
    let revision = log.lastRevision.next
    time += StoreFixture.stepMicroseconds
    let previous = newest[key]
    let payload = operation.isPut ? content ?? #"{"key":"\#(key)","content":"version \#(revision)"}"# : nil
    var fields = RecordFields(operation: operation, revision: revision, time: time)
    fields.previousRevision = Revision(previous.map { model[$0].revision } ?? 0)
    fields.itemKind = 1
    try log.reserve(2_048 + (payload?.utf8.count ?? 0))
    positions.append(
      log.append(
        fields, key: .of(key), agent: .of(agent ?? ""), correlation: .of(correlation ?? ""),
        payload: .of(payload ?? "")))
    newest[key] = model.count
    model.append(
      ModelEvent(
        revision: revision.value, type: operation.eventType, key: key, agent: agent, correlation: correlation,
        time: time, payload: payload,
        previous: operation == .create ? nil : previous.flatMap { model[$0].payload }))
  }

  /// Appends that items are redacted, as the hub does before it erases them.
  func redact(_ revisions: [UInt64]) throws {
    let payload = RedactionRecord(revisions: revisions.map { Revision($0) }, reason: "ticket 12").encode()
    try log.reserve(1_024, isBehindAll: true)
    time += StoreFixture.stepMicroseconds
    _ = log.append(
      RecordFields(operation: .redaction, revision: .none, time: time), key: .of(""), agent: .of("auditor"),
      correlation: .of(""), payload: payload)
    try commit()
  }

  func commit() throws {
    log.submit()
    try log.waitForSubmitted()
    while let buffer = log.takeCompleted(through: log.completedTicket) { log.recycle(buffer) }
  }

  /// Fills the store with commits of one to four events over a few keys, agents and all types, always the same.
  func fill(events count: Int) throws {
    let agents = ["planner", "coder", nil, "critic"]
    var random = Lehmer(state: 0x9E37_79B9)
    var live: Set<String> = []
    let start = model.count
    while model.count < start + count {
      for _ in 0...random.next(3) where model.count < start + count {
        let key = "project/\(random.next(4))/note/\(random.next(5))"
        let agent = agents[random.next(4)]
        let correlation = random.next(2) == 0 ? "run-\(random.next(9))" : nil
        let exists = newest[key].map { model[$0].payload != nil } ?? false
        let operation: LogStore.Operation =
          !exists ? .create : [.update, .update, .delete, .expire][random.next(4)]
        if operation.isPut { live.insert(key) } else { live.remove(key) }
        try append(operation, key, agent: agent, correlation: correlation)
      }
      try commit()
    }
  }

  /// A closed store with `count` events.
  static func closed(events count: Int, segmentBytes: Int = 16 * 1024) throws -> StoreFixture {
    let fixture = try StoreFixture(segmentBytes: segmentBytes)
    try fixture.fill(events: count)
    try fixture.log.close()
    return fixture
  }

  /// The position of revision `revision`.
  func position(_ revision: UInt64) -> RecordPosition { positions[Int(revision) - 1] }
}

extension ByteBuffer {
  static func of(_ text: String) -> ByteBuffer {
    var buffer = ByteBuffer(capacity: text.utf8.count)
    buffer.append(text: text)
    return buffer
  }

  static func of(_ bytes: some Sequence<UInt8>) -> ByteBuffer {
    var buffer = ByteBuffer()
    for byte in bytes { buffer.append(byte) }
    return buffer
  }
}

extension RecordLog {
  fileprivate func append(
    _ fields: RecordFields, key: borrowing ByteBuffer, agent: borrowing ByteBuffer, correlation: borrowing ByteBuffer,
    payload: borrowing ByteBuffer
  ) -> RecordPosition {
    let request = ByteBuffer(capacity: 16)
    return append(
      fields,
      RecordNames(key: key.bytes, agent: agent.bytes, correlation: correlation.bytes, request: request.bytes),
      payload: payload.bytes)
  }
}

/// A small generator whose numbers never change.
struct Lehmer {
  var state: UInt64
  mutating func next(_ bound: Int) -> Int {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return Int(state >> 33) % bound
  }
}
