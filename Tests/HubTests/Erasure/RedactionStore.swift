/// A hub on a simulated disk whose items are erased, and what a thief of the disk finds of them.
import Bytes
import Evidence
import HistoryTree
import Hub
import JSONText
import LogStore
import LogStoreTesting
import Testing

final class RedactionStore {
  static let options = LogOptions(segmentBytes: 24 << 10, firstSegmentBytes: 16 << 10, usesThreads: false)

  let disk: SimulatedDisk
  let clock = SettableClock()
  private(set) var hub: MemoryHub

  private let options: LogOptions

  init(_ disk: SimulatedDisk = SimulatedDisk(), options: LogOptions = RedactionStore.options) throws {
    self.disk = disk
    self.options = options
    hub = try RedactionStore.open(disk, options, clock)
  }

  deinit { hub.log.abandon() }

  private static func open(
    _ disk: SimulatedDisk, _ options: LogOptions, _ clock: SettableClock
  ) throws -> MemoryHub {
    let log = try RecordLog(disk, options: options, now: clock.time)
    do {
      return try MemoryHub(log: log, limits: HubLimits(), clock: clock)
    } catch {
      log.abandon()
      throw error
    }
  }

  func reopen(closing: Bool = true) throws {
    if closing { try hub.close() } else { hub.log.abandon() }
    disk.restart()
    hub = try RedactionStore.open(disk, options, clock)
  }

  // MARK: Writing

  func acknowledge() throws {
    hub.submit()
    try hub.settle()
  }

  private func withWriter<Outcome>(
    _ agent: String, _ request: String, _ fingerprint: UInt64, _ body: (borrowing Writer) throws(HubError) -> Outcome
  ) throws -> Outcome {
    let agent = Array(agent.utf8)
    let request = Array(request.utf8)
    let none: [UInt8] = []
    let outcome = try body(
      Writer(
        agent: agent.span.bytes, correlation: none.span.bytes, request: request.span.bytes, fingerprint: fingerprint))
    try acknowledge()
    return outcome
  }

  @discardableResult
  func put(_ key: String, _ content: String, request: String = "") throws -> UInt64 {
    try batch([(key, content)], request: request)[0]
  }

