/// A hub on a real log in a temporary directory, with a clock that the test sets. The log runs without threads: what
/// is submitted is acknowledged when `submit` returns, and nothing depends on the machine's speed.
import Bytes
import Foundation
import Hub
import JSONText
import LogStore

final class SettableClock: HubClock, @unchecked Sendable {
  /// 2025-08-07T17:30:00Z.
  static let start: Int64 = 1_754_587_800_000_000

  var time: Int64 = SettableClock.start

  func now() -> Int64 { time }
}

/// Who writes.
struct Author {
  var agent = ""
  var request = ""
  var correlation = ""
  /// nil: a hash of the request's content, as the server makes it.
  var fingerprint: UInt64?

  static let nobody = Author()

  static func idempotent(_ request: String, agent: String = "agent") -> Author {
    Author(agent: agent, request: request)
  }
}

/// One operation of a batch.
enum BatchOperation {
  case put(String, String, ifRevision: UInt64? = nil)
  case delete(String, ifRevision: UInt64? = nil)

  var isPut: Bool { if case .put = self { true } else { false } }

  var key: String {
    switch self {
    case .put(let key, _, _), .delete(let key, _): key
    }
  }
}

/// A live item as a reader sees it.
struct Seen: Equatable {
  var revision: UInt64
  var item: String
}

final class HubFixture {
  let directory: URL
  let clock = SettableClock()
  var limits: HubLimits
  let options: LogOptions
  private var opened: MemoryHub?

  var hub: MemoryHub {
    guard let opened else { preconditionFailure("reopening the hub failed") }
    return opened
  }

  /// Small segments, so that even small tests go over several.
  static let smallSegments = LogOptions(
    durability: .none, segmentBytes: 2 << 20, firstSegmentBytes: 256 << 10, usesThreads: false)

  /// Memory that looks like a disk, where there is some: for tests that sync often and do not care where to.
  static let memory: URL =
    FileManager.default.isWritableFile(atPath: "/dev/shm")
    ? URL(fileURLWithPath: "/dev/shm") : FileManager.default.temporaryDirectory

  init(
    limits: HubLimits = HubLimits(), options: LogOptions = HubFixture.smallSegments,
    in parent: URL = FileManager.default.temporaryDirectory
  ) throws {
    directory = parent.appending(path: "mfh-hub-\(UUID().uuidString)")
    self.limits = limits
    self.options = options
    opened = try HubFixture.open(directory, options, limits, clock)
  }

  /// A hub on a store that is there; its directory is removed at the end.
  init(existing directory: URL, options: LogOptions = HubFixture.smallSegments) throws {
    self.directory = directory
    limits = HubLimits()
    self.options = options
    opened = try HubFixture.open(directory, options, limits, clock)
  }

  deinit {
    opened?.log.abandon()
    try? FileManager.default.removeItem(at: directory)
  }

  private static func open(
    _ directory: URL, _ options: LogOptions, _ limits: HubLimits, _ clock: SettableClock
  ) throws -> MemoryHub {
    let log = try RecordLog(
      PosixStorage(path: directory.path, creating: true), options: options, now: clock.time)
    do {
      return try MemoryHub(log: log, limits: limits, clock: clock)
    } catch {
      log.abandon()
      throw error
    }
  }

  /// Closes the store and opens it again, as a restart does.
  ///
  /// - Parameter withSnapshot: leave a snapshot to start from; without one all of the log is read.
  func reopen(withSnapshot: Bool = false) throws {
    if withSnapshot { try hub.close() } else { try hub.log.close() }
    opened = nil  // the lock goes with it
    opened = try HubFixture.open(directory, options, limits, clock)
  }

  /// Stops in good order, with a last snapshot, and opens the store again.
  func restart() throws {
    try hub.close()
    opened = nil
    opened = try HubFixture.open(directory, options, limits, clock)
  }

  /// Leaves the store as a killed process would, and opens it again.
  func crash() throws {
    hub.log.abandon()
    opened = nil
    opened = try HubFixture.open(directory, options, limits, clock)
  }

  // MARK: Writing

  @discardableResult
  func put(
    _ key: String, _ item: String, ifRevision: UInt64? = nil, ttl: Int64? = nil, by author: Author = .nobody
  ) throws(HubError) -> WriteOutcome {
    let keyBytes = Array(key.utf8)
    let text = Array(item.utf8)
    let tape = HubFixture.parsed(text)
    let content = "put \(key) \(item) \(ifRevision.map(String.init) ?? "") \(ttl.map(String.init) ?? "")"
    let itemBytesMax = limits.itemBytes
    return try write(author, content) { (hub, writer) throws(HubError) in
      try hub.put(key: keyBytes.span.bytes, ifRevision: ifRevision, by: writer) {
        (replaced, now, buffer) throws(HubError) in
        var normaliser = ItemNormaliser(
          node: JSONTape.root, now: now, replacedCreation: replaced, ttlExpiry: ttl.map { now + $0 },
          itemBytesMax: itemBytesMax)
        return try normaliser.append(tape, text.span.bytes, key: keyBytes.span.bytes, to: &buffer)
      }
    }
  }

  @discardableResult
  func delete(
    _ key: String, ifRevision: UInt64? = nil, by author: Author = .nobody
  ) throws(HubError) -> WriteOutcome {
    let keyBytes = Array(key.utf8)
    let content = "delete \(key) \(ifRevision.map(String.init) ?? "")"
    return try write(author, content) { (hub, writer) throws(HubError) in
      try hub.delete(key: keyBytes.span.bytes, ifRevision: ifRevision, by: writer)
    }
  }

