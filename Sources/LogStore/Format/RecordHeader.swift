/// One record as it lies in a commit frame: header, names, payload, padding. See FORMAT.md, "Record".
package import Bytes

/// How a payload is stored.
package enum Codec: UInt8, Sendable, BitwiseCopyable {
  case plain = 0
  case zstd = 1
  case zstdDictionary = 2
  /// The payload is gone: zeros are in its place, and salt and state hash are the commitment to it in the history tree.
  case redacted = 3
}

/// What a record says, without its names and its payload. Sizes and checksums are the encoder's.
package struct RecordFields: Equatable, Sendable, BitwiseCopyable {
  package var operation: Operation
  /// The kind of the item, opaque here; 0 when there is none.
  package var itemKind: UInt8 = 0
  package var revision: Revision
  /// The revision of the same key's newest earlier event; 0 when there is none.
  package var previousRevision: Revision = .none
  /// All times are microseconds since 1970. When the event was accepted:
  package var time: Int64
  /// The creation time that the item bears.
  package var creationTime: Int64 = 0
  /// From when on the key counts as absent; 0 for never.
  package var expiry: Int64 = 0
  /// A hash of the request that the record answers, for idempotent repeats; 0 when there is no request id.
  package var fingerprint: UInt64 = 0
  /// The next record belongs to the same atomic batch.
  package var continues = false
  /// The live key's block of the state checksum; 0 unless this is a put. That of a redacted item is the second half of
  /// the commitment to it.
  package var stateHash: UInt128 = 0
  /// Random, so that nobody can guess a redacted payload from what the history tree keeps of it; 0 without a payload,
  /// and in records of version 1.
  package var salt: UInt128 = 0
  /// How many earlier events the key's chain has; `depthMax` stands for that many and more.
  package var depth: UInt32 = 0
  /// An earlier event of the key, further back than the previous one; 0 for none.
  package var skipRevision: Revision = .none

  package static let depthMax: UInt32 = 1 << 24 - 1

  /// What a dropped event was; nil for all others.
  package var droppedOperation: Operation? { operation == .dropped ? Operation(rawValue: itemKind) : nil }

  package init(operation: Operation, revision: Revision, time: Int64) {
    self.operation = operation
    self.revision = revision
    self.time = time
  }
}

