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