  @discardableResult
  func batch(_ operations: [BatchOperation], by author: Author = .nobody) throws(HubError) -> BatchOutcome {
    let itemBytesMax = limits.itemBytes
    return try write(author, "batch \(operations)") { (hub, writer) throws(HubError) in
      if var repeated = try hub.findRepeatedBatch(writer) {
        var results: [OperationResult] = []
        for operation in operations {
          let key = Array(operation.key.utf8)
          results.append(try repeated.next(isPut: operation.isPut, key: key.span.bytes, hub: hub))
        }
        return BatchOutcome(ticket: repeated.ticket, results: results, revision: repeated.revision)
      }
      let now = hub.beginBatch()
      for (index, operation) in operations.enumerated() {
        let key = Array(operation.key.utf8)
        switch operation {
        case .delete(_, let ifRevision):
          try hub.addDelete(key: key.span.bytes, ifRevision: ifRevision, at: now, index: index)
        case .put(_, let item, let ifRevision):
          let text = Array(item.utf8)
          let tape = HubFixture.parsed(text)
          try hub.addPut(key: key.span.bytes, ifRevision: ifRevision, at: now, index: index) {
            (replaced, now, buffer) throws(HubError) in
            var normaliser = ItemNormaliser(
              node: JSONTape.root, now: now, replacedCreation: replaced, ttlExpiry: nil, itemBytesMax: itemBytesMax)
            return try normaliser.append(tape, text.span.bytes, key: key.span.bytes, to: &buffer)
          }
        }
      }
      return try hub.commitBatch(by: writer)
    }
  }

  private func write<Outcome>(
    _ author: Author, _ content: String, _ body: (MemoryHub, borrowing Writer) throws(HubError) -> Outcome
  ) throws(HubError) -> Outcome {
    let agent = Array(author.agent.utf8)
    let request = Array(author.request.utf8)
    let correlation = Array(author.correlation.utf8)
    let contentBytes = Array(content.utf8)
    let fingerprint = author.fingerprint ?? Checksum.xxh3(contentBytes.span.bytes, seed: 0)
    return try body(
      hub,
      Writer(
        agent: agent.span.bytes, correlation: correlation.span.bytes, request: request.span.bytes,
        fingerprint: fingerprint))
  }

  static func parsed(_ text: [UInt8]) -> JSONTape {
    var tape = JSONTape()
    do { try tape.parse(text.span.bytes) } catch { preconditionFailure("a test's item is JSON: \(error.text)") }
    return tape
  }

  /// Makes everything that was decided acknowledged.
  func acknowledge() throws {
    hub.submit()
    try hub.settle()
  }

  // MARK: Reading

  func get(_ key: String, seesPending: Bool = false) throws -> Seen? {
    let bytes = Array(key.utf8)
    guard let entry = hub.locate(bytes.span.bytes, seesPending: seesPending).entry else { return nil }
    var item = ByteBuffer()
    try hub.readItem(entry, into: &item)
    return Seen(revision: entry.revision.value, item: item.bytes.text())
  }

  /// The key as it was.
  func get(_ key: String, at moment: MemoryHub.Moment) throws -> Seen? {
    let bytes = Array(key.utf8)
    guard let entry = try hub.locate(bytes.span.bytes, at: moment) else { return nil }
    var item = ByteBuffer()
    try hub.readItem(entry, into: &item)
    return Seen(revision: entry.revision.value, item: item.bytes.text())
  }

  /// A page of the key's history, as the text between the brackets.
  func history(
    _ key: String, before: UInt64 = 1 << 63, limit: Int = 100, replyBytes: Int = 8 << 20
  ) throws -> (events: String, more: Bool) {
    let bytes = Array(key.utf8)
    var text = ByteBuffer()
    let page = try hub.appendHistory(
      of: bytes.span.bytes, before: Revision(before), limit: limit, replyBytes: replyBytes, to: &text)
    return (text.bytes.text(), page.hasMore)
  }

  /// Whether the key is there, also where its item can not be read yet.
  func isThere(_ key: String, seesPending: Bool) -> Bool {
    let bytes = Array(key.utf8)
    return hub.locate(bytes.span.bytes, seesPending: seesPending).entry != nil
  }

  func keys(prefix: String = "", after: String = "") -> [String] {
    var found: [String] = []
    let prefixBytes = Array(prefix.utf8)
    let afterBytes = Array(after.utf8)
    hub.forEachKey(prefix: prefixBytes.span.bytes, after: afterBytes.span.bytes) {
      found.append($0.text())
      return true
    }
    return found
  }

  var revision: UInt64 { hub.state.revision.value }
  var checksum: String { hub.state.checksum.text }

  /// All records of the log, in order.
  func records() throws -> [LoggedRecord] {
    var records: [LoggedRecord] = []
    try hub.log.replay(from: hub.log.startPlace, after: .none) { (header, _, record) in
      records.append(LoggedRecord(header, record))
    }
    return records
  }
}

/// A record as the log has it.
struct LoggedRecord: Equatable {
  var operation: LogStore.Operation
  var revision: UInt64
  var previous: UInt64
  var key: String
  var payload: String
  var time: Int64
  var agent: String
  var request: String
  var correlation: String
  var continues: Bool
  var expiry: Int64
  var depth: UInt32
  var skip: UInt64

  init(_ header: RecordHeader, _ record: RawSpan) {
    operation = header.fields.operation
    revision = header.fields.revision.value
    previous = header.fields.previousRevision.value
    key = record.extracting(header.keyRange).text()
    payload = record.extracting(header.payloadRange).text()
    time = header.fields.time
    agent = record.extracting(header.agentRange).text()
    request = record.extracting(header.requestRange).text()
    correlation = record.extracting(header.correlationRange).text()
    continues = header.fields.continues
    expiry = header.fields.expiry
    depth = header.fields.depth
    skip = header.fields.skipRevision.value
  }
}