/// A record's header after all its checks; `bytes` ranges count from the start of the record.
package struct RecordHeader: Equatable, Sendable, BitwiseCopyable {
  package let fields: RecordFields
  package let recordBytes: UInt32
  package let codec: Codec
  package let keyBytes: UInt16
  package let agentBytes: UInt16
  package let correlationBytes: UInt16
  package let requestBytes: UInt16
  package let plainBytes: UInt32
  package let storedBytes: UInt32
  package let payloadChecksum: UInt64

  /// The payload is gone, and with it what could be used to guess it.
  package var isEmptied: Bool { codec == .redacted || fields.operation == .dropped }

  package var keyRange: Range<Int> { Layout.RecordHeader.size..<(Layout.RecordHeader.size + Int(keyBytes)) }
  package var agentRange: Range<Int> { keyRange.upperBound..<(keyRange.upperBound + Int(agentBytes)) }
  package var correlationRange: Range<Int> { agentRange.upperBound..<(agentRange.upperBound + Int(correlationBytes)) }
  package var requestRange: Range<Int> {
    correlationRange.upperBound..<(correlationRange.upperBound + Int(requestBytes))
  }
  package var payloadRange: Range<Int> { requestRange.upperBound..<(requestRange.upperBound + Int(storedBytes)) }

  /// Decodes the record at the start of `bytes`, read from byte `offset` of the segment, and checks everything but
  /// the payload.
  package static func decode(_ bytes: RawSpan, seed: FrameSeed, offset: Int) throws(FormatError) -> RecordHeader {
    typealias Field = Layout.RecordHeader
    guard bytes.byteCount >= Field.size else { throw .truncated }
    // The lengths are not trusted before the checksum, but the checksum's own extent depends on them.
    let keyBytes = bytes.u16(Field.keyBytes)
    let agentBytes = bytes.u16(Field.agentBytes)
    let correlationBytes = bytes.u16(Field.correlationBytes)
    let requestBytes = bytes.u16(Field.requestBytes)
    let named = Field.size + Int(keyBytes) + Int(agentBytes) + Int(correlationBytes) + Int(requestBytes)
    guard named <= bytes.byteCount else { throw .badLength }
    let checksum = Checksum.xxh3(bytes.extracting(8..<named), seed: seed.at(offset))
    guard checksum == bytes.u64(Field.checksum) else { throw .badChecksum }

    let recordBytes = bytes.u32(Field.recordBytes)
    let storedBytes = bytes.u32(Field.storedBytes)
    guard Int(recordBytes) == Layout.aligned(named + Int(storedBytes)) else { throw .badLength }
    guard let operation = Operation(rawValue: bytes.u8(Field.operation)) else {
      throw .unknownOperation(bytes.u8(Field.operation))
    }
    guard let codec = Codec(rawValue: bytes.u8(Field.codec)) else { throw .unknownCodec(bytes.u8(Field.codec)) }
    switch codec {
    case .plain: guard storedBytes == bytes.u32(Field.plainBytes) else { throw .badLength }
    case .redacted:
      guard operation.isPut, bytes.u32(Field.plainBytes) == 0, bytes.u64(Field.fingerprint) == 0 else {
        throw .badField("codec")
      }
    case .zstd, .zstdDictionary: break
    }
    guard bytes.u8(Field.encryption) == 0 else { throw .encrypted(bytes.u8(Field.encryption)) }
    let flags = bytes.u8(Field.flags)
    guard flags & ~1 == 0 else { throw .badField("flags") }
    if operation == .dropped {
      guard codec == .plain, named == Field.size, let event = Operation(rawValue: bytes.u8(Field.itemKind)),
        event.takesRevision, event != .dropped
      else { throw .badField("operation") }
    }
    guard Layout.counters.contains(bytes.u64(Field.revision)) else { throw .badField("revision") }
    guard Layout.counters.contains(bytes.u64(Field.skipRevision)) else { throw .badField("skip_revision") }

    var fields = RecordFields(
      operation: operation, revision: Revision(bytes.u64(Field.revision)), time: bytes.i64(Field.time))
    fields.itemKind = bytes.u8(Field.itemKind)
    fields.previousRevision = Revision(bytes.u64(Field.previousRevision))
    fields.creationTime = bytes.i64(Field.creationTime)
    fields.expiry = bytes.i64(Field.expiry)
    fields.fingerprint = bytes.u64(Field.fingerprint)
    fields.continues = flags & 1 == 1
    fields.stateHash = bytes.u128(Field.stateHash)
    fields.salt = bytes.u128(Field.salt)
    fields.depth = bytes.u32(Field.flags) >> 8
    fields.skipRevision = Revision(bytes.u64(Field.skipRevision))
    return RecordHeader(
      fields: fields, recordBytes: recordBytes, codec: codec, keyBytes: keyBytes, agentBytes: agentBytes,
      correlationBytes: correlationBytes, requestBytes: requestBytes, plainBytes: bytes.u32(Field.plainBytes),
      storedBytes: storedBytes, payloadChecksum: bytes.u64(Field.payloadChecksum))
  }

  /// Checks the payload as stored and the padding behind it. `record` is the whole record.
  package func checkPayload(_ record: RawSpan, seed: FrameSeed, offset: Int) throws(FormatError) {
    guard record.byteCount >= Int(recordBytes) else { throw .truncated }
    let checksum = Checksum.xxh3(record.extracting(payloadRange), seed: seed.at(offset))
    guard checksum == payloadChecksum else { throw .payloadChecksum }
    let zeros = isEmptied ? payloadRange.lowerBound : payloadRange.upperBound
    guard record.extracting(zeros..<Int(recordBytes)).isZero else { throw .nonZeroPadding }
  }
}

/// The byte strings of a record. Borrowed for one call.
package struct RecordNames: ~Escapable {
  package let key: RawSpan
  package let agent: RawSpan
  package let correlation: RawSpan
  package let request: RawSpan

  @_lifetime(copy key, copy agent, copy correlation, copy request)
  package init(key: RawSpan, agent: RawSpan, correlation: RawSpan, request: RawSpan) {
    self.key = key
    self.agent = agent
    self.correlation = correlation
    self.request = request
  }
}

