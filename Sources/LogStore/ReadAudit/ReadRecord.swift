/// One record of the stream of reads: who was told what. See FORMAT.md, "Stream of reads".
internal import Bytes

/// What was asked for. The numbers are those of the format.
package enum ReadAction: UInt8, Sendable, CaseIterable, BitwiseCopyable {
  case get = 1
  case exists = 2
  case batchGet = 3
  case history = 4
  case proof = 5
  /// A page of keys: the target is the prefix.
  case listKeys = 6
  /// A page of the change feed: the target is the prefix.
  case events = 7
  /// A write that was refused because of what is there, and whose reply tells what that is.
  case conflict = 8

  package var name: StaticString {
    switch self {
    case .get: "get"
    case .exists: "exists"
    case .batchGet: "batch_get"
    case .history: "history"
    case .proof: "proof"
    case .listKeys: "list_keys"
    case .events: "events"
    case .conflict: "conflict"
    }
  }

  /// Whether the target is the prefix of a page, and not a key.
  package var isOfPrefix: Bool { self == .listKeys || self == .events }
}

/// What a record says, but for the names.
package struct ReadFields: Equatable, Sendable, BitwiseCopyable {
  package var action: ReadAction
  /// When it was answered, in microseconds since 1970.
  package var time: Int64
  /// The revision that was told, of a page the newest one; none when nothing was there.
  package var revision: Revision
  /// Of a page of events, the oldest one; none for all else.
  package var firstRevision = Revision.none
  /// How many keys or events were told.
  package var count: UInt32

  package init(
    _ action: ReadAction, time: Int64, revision: Revision, firstRevision: Revision = .none, count: UInt32
  ) {
    self.action = action
    self.time = time
    self.revision = revision
    self.firstRevision = firstRevision
    self.count = count
  }
}

/// A record that was read and checked. The ranges are in the record.
package struct ReadRecord: Equatable, Sendable {
  package let fields: ReadFields
  package let recordBytes: Int
  package let keyRange: Range<Int>
  package let agentRange: Range<Int>
  package let correlationRange: Range<Int>

  private typealias Field = Layout.ReadRecord

  /// What is kept of a name. Keys and ids are shorter; only the prefix of a page may be longer.
  package static let nameBytesMax = Int(UInt16.max)

  static func bytes(key: RawSpan, agent: RawSpan, correlation: RawSpan) -> Int {
    Field.size + kept(key) + kept(agent) + kept(correlation)
  }

  private static func kept(_ name: RawSpan) -> Int { min(name.byteCount, nameBytesMax) }

  /// Appends a record.
  ///
  /// - Parameter seed: of the place at which it will lie.
  static func encode(
    _ fields: ReadFields, key: RawSpan, agent: RawSpan, correlation: RawSpan, seed: UInt64,
    into buffer: inout ByteBuffer
  ) {
    let start = buffer.count
    buffer.append(littleEndian: UInt64(0))
    buffer.append(littleEndian: UInt32(bytes(key: key, agent: agent, correlation: correlation)))
    buffer.append(littleEndian: UInt16(kept(key)))
    buffer.append(littleEndian: UInt16(kept(agent)))
    buffer.append(littleEndian: UInt16(kept(correlation)))
    buffer.append(fields.action.rawValue)
    buffer.append(UInt8(0))
    buffer.append(littleEndian: fields.count)
    buffer.append(littleEndian: fields.time)
    buffer.append(littleEndian: fields.revision.value)
    buffer.append(littleEndian: fields.firstRevision.value)
    buffer.append(key.extracting(0..<kept(key)))
    buffer.append(agent.extracting(0..<kept(agent)))
    buffer.append(correlation.extracting(0..<kept(correlation)))
    let body = (start + Field.recordBytes)..<buffer.count
    let checksum = Checksum.xxh3(buffer.bytes.extracting(body), seed: seed)
    buffer.store(littleEndian: checksum, at: start + Field.checksum)
  }

  /// Reads the record with which `bytes` begins.
  static func decode(_ bytes: RawSpan, seed: UInt64) throws(FormatError) -> ReadRecord {
    guard bytes.byteCount >= Field.size else { throw .truncated }
    let recordBytes = Int(bytes.u32(Field.recordBytes))
    let keyEnd = Field.size + Int(bytes.u16(Field.keyBytes))
    let agentEnd = keyEnd + Int(bytes.u16(Field.agentBytes))
    let correlationEnd = agentEnd + Int(bytes.u16(Field.correlationBytes))
    guard recordBytes == correlationEnd else { throw .badLength }
    guard bytes.byteCount >= recordBytes else { throw .truncated }
    let checksum = Checksum.xxh3(bytes.extracting(Field.recordBytes..<recordBytes), seed: seed)
    guard checksum == bytes.u64(Field.checksum) else { throw .badChecksum }
    guard let action = ReadAction(rawValue: bytes.u8(Field.action)) else {
      throw .unknownOperation(bytes.u8(Field.action))
    }
    guard bytes.u8(Field.reserved) == 0 else { throw .nonZeroPadding }
    return ReadRecord(
      fields: ReadFields(
        action, time: bytes.i64(Field.time), revision: Revision(bytes.u64(Field.revision)),
        firstRevision: Revision(bytes.u64(Field.firstRevision)), count: bytes.u32(Field.count)),
      recordBytes: recordBytes, keyRange: Field.size..<keyEnd, agentRange: keyEnd..<agentEnd,
      correlationRange: agentEnd..<correlationEnd)
  }
}
