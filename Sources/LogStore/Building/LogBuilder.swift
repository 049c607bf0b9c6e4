/// Builds the log of a new store from records that exist already: in big writes, without a sync for each commit. Nothing
/// of it counts before `finish` has made all of it durable and written the manifest.
internal import Bytes

package final class LogBuilder {
  /// What the new store is, and where it comes from.
  package struct Origin: Sendable {
    package var store: StoreIdentity
    /// That of what is written into the store from now on.
    package var lineage: StoreIdentity
    package var parentLineage: StoreIdentity
    /// Counts up from that of the store that the records come from.
    package var epoch: UInt64
    /// When it is made; microseconds since 1970.
    package var now: Int64

    package init(store: StoreIdentity, lineage: StoreIdentity, parentLineage: StoreIdentity, epoch: UInt64, now: Int64)
    {
      self.store = store
      self.lineage = lineage
      self.parentLineage = parentLineage
      self.epoch = epoch
      self.now = now
    }
  }

  private let storage: any Storage
  private let origin: Origin
  private let segmentBytes: Int
  private let firstNumber: SegmentNumber
  private let sync: FileSync
  // Unchecked exclusivity: one thread owns this object, and asking at every access costs a tenth of a record.
  @exclusivity(unchecked) private var writer: SegmentWriter?
  @exclusivity(unchecked) private var finished: [Manifest.Segment] = []
  @exclusivity(unchecked) private var next: Revision
  @exclusivity(unchecked) private var time: Int64 = 0
  @exclusivity(unchecked) private var frame = ByteBuffer(capacity: 256 << 10)
  @exclusivity(unchecked) private var frameRecords: UInt32 = 0
  @exclusivity(unchecked) private var frameFirst = Revision(1)
  @exclusivity(unchecked) private var lineage: StoreIdentity
  /// From which revision on the records' past is whole; 0: all of it is.
  @exclusivity(unchecked) package var floor = Revision.none
  @exclusivity(unchecked) private var epoch: UInt64 = 1
  @exclusivity(unchecked) private var durability = Durability.fsync
  /// The last record belongs together with the next one.
  @exclusivity(unchecked) private var isInBatch = false

  /// A commit is closed when it has so many bytes: short enough that a record is found fast in it.
  private static let frameBytes = 64 << 10
  package static let standardSegmentBytes = 64 << 20

  /// - Parameters:
  ///   - first: the first revision of the log; later than 1 when the source's past is gone.
  ///   - firstNumber: the first segment's number; that of the source when its past is gone, 1 otherwise.
  ///   - segmentBytes: segments are full with at least so many bytes.
  ///   - usesThread: syncs run beside the caller; without, inside of its calls, for simulation.
  package init(
    _ storage: any Storage, _ origin: Origin, first: Revision = Revision(1),
    firstNumber: SegmentNumber = SegmentNumber(1), segmentBytes: Int = LogBuilder.standardSegmentBytes,
    usesThread: Bool = true
  ) {
    self.storage = storage
    self.origin = origin
    self.firstNumber = firstNumber
    sync = FileSync(usesThread: usesThread)
    self.segmentBytes = segmentBytes
    next = first
    lineage = origin.lineage
  }

  /// The last revision so far.
  package var lastRevision: Revision { Revision(next.value - 1) }

  // MARK: Where the records come from

  /// The records that follow are of this lineage: it stands in the header of their segments.
  package func begin(lineage: StoreIdentity) throws(LogError) {
    guard lineage != self.lineage else { return }
    try endSegment()
    self.lineage = lineage
  }

  /// The records that follow are from a frame like this.
  package func begin(_ frame: FrameHeader) throws(LogError) {
    guard frame.epoch != epoch || frame.durability != durability else { return }
    try endFrame()
    epoch = frame.epoch
    durability = frame.durability
  }

  // MARK: Records

  /// Appends a record as it lies in another segment, with the checksums of its new place.
  package func append(_ header: RecordHeader, _ record: RawSpan) throws(LogError) {
    if header.isEmptied { return try appendEmptied(header.fields, header, record) }
    let place = try beginRecord(header.fields)
    let start = frame.count
    frame.append(record)
    RecordEncoder.relocate(header, at: start, in: &frame, seed: place.seed, offset: place.offset + start)
    try endRecord(header.fields, last: header.fields.revision)
  }

  /// Appends a record whose payload is gone, with other fields. The room that the payload had goes too, and with it the
  /// last that could be known of it: how long it was.
  package func appendEmptied(
    _ fields: RecordFields, _ header: RecordHeader, _ record: RawSpan
  ) throws(LogError) {
    let place = try beginRecord(fields)
    RecordEncoder.append(
      fields,
      RecordNames(
        key: record.extracting(header.keyRange), agent: record.extracting(header.agentRange),
        correlation: record.extracting(header.correlationRange), request: record.extracting(header.requestRange)),
      payload: record.extracting(0..<0), codec: header.codec, seed: place.seed, offset: place.offset + frame.count,
      to: &frame)
    try endRecord(fields, last: fields.revision)
  }

  /// Appends a record anew.
  package func append(
    _ fields: RecordFields, _ names: borrowing RecordNames, payload: RawSpan
  ) throws(LogError) {
    let place = try beginRecord(fields)
    RecordEncoder.append(
      fields, names, payload: payload, seed: place.seed, offset: place.offset + frame.count, to: &frame)
    try endRecord(fields, last: fields.revision)
  }

  /// Says that revisions are lost here.
  package func append(_ gap: GapRecord) throws(LogError) {
    isInBatch = false
    let none = ByteBuffer(capacity: 16)
    let payload = gap.encode()
    let fields = RecordFields(operation: .gap, revision: .none, time: time)
    let place = try beginRecord(fields)
    RecordEncoder.append(
      fields, RecordNames(key: none.bytes, agent: none.bytes, correlation: none.bytes, request: none.bytes),
      payload: payload.bytes, seed: place.seed, offset: place.offset + frame.count, to: &frame)
    try endRecord(fields, last: gap.last)
  }

  private struct Place {
    let seed: FrameSeed
    let offset: Int
  }

  private func beginRecord(_ fields: RecordFields) throws(LogError) -> Place {
    if fields.operation.takesRevision { precondition(fields.revision == next, "revisions have no gaps") }
    let writer = try currentWriter()
    if frameRecords == 0 {
      frame.removeAll()
      frame.append(zeros: Layout.FrameHeader.size)
      frameFirst = next
    }
    time = max(time, fields.time)
    return Place(seed: writer.seed, offset: writer.offset)
  }

  private func endRecord(_ fields: RecordFields, last: Revision) throws(LogError) {
    frameRecords += 1
    if last != .none { next = last.next }
    isInBatch = fields.continues
    if frame.count >= LogBuilder.frameBytes, !isInBatch { try endFrame() }
  }

  private func currentWriter() throws(LogError) -> SegmentWriter {
    if let writer { return writer }
    let made = try SegmentWriter(storage, header: header(baseRevision: next, lineage: lineage, epoch: epoch))
    writer = made
    return made
  }

  private func header(baseRevision: Revision, lineage: StoreIdentity, epoch: UInt64) -> SegmentHeader {
    SegmentHeader(
      store: origin.store, lineage: lineage, number: SegmentNumber(firstNumber.value + UInt32(finished.count)),
      capacity: UInt64(Layout.SegmentHeader.blockBytes), baseRevision: baseRevision, epoch: epoch,
      createdAt: origin.now)
  }

  // MARK: Frames and segments

  private func endFrame() throws(LogError) {
    guard frameRecords > 0, let writer else { return }
    let header = FrameHeader(
      kind: .commit, durability: durability, bodyBytes: UInt32(frame.count - Layout.FrameHeader.size),
      recordCount: frameRecords, firstRevision: frameFirst, lastRevision: lastRevision, epoch: epoch, time: time,
      durableThrough: Revision(frameFirst.value - 1), durableOffset: UInt64(writer.offset))
    try writer.write(header, &frame)
    frameRecords = 0
    isInBatch = false
    if writer.offset >= segmentBytes { try endSegment() }
  }

  private func endSegment() throws(LogError) {
    try endFrame()
    guard let writer else { return }
    let header = FrameHeader(
      kind: .seal, durability: durability, firstRevision: next, lastRevision: lastRevision, epoch: epoch, time: time,
      durableThrough: lastRevision, durableOffset: UInt64(writer.offset))
    finished.append(try writer.seal(header))
    do { try sync.begin(writer.file) } catch { throw LogError(error) }
    self.writer = nil
  }

  // MARK: The end

  /// Ends the log in good order, in an epoch of its own, makes all of it durable, and writes the manifest.
  package func finish() throws(LogError) {
    try endSegment()
    let tail = header(baseRevision: next, lineage: origin.lineage, epoch: origin.epoch)
    let end = LogEnd(epoch: origin.epoch, time: max(time, origin.now), lastRevision: lastRevision)
    finished.append(try end.write(tail, capacity: min(LogEnd.standardBytes, segmentBytes), to: storage))
    var manifest = Manifest(
      store: origin.store, lineage: origin.lineage, sequence: 1, epoch: origin.epoch, durableThrough: lastRevision,
      writtenAt: origin.now, segments: finished)
    manifest.parentLineage = origin.parentLineage
    manifest.parentRevision = lastRevision
    manifest.floor = floor
    do {
      try sync.wait()
      try storage.syncDirectory(StoreNames.segments)
      try ManifestStore.write(manifest, to: storage)
    } catch {
      throw LogError(error)
    }
  }
}