package enum RecordEncoder {
  /// Bytes that a record of these sizes takes, padding included.
  package static func size(names: Int, payload: Int) -> Int {
    Layout.aligned(Layout.RecordHeader.size + names + payload)
  }

  /// Appends one record with a plain payload, or without one that it had. It will begin at byte `offset` of the segment.
  package static func append(
    _ fields: RecordFields, _ names: borrowing RecordNames, payload: RawSpan, codec: Codec = .plain, seed: FrameSeed,
    offset: Int, to buffer: inout ByteBuffer
  ) {
    typealias Field = Layout.RecordHeader
    let start = buffer.count
    let nameBytes =
      names.key.byteCount + names.agent.byteCount + names.correlation.byteCount + names.request.byteCount
    let total = size(names: nameBytes, payload: payload.byteCount)
    buffer.reserve(total)
    buffer.append(littleEndian: UInt64(0))
    buffer.append(littleEndian: UInt32(total))
    buffer.append(fields.operation.rawValue)
    buffer.append(fields.itemKind)
    buffer.append(codec.rawValue)
    buffer.append(UInt8(0))  // not encrypted
    buffer.append(littleEndian: fields.revision.value)
    buffer.append(littleEndian: fields.previousRevision.value)
    buffer.append(littleEndian: fields.time)
    buffer.append(littleEndian: fields.creationTime)
    buffer.append(littleEndian: fields.expiry)
    buffer.append(littleEndian: fields.fingerprint)
    buffer.append(littleEndian: UInt16(names.key.byteCount))
    buffer.append(littleEndian: UInt16(names.agent.byteCount))
    buffer.append(littleEndian: UInt16(names.correlation.byteCount))
    buffer.append(littleEndian: UInt16(names.request.byteCount))
    buffer.append(littleEndian: UInt32(payload.byteCount))
    buffer.append(littleEndian: UInt32(payload.byteCount))
    buffer.append(littleEndian: UInt32(0))  // no dictionary
    buffer.append(littleEndian: fields.depth << 8 | (fields.continues ? 1 : 0))  // the flags' byte, then three of depth
    buffer.append(littleEndian: fields.skipRevision.value)
    buffer.append(littleEndian: fields.salt)
    buffer.append(littleEndian: fields.stateHash)
    buffer.append(littleEndian: Checksum.xxh3(payload, seed: seed.at(offset)))
    buffer.append(names.key)
    buffer.append(names.agent)
    buffer.append(names.correlation)
    buffer.append(names.request)
    let named = buffer.count
    buffer.append(payload)
    buffer.append(zeros: start + total - buffer.count)
    let checksum = Checksum.xxh3(buffer.bytes.extracting((start + 8)..<named), seed: seed.at(offset))
    buffer.store(littleEndian: checksum, at: start)
  }

  /// Makes the checksums of the record that `buffer` is, once its fields are what they are to be.
  static func sign(_ buffer: inout ByteBuffer, seed: FrameSeed, offset: Int) throws(FormatError) -> RecordHeader {
    typealias Field = Layout.RecordHeader
    let named = Field.size + namesBytes(buffer.bytes)
    let payload = named..<(named + Int(buffer.bytes.u32(Field.storedBytes)))
    guard payload.upperBound <= buffer.count else { throw .badLength }
    buffer.store(
      littleEndian: Checksum.xxh3(buffer.bytes.extracting(payload), seed: seed.at(offset)), at: Field.payloadChecksum)
    buffer.store(littleEndian: Checksum.xxh3(buffer.bytes.extracting(8..<named), seed: seed.at(offset)), at: 0)
    return try RecordHeader.decode(buffer.bytes, seed: seed, offset: offset)
  }

  private static func namesBytes(_ record: RawSpan) -> Int {
    typealias Field = Layout.RecordHeader
    return Int(record.u16(Field.keyBytes)) + Int(record.u16(Field.agentBytes)) + Int(record.u16(Field.correlationBytes))
      + Int(record.u16(Field.requestBytes))
  }

  /// Makes the checksums of an encoded record, which stands at `range` of `buffer`, those of another place.
  package static func relocate(
    _ header: RecordHeader, at start: Int, in buffer: inout ByteBuffer, seed: FrameSeed, offset: Int
  ) {
    typealias Field = Layout.RecordHeader
    let payload = (start + header.payloadRange.lowerBound)..<(start + header.payloadRange.upperBound)
    let payloadChecksum = Checksum.xxh3(buffer.bytes.extracting(payload), seed: seed.at(offset))
    buffer.store(littleEndian: payloadChecksum, at: start + Field.payloadChecksum)
    let named = (start + 8)..<(start + header.payloadRange.lowerBound)
    let checksum = Checksum.xxh3(buffer.bytes.extracting(named), seed: seed.at(offset))
    buffer.store(littleEndian: checksum, at: start)
  }
}

extension ByteBuffer {
  /// 16 bytes, the low half first.
  package mutating func append(littleEndian value: UInt128) {
    append(littleEndian: UInt64(truncatingIfNeeded: value))
    append(littleEndian: UInt64(truncatingIfNeeded: value >> 64))
  }
}

extension RawSpan {
  /// 16 bytes, the low half first.
  package func u128(_ offset: Int) -> UInt128 { UInt128(u64(offset + 8)) << 64 | UInt128(u64(offset)) }
}
