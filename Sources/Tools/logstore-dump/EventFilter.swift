/// Which records are wanted. Bytes are compared with bytes: nothing is decoded to decide.
internal import Bytes
internal import LogStore
internal import StoreTools

struct EventFilter: ~Copyable {
  private let key: ByteBuffer?
  private let prefix: ByteBuffer?
  private let agent: ByteBuffer?
  /// Empty for all.
  private let operations: Set<Operation>
  private let isLimitedToReads: Bool
  private let revisions: ClosedRange<UInt64>?
  private let times: ClosedRange<Int64>?
  private let hasRevisionFilter: Bool

  init(_ options: DumpOptions) {
    key = options.key.map { EventFilter.bytes(EventFilter.trimmed($0)) }
    prefix = options.prefix.map { EventFilter.bytes($0) }
    agent = options.agent.map { EventFilter.bytes($0) }
    operations = Set(options.type.compactMap(\.operation))
    isLimitedToReads = !options.type.isEmpty && operations.isEmpty
    let low = options.fromRevision ?? 0
    let high = options.toRevision ?? .max
    revisions = low <= high ? low...high : nil
    hasRevisionFilter = options.fromRevision != nil || options.toRevision != nil
    let since = options.since?.microseconds ?? .min
    let until = options.until?.microseconds ?? .max
    times = since <= until ? since...until : nil
  }

  private static func bytes(_ text: String) -> ByteBuffer {
    var buffer = ByteBuffer(capacity: text.utf8.count)
    buffer.append(text: text)
    return buffer
  }

  /// Without the ASCII white space around it, as the hub takes keys.
  static func trimmed(_ key: String) -> String {
    func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (byte >= 0x09 && byte <= 0x0D) }
    let bytes = Array(key.utf8)
    guard let first = bytes.firstIndex(where: { !isSpace($0) }), let last = bytes.lastIndex(where: { !isSpace($0) })
    else { return "" }
    return String(decoding: bytes[first...last], as: UTF8.self)
  }

  /// `bytes` is the whole record.
  borrowing func matches(_ record: RecordHeader, _ bytes: RawSpan) -> Bool {
    let fields = record.fields
    guard let revisions, let times, times.contains(fields.time) else { return false }
    if fields.operation.takesRevision {
      guard revisions.contains(fields.revision.value) else { return false }
    } else if hasRevisionFilter {
      return false
    }
    if isLimitedToReads || !(operations.isEmpty || operations.contains(fields.operation)) { return false }
    return EventFilter.equal(bytes.extracting(record.agentRange), agent)
      && EventFilter.equal(bytes.extracting(record.keyRange), key)
      && EventFilter.begins(bytes.extracting(record.keyRange), prefix)
  }

  /// `bytes` is the whole record. A page of a prefix passes when a key that is asked for may have been on it, and a read of
  /// several revisions when one that is asked for may have been among them.
  borrowing func matches(_ read: ReadRecord, _ bytes: RawSpan) -> Bool {
    guard let revisions, let times, times.contains(read.fields.time) else { return false }
    if hasRevisionFilter {
      let last = read.fields.revision.value
      let first = read.fields.firstRevision == .none ? last : min(last, read.fields.firstRevision.value)
      guard last > 0, revisions.overlaps(first...last) else { return false }
    }
    let target = bytes.extracting(read.keyRange)
    guard EventFilter.equal(bytes.extracting(read.agentRange), agent) else { return false }
    guard read.fields.action.isOfPrefix else {
      return EventFilter.equal(target, key) && EventFilter.begins(target, prefix)
    }
    return EventFilter.mayHave(target, key, isWhole: true) && EventFilter.mayHave(target, prefix, isWhole: false)
  }

  /// Whether a page of `prefix` may tell of a key that is `wanted`, or begins so.
  private static func mayHave(_ prefix: RawSpan, _ wanted: borrowing ByteBuffer?, isWhole: Bool) -> Bool {
    switch wanted {
    case .some(let wanted): wanted.bytes.hasPrefix(prefix) || !isWhole && prefix.hasPrefix(wanted.bytes)
    case .none: true
    }
  }

  private static func equal(_ name: RawSpan, _ wanted: borrowing ByteBuffer?) -> Bool {
    switch wanted {
    case .some(let wanted): name.equals(wanted.bytes)
    case .none: true
    }
  }

  private static func begins(_ name: RawSpan, _ wanted: borrowing ByteBuffer?) -> Bool {
    switch wanted {
    case .some(let wanted): name.hasPrefix(wanted.bytes)
    case .none: true
    }
  }
}
