/// The leaf of a record: the one text of its logical part, and the commitment to its payload. FORMAT.md, "History tree".
///
/// Nothing physical is in it (place, codec, checksums), and nothing that is derived from the payload.
package import Bytes
package import HistoryTree

/// Where the bytes of a leaf's contents lie.
package enum LeafLayout {
  package static let magic: UInt64 = 0x3146_4145_4C48_464D  // "MFHLEAF1" read as little-endian
  package static let magicOffset = 0
  package static let lineage = magicOffset + 8
  package static let epoch = lineage + 16
  package static let revision = epoch + 8
  package static let previousRevision = revision + 8
  package static let time = previousRevision + 8
  package static let creationTime = time + 8
  package static let expiry = creationTime + 8
  package static let operation = expiry + 8
  package static let itemKind = operation + 1
  package static let flags = itemKind + 1
  package static let reserved = flags + 1
  package static let keyBytes = reserved + 1
  package static let agentBytes = keyBytes + 2
  package static let correlationBytes = agentBytes + 2
  package static let requestBytes = correlationBytes + 2
  package static let size = requestBytes + 2
}

/// What a record has that is not in the record itself.
package struct RecordOrigin: Equatable, Sendable {
  /// That of its segment.
  package var lineage: StoreIdentity
  /// That of its frame.
  package var epoch: UInt64

  package init(lineage: StoreIdentity, epoch: UInt64) {
    self.lineage = lineage
    self.epoch = epoch
  }
}

package struct LeafHasher: ~Copyable {
  private var contents = ByteBuffer(capacity: 512)

  package init() {}

  /// The hash of a record's leaf. `record` is the whole record, after its checks.
  package mutating func hash(
    _ header: RecordHeader, _ record: RawSpan, _ origin: RecordOrigin
  ) throws(LogError) -> Digest {
    if header.fields.operation == .dropped { return RecordLeaf.remains(record) }
    contents.removeAll()
    RecordLeaf.append(header, record, origin, to: &contents)
    try RecordLeaf.commitment(header, record).append(to: &contents)
    return TreeHash.leaf(contents.bytes)
  }
}

/// Leaves of many records that are hashed together: in less time than one after the other.
package struct LeafMessages: ~Copyable, Sendable {
  private var commitments = Messages(capacity: 64 << 10)
  private var leaves = Messages(capacity: 32 << 10)
  /// Leaves that wait for the commitments, in the order of these.
  private var open: [Int] = []
  /// Leaves that emptied records bear, and how many come before each.
  private var kept: [(place: Int, leaf: Digest)] = []
  package private(set) var count = 0

  package init() {}

  /// What waits to be hashed.
  package var byteCount: Int { commitments.byteCount + leaves.byteCount }

  /// Adds a record. `record` is the whole record, after its checks.
  ///
  /// - Throws: what `LeafHasher.hash` would; nothing is added then.
  package mutating func add(
    _ header: RecordHeader, _ record: RawSpan, _ origin: RecordOrigin
  ) throws(LogError) {
    if header.fields.operation == .dropped {
      kept.append((count, RecordLeaf.remains(record)))
      count += 1
      return
    }
    var commitment = Digest()
    switch header.codec {
    case .plain:
      open.append(leaves.count)
      commitments.add { RecordLeaf.appendCommitment(header, record, to: &$0) }
    case .redacted: commitment = RecordLeaf.remains(record)
    case .zstd, .zstdDictionary: throw RecordLeaf.noLeaf
    }
    leaves.add { message in
      TreeHash.beginLeaf(in: &message)
      RecordLeaf.append(header, record, origin, to: &message)
      commitment.append(to: &message)
    }
    count += 1
  }

  /// The leaves, in the order of the records, which are forgotten.
  package mutating func hash() -> [Digest] {
    var committed: [Digest] = []
    committed.reserveCapacity(commitments.count)
    commitments.hash(to: &committed)
    for (leaf, commitment) in zip(open, committed) { leaves.end(leaf, with: commitment) }
    var hashes: [Digest] = []
    hashes.reserveCapacity(count)
    leaves.hash(to: &hashes)
    for (place, leaf) in kept { hashes.insert(leaf, at: place) }
    open.removeAll(keepingCapacity: true)
    kept.removeAll()
    count = 0
    return hashes
  }
}

package enum RecordLeaf {
  /// Appends the logical header: what stands in a leaf before the commitment.
  package static func append(
    _ header: RecordHeader, _ record: RawSpan, _ origin: RecordOrigin, to buffer: inout ByteBuffer
  ) {
    let fields = header.fields
    buffer.append(littleEndian: LeafLayout.magic)
    buffer.append(littleEndian: origin.lineage.high)
    buffer.append(littleEndian: origin.lineage.low)
    buffer.append(littleEndian: origin.epoch)
    buffer.append(littleEndian: fields.revision.value)
    buffer.append(littleEndian: fields.previousRevision.value)
    buffer.append(littleEndian: fields.time)
    buffer.append(littleEndian: fields.creationTime)
    buffer.append(littleEndian: fields.expiry)
    buffer.append(fields.operation.rawValue)
    buffer.append(fields.itemKind)
    buffer.append(UInt8(fields.continues ? 1 : 0))
    buffer.append(UInt8(0))
    for length in [header.keyBytes, header.agentBytes, header.correlationBytes, header.requestBytes] {
      buffer.append(littleEndian: length)
    }
    buffer.append(record.extracting(header.keyRange.lowerBound..<header.requestRange.upperBound))
  }

  /// What a commitment to the payload is the hash of.
  fileprivate static func appendCommitment(_ header: RecordHeader, _ record: RawSpan, to message: inout ByteBuffer) {
    TreeHash.beginCommitment(salt: salt(record), payloadBytes: header.payloadRange.count, in: &message)
    message.append(record.extracting(header.payloadRange))
  }

  /// The commitment to the payload; a redacted record bears it where its salt was.
  package static func commitment(_ header: RecordHeader, _ record: RawSpan) throws(LogError) -> Digest {
    switch header.codec {
    case .plain: return TreeHash.commitment(salt: salt(record), payload: record.extracting(header.payloadRange))
    case .redacted: return remains(record)
    case .zstd, .zstdDictionary: throw noLeaf
    }
  }

  fileprivate static var noLeaf: LogError {
    LogError(.unsupported, "a record that is compressed by itself has no leaf in this version")
  }

  /// The block of the state checksum that a put has once its item is redacted: the second half of the commitment, which
  /// the record then bears in that place.
  package static func redactedStateHash(_ header: RecordHeader, _ record: RawSpan) throws(LogError) -> UInt128 {
    let words = try commitment(header, record).words
    return UInt128(words[3]) << 64 | UInt128(words[2])
  }

  /// What an emptied record keeps for the history tree: a commitment or a leaf, in the place of salt and state hash.
  static func remains(_ record: RawSpan) -> Digest {
    let start = Layout.RecordHeader.salt
    return Digest(record.extracting(start..<(start + Digest.bytes)))
  }

  @_lifetime(copy record)
  package static func salt(_ record: RawSpan) -> RawSpan {
    let start = Layout.RecordHeader.salt
    return record.extracting(start..<(start + TreeHash.saltBytes))
  }
}