  /// Puts all of them in one commit; returns their revisions.
  @discardableResult
  func batch(_ items: [(key: String, content: String)], request: String = "") throws -> [UInt64] {
    let fingerprint = Checksum.xxh3(Array("\(items)".utf8).span.bytes, seed: 0)
    return try withWriter("agent", request, fingerprint) { writer throws(HubError) in
      if let repeated = try hub.findRepeatedBatch(writer) { return [repeated.revision.value] }
      let now = hub.beginBatch()
      for (index, item) in items.enumerated() {
        let key = Array(item.key.utf8)
        let text = Array(#"{"content":"\#(item.content)"}"#.utf8)
        let tape = HubFixture.parsed(text)
        try hub.addPut(key: key.span.bytes, ifRevision: nil, at: now, index: index) {
          (replaced, now, buffer) throws(HubError) in
          var normaliser = ItemNormaliser(
            node: JSONTape.root, now: now, replacedCreation: replaced, ttlExpiry: nil, itemBytesMax: 1 << 20)
          return try normaliser.append(tape, text.span.bytes, key: key.span.bytes, to: &buffer)
        }
      }
      return try hub.commitBatch(by: writer).results.map { $0.revision.value }
    }
  }

  @discardableResult
  func redact(_ revision: UInt64) throws -> RedactionOutcome {
    try withWriter("auditor", "", 1) { writer throws(HubError) in
      try hub.redact(Revision(revision), reason: "a test", by: writer)
    }
  }

  @discardableResult
  func redact(key: String, before: UInt64 = 1 << 62) throws -> RedactionOutcome {
    let key = Array(key.utf8)
    return try withWriter("auditor", "", 1) { writer throws(HubError) in
      try hub.redact(key: key.span.bytes, before: Revision(before), reason: "a test", by: writer)
    }
  }

  func delete(_ key: String) throws {
    let key = Array(key.utf8)
    try withWriter("agent", "", 1) { writer throws(HubError) in
      _ = try hub.delete(key: key.span.bytes, ifRevision: nil, by: writer)
    }
  }

  /// Lets go what the retention does not keep.
  func retain() throws {
    hub.stepRetention()
    while hub.log.isRetaining || hub.log.isCompacting {
      hub.log.stepCompaction()
      hub.stepRetention()
    }
    hub.log.settleCompaction()
    #expect(hub.log.retentionStatus.failure == nil)
  }

  /// What a server does now and then, until nothing is left to do.
  func erase() throws {
    for _ in 0..<200 where !hub.isErasureDone {
      hub.stepErasure()
      hub.log.stepCompaction()
    }
    hub.stepErasure()
  }

  func snapshot() {
    hub.beginSnapshot()
    while hub.isTakingSnapshot { _ = hub.stepSnapshot() }
  }

  // MARK: Reading

  func get(_ key: String) throws -> String? {
    let key = Array(key.utf8)
    guard let entry = hub.locate(key.span.bytes, seesPending: false).entry else { return nil }
    var item = ByteBuffer()
    try hub.readItem(entry, into: &item)
    return item.bytes.text()
  }

  func history(_ key: String) throws -> String {
    let key = Array(key.utf8)
    var text = ByteBuffer()
    _ = try hub.appendHistory(
      of: key.span.bytes, before: Revision(1 << 62), limit: 100, replyBytes: 1 << 20, to: &text)
    return text.bytes.text()
  }

  func historyRevisions(_ key: String) throws -> [UInt64] {
    let key = Array(key.utf8)
    var revisions: [UInt64] = []
    var before = Revision(1 << 62)
    while true {
      var text = ByteBuffer()
      do {
        let page = try hub.appendHistory(
          of: key.span.bytes, before: before, limit: 1, replyBytes: 1 << 20, to: &text)
        guard page.count == 1 else { return revisions }
        revisions.append(page.oldest.value)
        before = page.oldest
      } catch {
        #expect(error.code == .revisionCompacted)
        return revisions
      }
    }
  }

  func get(_ key: String, at moment: MemoryHub.Moment) throws -> String? {
    let key = Array(key.utf8)
    guard let entry = try hub.locate(key.span.bytes, at: moment) else { return nil }
    var item = ByteBuffer()
    try hub.readItem(entry, into: &item)
    return item.bytes.text()
  }

  /// Bytes of the segments' files, less what is only kept ready in the one that is written to.
  var bytes: Int {
    disk.image.paths.filter { $0.hasPrefix("segments/") }.dropLast(2).reduce(0) {
      $0 + (disk.image.contents($1)?.count ?? 0)
    }
  }

  var checksum: String { hub.state.checksum.text }

  /// The leaves of the history tree, in order.
  func leaves() throws -> [Digest] {
    let end = hub.log.durableEnd
    var reader = LeafReader(at: LeafPlace(beginningOf: end))
    var hasher = LeafHasher()
    var leaves: [Digest] = []
    try reader.read(end) { (leaf, _) throws(LogError) in
      leaves.append(try hasher.hash(leaf.header, leaf.record, leaf.origin))
      return true
    }
    return leaves
  }

  /// What the log has of a revision that could be used to know its item or to try a guess.
  func secrets(of revision: UInt64) throws -> [[UInt8]] {
    var buffer = ByteBuffer(capacity: 1_024)
    let position = try hub.log.position(of: Revision(revision))!
    let header = try hub.log.readRecord(at: position, into: &buffer)
    return RedactionStore.secrets(header, buffer)
  }

  private static func secrets(_ header: RecordHeader, _ buffer: borrowing ByteBuffer) -> [[UInt8]] {
    typealias Field = Layout.RecordHeader
    let record = buffer.bytes
    let wide = [Field.salt..<(Field.salt + 16), Field.stateHash..<(Field.stateHash + 16), header.payloadRange]
    var secrets = wide.map { record.extracting($0).array() }
    if header.fields.fingerprint != 0 {
      secrets.append(record.extracting(Field.fingerprint..<(Field.fingerprint + 8)).array())
    }
    return secrets
  }

  /// The files in which one of the secrets stands, as it is or packed.
  static func traces(of secrets: [[UInt8]], in image: DiskImage) throws -> [String] {
    var found: [String] = []
    for path in image.paths {
      guard let bytes = image.contents(path), bytes.count > 8 else { continue }
      if secrets.contains(where: { contains($0, bytes) }) { found.append(path) }
    }
    let collector = RecordCollector()
    var inspector = LogInspector(try StoreInspection.open(SimulatedDisk(image)), visitor: collector)
    inspector.run()
    if collector.records.contains(where: { record in secrets.contains { contains($0, record) } }) {
      found.append("the log, unpacked")
    }
    return found
  }

  private static func contains(_ needle: [UInt8], _ hay: [UInt8]) -> Bool {
    guard hay.count >= needle.count, let first = needle.first else { return false }
    let (hay, needle) = (hay.span, needle.span)
    for start in 0...(hay.count - needle.count) where hay[start] == first {
      var length = 1
      while length < needle.count, hay[start + length] == needle[length] { length += 1 }
      if length == needle.count { return true }
    }
    return false
  }
}

private final class RecordCollector: InspectionVisitor {
  var records: [[UInt8]] = []

  func begin(_ segment: InspectedSegment.Readable) {}
  func visit(_ frame: FrameHeader, at offset: Int) {}
  func report(_ issue: InspectionIssue) {}

  func visit(_ record: InspectedRecord, _ bytes: RawSpan) -> Bool {
    records.append(bytes.array())
    return true
  }
}
