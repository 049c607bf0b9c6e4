/// What a rewrite of segments takes out of records. The places of all records stay what they were.
internal import Bytes
internal import HistoryTree

package struct RecordEdits: Sendable {
  /// These lose their payload, and all that could be used to guess it.
  package var redacted: Set<Revision> = []
  /// These lose the hash of their request: it is that of a batch with a redacted record.
  package var unhashed: Set<Revision> = []
  /// What the retention lets go.
  var dropped = SupersededRevisions()

  package init() {}

  package var isEmpty: Bool { redacted.isEmpty && unhashed.isEmpty && dropped.isEmpty }

  var dropsEvents: Bool { !dropped.isEmpty }

  enum Fate: Sendable {
    case kept
    /// Without the hash of its request.
    case unhashed
    /// Without its payload.
    case redacted
    /// With nothing but its revision, its time and its leaf.
    case dropped

    var keepsPayload: Bool { self == .kept || self == .unhashed }
  }

  func fate(of header: RecordHeader) -> Fate {
    let fields = header.fields
    switch fields.operation {
    case .create, .update, .delete, .expire, .void: break
    case .dropped, .epoch, .gap, .redaction: return .kept
    }
    if dropped.contains(fields.revision) { return .dropped }
    if redacted.contains(fields.revision), fields.operation.isPut, header.codec != .redacted { return .redacted }
    return fields.fingerprint != 0 && unhashed.contains(fields.revision) ? .unhashed : .kept
  }
}

/// Makes records as edits want them. The result has the length of the record.
struct RecordEditor: ~Copyable {
  private let edits: RecordEdits
  private var hasher = LeafHasher()
  private(set) var result = ByteBuffer(capacity: 4_096)

  init(_ edits: RecordEdits) { self.edits = edits }

  /// Whether the record, which begins at byte `offset` of its segment, is to be another one; then that is `result`.
  mutating func edit(
    _ header: RecordHeader, _ record: RawSpan, _ origin: RecordOrigin, seed: FrameSeed, offset: Int
  ) throws(LogError) -> Bool {
    typealias Field = Layout.RecordHeader
    let fate = edits.fate(of: header)
    result.removeAll()
    switch fate {
    case .kept: return false
    case .unhashed:
      result.append(record)
      result.store(littleEndian: UInt64(0), at: Field.fingerprint)
    case .redacted:
      let commitment = try RecordLeaf.commitment(header, record)
      result.append(record.extracting(0..<header.payloadRange.lowerBound))
      result.append(zeros: record.byteCount - result.count)
      result.store(littleEndian: Codec.redacted.rawValue, at: Field.codec)
      result.store(littleEndian: UInt64(0), at: Field.fingerprint)
      result.store(littleEndian: UInt32(0), at: Field.plainBytes)
      result.store(commitment, at: Field.salt)
    case .dropped:
      try drop(header, record, origin)
    }
    let edited: RecordHeader
    do { edited = try RecordEncoder.sign(&result, seed: seed, offset: offset) } catch {
      throw LogError(.unsupported, "a record can not be emptied (\(error.text))")
    }
    assert(edited.recordBytes == header.recordBytes)
    return true
  }

  private mutating func drop(_ header: RecordHeader, _ record: RawSpan, _ origin: RecordOrigin) throws(LogError) {
    typealias Field = Layout.RecordHeader
    let leaf = try hasher.hash(header, record, origin)
    let room = UInt32(record.byteCount - Field.size)
    result.append(zeros: record.byteCount)
    result.store(littleEndian: header.recordBytes, at: Field.recordBytes)
    result.store(littleEndian: Operation.dropped.rawValue, at: Field.operation)
    result.store(littleEndian: header.fields.operation.rawValue, at: Field.itemKind)
    result.store(littleEndian: header.fields.revision.value, at: Field.revision)
    result.store(littleEndian: UInt64(bitPattern: header.fields.time), at: Field.time)
    result.store(littleEndian: room, at: Field.plainBytes)
    result.store(littleEndian: room, at: Field.storedBytes)
    result.store(littleEndian: UInt32(header.fields.continues ? 1 : 0), at: Field.flags)
    result.store(leaf, at: Field.salt)
  }
}

extension ByteBuffer {
  /// Writes a digest over 32 bytes that are there.
  fileprivate mutating func store(_ digest: Digest, at offset: Int) {
    for (index, word) in digest.words.enumerated() { store(littleEndian: word, at: offset + index * 8) }
  }
}
