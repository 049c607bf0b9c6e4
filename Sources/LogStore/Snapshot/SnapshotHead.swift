/// The two ends of a snapshot file: what it belongs to and from where the log goes on, and how far it reaches. See
/// FORMAT.md, "Snapshot".
internal import Bytes

/// A place in the log at which a frame begins or may begin.
package struct LogPlace: Hashable, Comparable, Sendable, BitwiseCopyable {
  package var segment: SegmentNumber
  package var offset: Int

  package init(segment: SegmentNumber, offset: Int) {
    self.segment = segment
    self.offset = offset
  }

  package static func < (left: LogPlace, right: LogPlace) -> Bool {
    (left.segment, left.offset) < (right.segment, right.offset)
  }
}

package struct SnapshotHead: Equatable, Sendable {
  package var store: StoreIdentity
  package var lineage: StoreIdentity
  /// Random; part of the seed of every checksum in the file, so that a stale block of another snapshot is noticed.
  package var nonce: UInt64
  /// Where the log is read from to bring the snapshot up to date.
  package var replay: LogPlace
  /// The last revision before that place.
  package var replayRevision: Revision
  /// Microseconds since 1970.
  package var createdAt: Int64

  package init(
    store: StoreIdentity, lineage: StoreIdentity, nonce: UInt64, replay: LogPlace, replayRevision: Revision,
    createdAt: Int64
  ) {
    self.store = store
    self.lineage = lineage
    self.nonce = nonce
    self.replay = replay
    self.replayRevision = replayRevision
    self.createdAt = createdAt
  }

  var seed: SnapshotSeed { SnapshotSeed(store: store, nonce: nonce) }

  func encode() -> ByteBuffer {
    var buffer = ByteBuffer(capacity: Layout.Snapshot.size)
    buffer.append(littleEndian: UInt64(0))
    buffer.append(littleEndian: Layout.Snapshot.magic)
    buffer.append(littleEndian: Layout.formatVersion)
    buffer.append(littleEndian: UInt16(Layout.Snapshot.size))
    buffer.append(zeros: 16)  // reserved, and feature flags of three classes: none so far
    buffer.append(littleEndian: replay.segment.value)
    buffer.append(identity: store)
    buffer.append(identity: lineage)
    buffer.append(littleEndian: nonce)
    buffer.append(littleEndian: UInt64(replay.offset))
    buffer.append(littleEndian: replayRevision.value)
    buffer.append(littleEndian: createdAt)
    let checksum = Checksum.xxh3(buffer.bytes.extracting(8..<Layout.Snapshot.size), seed: 0)
    buffer.store(littleEndian: checksum, at: Layout.Snapshot.checksum)
    return buffer
  }

  static func decode(_ bytes: RawSpan) throws(FormatError) -> SnapshotHead {
    typealias Field = Layout.Snapshot
    guard bytes.byteCount >= Field.size else { throw .truncated }
    guard bytes.u64(Field.magicOffset) == Field.magic else { throw .badMagic }
    let checksum = Checksum.xxh3(bytes.extracting(8..<Field.size), seed: 0)
    guard checksum == bytes.u64(Field.checksum) else { throw .badChecksum }
    guard Layout.formatVersions.contains(bytes.u16(Field.version)) else {
      throw .unknownVersion(bytes.u16(Field.version))
    }
    let refused = bytes.u32(Field.readOnlyFlags) | bytes.u32(Field.incompatibleFlags)
    guard refused == 0 else { throw .unknownFeatures(refused) }
    guard bytes.u16(Field.headBytes) == UInt16(Field.size) else { throw .badField("head_bytes") }
    guard let offset = UInt32(exactly: bytes.u64(Field.replayOffset)) else { throw .badField("replay_offset") }
    guard Layout.counters.contains(bytes.u64(Field.replayRevision)) else { throw .badField("replay_revision") }
    return SnapshotHead(
      store: bytes.identity(Field.store), lineage: bytes.identity(Field.lineage), nonce: bytes.u64(Field.nonce),
      replay: LogPlace(segment: SegmentNumber(bytes.u32(Field.replaySegment)), offset: Int(offset)),
      replayRevision: Revision(bytes.u64(Field.replayRevision)), createdAt: bytes.i64(Field.createdAt))
  }
}

package struct SnapshotTail: Equatable, Sendable {
  package var blockCount: UInt64
  /// Size of the file, this tail included.
  package var totalBytes: UInt64
  /// Snapshot and log together give the state at this revision or any later one, none before it. It was durable when
  /// the snapshot got its name.
  package var revision: Revision
  /// The time of that revision.
  package var time: Int64

  func encode(_ seed: SnapshotSeed) -> ByteBuffer {
    var buffer = ByteBuffer(capacity: Layout.SnapshotTail.size)
    buffer.append(littleEndian: UInt64(0))
    buffer.append(littleEndian: Layout.SnapshotTail.magic)
    buffer.append(littleEndian: blockCount)
    buffer.append(littleEndian: totalBytes)
    buffer.append(littleEndian: revision.value)
    buffer.append(littleEndian: time)
    let checksum = Checksum.xxh3(
      buffer.bytes.extracting(8..<Layout.SnapshotTail.size), seed: seed.at(Int(totalBytes) - Layout.SnapshotTail.size))
    buffer.store(littleEndian: checksum, at: Layout.SnapshotTail.checksum)
    return buffer
  }

  /// - Parameter offset: the byte of the file at which the tail begins.
  static func decode(_ bytes: RawSpan, _ seed: SnapshotSeed, offset: Int) throws(FormatError) -> SnapshotTail {
    typealias Field = Layout.SnapshotTail
    guard bytes.byteCount >= Field.size else { throw .truncated }
    guard bytes.u64(Field.magicOffset) == Field.magic else { throw .badMagic }
    let checksum = Checksum.xxh3(bytes.extracting(8..<Field.size), seed: seed.at(offset))
    guard checksum == bytes.u64(Field.checksum) else { throw .badChecksum }
    guard bytes.u64(Field.totalBytes) == UInt64(offset + Field.size) else { throw .badField("total_bytes") }
    guard Layout.counters.contains(bytes.u64(Field.revision)) else { throw .badField("revision") }
    return SnapshotTail(
      blockCount: bytes.u64(Field.blockCount), totalBytes: bytes.u64(Field.totalBytes),
      revision: Revision(bytes.u64(Field.revision)), time: bytes.i64(Field.time))
  }
}

/// The seed of a snapshot's checksums: who wrote it, and where in the file what is covered begins.
struct SnapshotSeed: Sendable, BitwiseCopyable {
  private let file: UInt64

  init(store: StoreIdentity, nonce: UInt64) {
    var bytes = ByteBuffer(capacity: 32)
    bytes.append(identity: store)
    bytes.append(littleEndian: nonce)
    file = Checksum.xxh3(bytes.bytes, seed: 0)
  }

  func at(_ offset: Int) -> UInt64 { FrameSeed.mix(file, offset) }
}
