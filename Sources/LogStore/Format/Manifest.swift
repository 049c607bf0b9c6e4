/// The manifest: which segments the store is made of, and how far it was durable. It is kept twice. See FORMAT.md.
package import Bytes

package struct Manifest: Equatable, Sendable {
  package struct Segment: Equatable, Sendable {
    package var number: SegmentNumber
    package var generation: UInt32
    package var capacity: UInt64

    package init(number: SegmentNumber, generation: UInt32, capacity: UInt64) {
      self.number = number
      self.generation = generation
      self.capacity = capacity
    }
  }

  package var store: StoreIdentity
  package var lineage: StoreIdentity
  /// The lineage that this one was recovered from, and up to which revision; none for a store born empty.
  package var parentLineage: StoreIdentity = .none
  package var parentRevision: Revision = .none
  /// Counts the manifests written: the valid copy with the higher number is the one in force.
  package var sequence: UInt64
  /// Segments that are not listed do not belong to the store, whatever their number: so a backup is kept.
  package var listsAll = false
  package var epoch: UInt64
  /// A revision that was durable when the manifest was written.
  package var durableThrough: Revision
  package var writtenAt: Int64
  /// From this revision on the past is whole; before it the retention has let events go. 0: nothing was.
  package var floor: Revision = .none
  /// In order of their numbers, without holes.
  package var segments: [Segment]

  package init(
    store: StoreIdentity, lineage: StoreIdentity, sequence: UInt64, epoch: UInt64, durableThrough: Revision,
    writtenAt: Int64, segments: [Segment]
  ) {
    self.store = store
    self.lineage = lineage
    self.sequence = sequence
    self.epoch = epoch
    self.durableThrough = durableThrough
    self.writtenAt = writtenAt
    self.segments = segments
  }

  package func encode() -> ByteBuffer {
    typealias Field = Layout.Manifest
    let total = Field.size + segments.count * Field.entryBytes
    var buffer = ByteBuffer(capacity: total)
    buffer.append(littleEndian: UInt64(0))
    buffer.append(littleEndian: Field.magic)
    buffer.append(littleEndian: Layout.formatVersion)
    buffer.append(littleEndian: UInt16(0))
    buffer.append(littleEndian: UInt32(total))
    buffer.append(littleEndian: UInt32(listsAll ? Field.listsAllFlag : 0))
    buffer.append(zeros: 8)  // feature flags of the other two classes: none so far
    buffer.append(littleEndian: UInt32(segments.count))
    buffer.append(identity: store)
    buffer.append(identity: lineage)
    buffer.append(identity: parentLineage)
    buffer.append(littleEndian: parentRevision.value)
    buffer.append(littleEndian: sequence)
    buffer.append(littleEndian: epoch)
    buffer.append(littleEndian: durableThrough.value)
    buffer.append(littleEndian: writtenAt)
    buffer.append(littleEndian: floor.value)
    for segment in segments {
      buffer.append(littleEndian: UInt64(segment.number.value))
      buffer.append(littleEndian: segment.generation)
      buffer.append(littleEndian: UInt32(0))
      buffer.append(littleEndian: segment.capacity)
    }
    let checksum = Checksum.xxh3(buffer.bytes.extracting(8..<total), seed: 0)
    buffer.store(littleEndian: checksum, at: Field.checksum)
    return buffer
  }

  /// What a reader counts on from, or compares revisions with.
  private static let counters = [
    (Layout.Manifest.parentRevision, "parent_revision"), (Layout.Manifest.sequence, "sequence"),
    (Layout.Manifest.epoch, "epoch"), (Layout.Manifest.durableThrough, "durable_through"),
  ]

  package static func decode(_ bytes: RawSpan) throws(FormatError) -> Manifest {
    typealias Field = Layout.Manifest
    guard bytes.byteCount >= Field.sizeBefore3 else { throw .truncated }
    let size = (1...2).contains(bytes.u16(Field.version)) ? Field.sizeBefore3 : Field.size
    guard bytes.byteCount >= size else { throw .truncated }
    guard bytes.u64(Field.magicOffset) == Field.magic else { throw .badMagic }
    guard Int(bytes.u32(Field.totalBytes)) == bytes.byteCount else { throw .badLength }
    let checksum = Checksum.xxh3(bytes.extracting(8..<bytes.byteCount), seed: 0)
    guard checksum == bytes.u64(Field.checksum) else { throw .badChecksum }
    guard Layout.formatVersions.contains(bytes.u16(Field.version)) else {
      throw .unknownVersion(bytes.u16(Field.version))
    }
    let refused = bytes.u32(Field.readOnlyFlags) | bytes.u32(Field.incompatibleFlags)
    guard refused == 0 else { throw .unknownFeatures(refused) }
    let count = Int(bytes.u32(Field.segmentCount))
    guard size + count * Field.entryBytes == bytes.byteCount else { throw .badLength }
    var segments: [Segment] = []
    for index in 0..<count {
      let entry = size + index * Field.entryBytes
      guard let number = SegmentNumber(stored: bytes.u64(entry + Field.entryNumber)),
        index == 0 || segments[index - 1].number.next == number
      else { throw .badField("segment number") }
      guard Layout.capacities.contains(bytes.u64(entry + Field.entryCapacity)) else { throw .badField("capacity") }
      segments.append(
        Segment(
          number: number, generation: bytes.u32(entry + Field.entryGeneration),
          capacity: bytes.u64(entry + Field.entryCapacity)))
    }
    for (offset, name) in Manifest.counters where !Layout.counters.contains(bytes.u64(offset)) {
      throw .badField(name)
    }
    var manifest = Manifest(
      store: bytes.identity(Field.store), lineage: bytes.identity(Field.lineage),
      sequence: bytes.u64(Field.sequence), epoch: bytes.u64(Field.epoch),
      durableThrough: Revision(bytes.u64(Field.durableThrough)), writtenAt: bytes.i64(Field.writtenAt),
      segments: segments)
    manifest.parentLineage = bytes.identity(Field.parentLineage)
    manifest.parentRevision = Revision(bytes.u64(Field.parentRevision))
    if size == Field.size {
      guard Layout.counters.contains(bytes.u64(Field.floor)) else { throw .badField("floor") }
      manifest.floor = Revision(bytes.u64(Field.floor))
    }
    manifest.listsAll = bytes.u32(Field.compatibleFlags) & Field.listsAllFlag != 0
    return manifest
  }
}
