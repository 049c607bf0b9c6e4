/// A store with its tree on a simulated disk: written, closed, crashed and opened again the way the hub does it.
import Bytes
import HistoryTree
import LogStoreTesting
import TestSupport

@testable import Evidence
@testable import LogStore

final class TreeStore {
  static let key = SignerKey.random(name: "test")
  /// Small, so that a few hundred records fill several segments.
  static let logOptions = LogOptions(segmentBytes: 48 << 10, firstSegmentBytes: 32 << 10, usesThreads: false)

  let disk: SimulatedDisk
  var logOptions = TreeStore.logOptions
  var treeOptions = TreeOptions()
  var now: Int64 = 1_754_587_800_000_000
  private var random: SeededGenerator
  private var opened: RecordLog?
  private(set) var follower: TreeFollower!
  private var newest: [Int: Revision] = [:]

  init(_ disk: SimulatedDisk = SimulatedDisk(), seed: UInt64 = 1, key: SignerKey? = TreeStore.key) {
    self.disk = disk
    random = SeededGenerator(seed: seed)
    treeOptions.key = key
  }

  deinit { opened?.abandon() }

  var log: RecordLog { opened! }

  func open() throws {
    opened = try RecordLog(disk, options: logOptions, now: now)
    follower = try makeFollower()
    if follower.needsHead { try follower.writeHead(now: now) }
  }

  func makeFollower() throws -> TreeFollower {
    let end = log.durableEnd
    return try TreeFollower(disk, store: end.segments[0].header.store, options: treeOptions, log: end, now: now)
  }

  /// A store with so many records, a few of them to a commit and a head for every few commits, and closed.
  static func written(_ count: Int, seed: UInt64, key: SignerKey? = TreeStore.key) throws -> TreeStore {
    let store = TreeStore(seed: seed, key: key)
    try store.open()
    try store.write(count)
    try store.close()
    return store
  }

  func write(_ count: Int, headEvery: Int = 60) throws {
    var left = count
    var sinceHead = 0
    while left > 0 {
      let size = min(left, Int.random(in: 1...5, using: &random))
      try commit(size)
      left -= size
      sinceHead += size
      if sinceHead >= headEvery {
        try keep()
        sinceHead = 0
      }
    }
  }

  func commit(_ size: Int) throws {
    try log.reserve(size * 1_024)
    for _ in 0..<size { append() }
    log.submit()
  }

  private func append() {
    now += Int64.random(in: 1...5_000, using: &random)
    let key = Int.random(in: 0..<40, using: &random)
    let revision = log.lastRevision.next
    let before = newest[key]
    let operations: [LogStore.Operation] = before == nil ? [.create] : [.update, .update, .delete]
    var fields = RecordFields(
      operation: operations.randomElement(using: &random)!, revision: revision, time: log.nextTime(now))
    fields.previousRevision = before ?? .none
    fields.itemKind = 1
    fields.creationTime = now - 5
    newest[key] = fields.operation == .delete ? nil : revision
    let payload = fields.operation == .delete ? "" : #"{"content":"\#(UInt64.random(in: 0...(.max), using: &random))"}"#
    let names = ["key/\(key)", "agent-\(key % 7)", "c\(revision)", "r\(revision)"].map { Array($0.utf8) }
    withNames(names) { _ = log.append(fields, $0, payload: Array(payload.utf8).span.bytes) }
  }

  /// What the keeper's thread does from time to time.
  func keep() throws {
    try follower.advance(to: log.durableEnd)
    if follower.needsHead { try follower.writeHead(now: now) }
  }

  func close() throws {
    try log.close()
    try keep()
    opened = nil
  }

  func abandon() {
    opened?.abandon()
    opened = nil
  }

  /// The power is cut: what was synced stays.
  func losePower(seed: UInt64) {
    abandon()
    disk.losePower(.randomSubset, seed: seed)
  }

  /// All leaves by a plain replay, hashed one by one.
  func plainLeaves() throws -> [Digest] {
    let end = try DurableEnd.find(in: try StoreDirectory.load(disk, writable: false))
    var leaves: [Digest] = []
    var hasher = LeafHasher()
    var reader = LeafReader(at: LeafPlace(beginningOf: end))
    try reader.read(end) { (leaf, _) throws(LogError) in
      leaves.append(try hasher.hash(leaf.header, leaf.record, leaf.origin))
      return true
    }
    return leaves
  }
}

func treeRoot(_ leaves: some Sequence<Digest>) -> Digest {
  var frontier = Frontier()
  for leaf in leaves { frontier.append(leaf) }
  return frontier.root
}

/// Key, agent, correlation id and request id as a record's names.
func withNames(_ names: [[UInt8]], _ body: (borrowing RecordNames) -> Void) {
  let key = names[0]
  let agent = names[1]
  let correlation = names[2]
  let request = names[3]
  body(
    RecordNames(
      key: key.span.bytes, agent: agent.span.bytes, correlation: correlation.span.bytes, request: request.span.bytes))
}
