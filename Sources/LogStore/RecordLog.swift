/// The log of one store: appends records in atomic commits, tells when they are acknowledged, reads them back.
///
/// One thread owns it and calls everything here. Beside it run the commit thread and the preparation thread.
package import Bytes
internal import Threads

package final class RecordLog {
  package let options: LogOptions
  package let recovery: RecoveryReport
  private let storage: any Storage
  private let lock: any StorageLock
  private let worker: CommitWorker
  private let supply: SegmentSupply
  // Unchecked exclusivity: one thread owns this object, and asking at every access costs a tenth of a write.
  @exclusivity(unchecked) private var threads: [NamedThread] = []
  @exclusivity(unchecked) private var snapshotWriter: SnapshotWriter?
  @exclusivity(unchecked) private var snapshotThread: NamedThread?
  private let onCompletion: @Sendable () -> Void
  /// All segments; the one at `activeIndex` is written to.
  @exclusivity(unchecked) private var segments: [SegmentFile]
  @exclusivity(unchecked) private var activeIndex: Int
  @exclusivity(unchecked) private var end: Int
  @exclusivity(unchecked) private var commitTable: CommitTable
  @exclusivity(unchecked) private var building: CommitBuffer?
  /// What the worker has, in order of tickets.
  @exclusivity(unchecked) private var inFlight: [CommitBuffer] = []
  @exclusivity(unchecked) private var idleBuffers: [CommitBuffer] = []
  @exclusivity(unchecked) private var nextTicket: UInt64 = 1
  @exclusivity(unchecked) private var isStamped = false
  @exclusivity(unchecked) private var isFinished = false
  /// Bytes of frames since the log was opened.
  @exclusivity(unchecked) package private(set) var bytesAppended: UInt64 = 0
  /// The revision of the newest record, acknowledged or not.
  @exclusivity(unchecked) package private(set) var lastRevision: Revision
  @exclusivity(unchecked) package private(set) var lastTime: Int64
  package let epoch: UInt64

  private static let lockName = StoreNames.lock
  private static let idleBuffersMax = 4
  private static let inFlightMax = 8

  /// Opens the store in `storage`, making it if there is none, recovering it if it was not closed.
  ///
  /// - Parameters:
  ///   - now: microseconds since 1970.
  ///   - onCompletion: called from the commit thread whenever `completedTicket` or `failure` may have changed.
  /// - Throws: `LogError`: `locked`, `damaged`, `notAStore`, `unsupported`, `io`.
  package init(
    _ storage: any Storage, options: LogOptions, now: Int64, onCompletion: @escaping @Sendable () -> Void = {}
  ) throws(LogError) {
    do { lock = try storage.lock(RecordLog.lockName) } catch { throw LogError(error) }
    let opened = try Recovery(storage: storage, options: options, now: now).open()
    self.options = options
    self.storage = storage
    self.onCompletion = onCompletion
    recovery = opened.report
    segments = Array(opened.segments[...opened.activeIndex])
    activeIndex = opened.activeIndex
    end = opened.end
    commitTable = opened.commitTable
    lastRevision = opened.lastRevision
    lastTime = opened.lastTime
    epoch = opened.manifest.epoch
    let worker = CommitWorker(
      options: options, segment: segments[activeIndex], end: end, lastRevision: lastRevision, notify: onCompletion)
    self.worker = worker
    let spare = opened.activeIndex + 1 < opened.segments.count ? opened.segments[opened.activeIndex + 1] : nil
    supply = SegmentSupply(
      storage: storage, manifest: opened.manifest, spare: spare, usesThreads: options.usesThreads,
      durableThrough: { worker.durableThrough }, poison: { worker.poison($0) })
    startThreads()
    guard recovery.kind == .resumed else { return }
    do {
      try stampOpening(now)
    } catch {
      abandon()
      throw error
    }
  }

  /// Says in which mode the store was opened, before anything is acknowledged in that mode.
  private func stampOpening(_ now: Int64) throws(LogError) {
    lastTime = max(now, lastTime)
    // Each opening and closing takes two stamps: without a commit between them they would outgrow the segment.
    if !fits(0, at: end) { try roll() }
    submitStamp(isForced: true)
    try waitForSubmitted()
    isStamped = true
  }

  private func startThreads() {
    guard options.usesThreads else { return }
    let worker = worker
    let supply = supply
    threads = [
      NamedThread("mfh-commit") { worker.run() },
      NamedThread("mfh-prepare") { supply.run() },
    ]
  }

  // MARK: Appending

  /// The time of the next record: never less than that of the one before, whatever the clock does.
  package func nextTime(_ now: Int64) -> Int64 { max(now, lastTime) }

  /// Bytes waiting in the commit that is being built.
  package var buildingBytes: Int { building.map { $0.bytes.count } ?? 0 }

  /// Makes sure that the commit being built can take `bytes` more bytes of records; moves on to the next segment if
  /// this one can not. Call it once for everything that must be in one commit.
  package func reserve(_ bytes: Int) throws(LogError) {
    if let failure { throw failure }
    guard bytes <= options.commitBytesMax else {
      throw LogError(
        .tooLarge, "a commit of \(bytes) bytes is over the limit of \(options.commitBytesMax) that a segment holds")
    }
    if let building, !fits(bytes, at: building.end) { submit() }
    // More than once when the spare segment was made for smaller commits than are allowed now.
    while building == nil, !fits(Layout.FrameHeader.size + bytes, at: end) { try roll() }
    if building == nil { building = beginFrame(.commit, at: end) }
  }

  private func fits(_ bytes: Int, at offset: Int) -> Bool {
    // Room for a close stamp and for the seal stays free.
    let capacity = Int(segments[activeIndex].header.capacity)
    return offset + bytes + Layout.FrameHeader.size * 2 + CommitTable.sealBytesMax(capacity: capacity) <= capacity
  }

  /// Appends one record to the commit that `reserve` opened. The position is readable once the commit is acknowledged.
  package func append(
    _ fields: RecordFields, _ names: borrowing RecordNames, payload: RawSpan
  ) -> RecordPosition {
    guard let building else { preconditionFailure("reserve before append") }
    if fields.operation.takesRevision {
      precondition(fields.revision == lastRevision.next, "revisions have no gaps")
      lastRevision = fields.revision
    }
    precondition(fields.time >= lastTime, "time never goes back")
    lastTime = fields.time
    return building.append(fields, names, payload: payload)
  }

  /// The ticket of the commit that is being built, or of the next one.
  package var currentTicket: UInt64 { building?.ticket ?? nextTicket }

  /// The ticket of the newest commit, submitted or being built.
  package var lastTicket: UInt64 { nextTicket - 1 }

  /// Hands the commit that is being built to the disk.
  package func submit() {
    guard let frame = building else { return }
    building = nil
    commitTable.note(frame.finalHeader, at: frame.offset)
    send(frame)
    isStamped = false
    wantSpareIfUsed()
  }

  private func send(_ frame: CommitBuffer) {
    end = frame.end
    bytesAppended += UInt64(frame.bytes.count)
    inFlight.append(frame)
    worker.submit(frame)
  }

  private func beginFrame(_ kind: FrameKind, at offset: Int, isCleanClose: Bool = false) -> CommitBuffer {
    let header = FrameHeader(
      kind: kind, durability: options.durability, isCleanClose: isCleanClose, firstRevision: lastRevision.next,
      lastRevision: lastRevision, epoch: epoch, time: lastTime)
    let ticket = nextTicket
    nextTicket += 1
    let segment = segments[activeIndex]
    if let buffer = idleBuffers.popLast() {
      buffer.reuse(header, segment: segment, offset: offset, ticket: ticket)
      return buffer
    }
    return CommitBuffer(header, segment: segment, offset: offset, ticket: ticket)
  }

  /// The next acknowledged frame up to `ticket`, in order; nil when there is none left.
  package func takeCompleted(through ticket: UInt64) -> CommitBuffer? {
    guard let first = inFlight.first, first.ticket <= ticket else { return nil }
    return inFlight.removeFirst()
  }

  /// Whether the disk keeps up: when not, nothing more should be appended before something is acknowledged.
  /// After a failure there is nothing to wait for: reads go on, writes are refused.
  package var canTakeMore: Bool { inFlight.count < RecordLog.inFlightMax || failure != nil }

  /// Frames that the worker has not acknowledged.
  package var inFlightCount: Int { inFlight.count }

  /// Gives an acknowledged commit's buffer back.
  package func recycle(_ buffer: CommitBuffer) {
    if idleBuffers.count < RecordLog.idleBuffersMax { idleBuffers.append(buffer) }
  }

  /// Seals the active segment and goes on in the next.
  private func roll() throws(LogError) {
    precondition(building == nil, "a segment is left between commits")
    supply.want(nextHeader())
    let next = try supply.take()
    let seal = beginFrame(.seal, at: end)
    seal.appendSealBody(commitTable)
    send(seal)
    segments.append(next)
    activeIndex += 1
    commitTable = CommitTable()
    end = Layout.SegmentHeader.blockBytes
  }

  private func wantSpareIfUsed() {
    let capacity = Int(segments[activeIndex].header.capacity)
    if end > capacity / 8 { supply.want(nextHeader()) }
  }

  private func nextHeader() -> SegmentHeader {
    let active = segments[activeIndex].header
    return SegmentHeader(
      store: active.store, lineage: active.lineage, number: active.number.next,
      capacity: UInt64(max(options.firstSegmentBytes, min(options.segmentBytes, Int(active.capacity) * 2))),
      epoch: epoch, createdAt: lastTime)
  }

  // MARK: Stamps and closing

  /// Writes a stamp unless the last frame was one: called when the log has been idle for a second, so that what was
  /// acknowledged last can be told from a torn tail.
  package func stampIfIdle() {
    guard building == nil, !isStamped, failure == nil else { return }
    submitStamp()
    isStamped = true
  }

  private func submitStamp(isCleanClose: Bool = false, isForced: Bool = false) {
    let stamp = beginFrame(.stamp, at: end, isCleanClose: isCleanClose)
    stamp.isForced = isForced
    send(stamp)
  }

  /// Makes everything durable, in every mode, and marks the store as closed in good order.
  package func finish() throws(LogError) {
    submit()
    if failure == nil { submitStamp(isCleanClose: true, isForced: true) }
    isFinished = true
    try waitForSubmitted()
  }

  /// Makes everything durable, marks the store as closed in good order, and ends the threads.
  package func close() throws(LogError) {
    if !isFinished { try? finish() }
    abandon()
    if let failure { throw failure }
    do {
      try supply.writeManifest(at: lastTime) { _ in }
    } catch {
      throw LogError(error)
    }
  }

  /// Ends the threads and leaves everything as a killed process would: for tests of recovery.
  package func abandon() {
    snapshotWriter?.cancel()
    endSnapshot()
    supply.stop()
    worker.stop()
    for thread in threads { thread.join() }
    threads = []
  }

  deinit { precondition(threads.isEmpty, "a log is closed before it is released") }

  // MARK: Acknowledgement

  package var completedTicket: UInt64 { worker.completedTicket }
  package var failure: LogError? { worker.failure }
  package var durableThrough: Revision { worker.durableThrough }
  package var syncs: UInt64 { worker.syncs }

  /// Waits until everything submitted so far is acknowledged.
  package func waitForSubmitted() throws(LogError) {
    let last = nextTicket - (building == nil ? 1 : 2)
    while worker.completedTicket < last {
      if let failure { throw failure }
      NamedThread.pause()
    }
    if let failure { throw failure }
  }

  // MARK: Reading

  package func readRecord(at position: RecordPosition, into buffer: inout ByteBuffer) throws(LogError) -> RecordHeader {
    try segment(position.segment).readRecord(at: position, into: &buffer)
  }

  package func readHeader(at position: RecordPosition, into buffer: inout ByteBuffer) throws(LogError) -> RecordHeader {
    try segment(position.segment).readHeader(at: position, into: &buffer)
  }

  private func segment(_ number: SegmentNumber) -> SegmentFile {
    let index = Int(number.value) - Int(segments[0].number.value)
    precondition(segments.indices.contains(index), "a position names a segment of this log")
    return segments[index]
  }

  // MARK: Snapshots

  /// The snapshots of the store.
  package var snapshots: SnapshotStore { SnapshotStore(storage: storage) }

  /// Where the log begins.
  package var startPlace: LogPlace {
    LogPlace(segment: segments[0].number, offset: Layout.SegmentHeader.blockBytes)
  }

  /// Bytes of log behind a place, as far as segments are filled.
  package func bytes(behind place: LogPlace) -> Int {
    segments.reduce(0) { total, segment in
      guard segment.number >= place.segment else { return total }
      let start = segment.number == place.segment ? place.offset : Layout.SegmentHeader.blockBytes
      let isActive = segment.number == segments[activeIndex].number
      return total + max(0, (isActive ? end : Int(segment.header.capacity)) - start)
    }
  }

  /// Gives the snapshot's thread a moment.
  package func waitForSnapshot() { NamedThread.pause() }

  /// Where the log ends now, behind everything that was appended.
  package var endPlace: LogPlace { LogPlace(segment: segments[activeIndex].number, offset: end) }

  /// Begins a snapshot of the state that the log stands for before `place`, which comes behind revision `after`. One
  /// at a time; `endSnapshot` when its outcome is known.
  package func beginSnapshot(replayFrom place: LogPlace, after revision: Revision, now: Int64) -> SnapshotWriter {
    precondition(snapshotWriter == nil, "one snapshot is written at a time")
    let active = segments[activeIndex].header
    let head = SnapshotHead(
      store: active.store, lineage: active.lineage, nonce: .random(in: .min ... .max), replay: place,
      replayRevision: revision, createdAt: now)
    let writer = SnapshotWriter(
      storage: storage, head: head, usesThreads: options.usesThreads, onOutcome: onCompletion)
    snapshotWriter = writer
    snapshotThread = writer.start()
    return writer
  }

  /// Waits for the snapshot under way, if there is one.
  package func endSnapshot() {
    snapshotThread?.join()
    snapshotThread = nil
    snapshotWriter = nil
  }

  /// Reads the log from its beginning, or from where a snapshot leaves off: from `place`, which comes behind
  /// `revision`. Every record is checked and given to `visit` in order.
  package func replay(
    from place: LogPlace? = nil, after revision: Revision = .none,
    _ visit: (RecordHeader, RecordPosition, _ record: RawSpan) throws(LogError) -> Void
  ) throws(LogError) {
    try LogReplay(segments: segments, activeEnd: end).run(from: place, after: revision, visit)
  }

  /// The generation of every segment in use.
  package var generations: [SegmentGeneration] {
    segments.map { SegmentGeneration(number: $0.number, generation: $0.header.generation) }
  }

  /// Whether the segments hold the place, as far as can be told without reading it.
  package func contains(_ place: LogPlace) -> Bool {
    place.segment >= segments[0].number && place <= endPlace
  }

  /// Sizes and positions for `stats`.
  package var status: LogStatus {
    LogStatus(
      store: segments[0].header.store, lineage: segments[activeIndex].header.lineage, segments: segments.count,
      bytes: segments.dropLast().reduce(0) { $0 + Int($1.header.capacity) } + end,
      activeSegment: segments[activeIndex].number, activeOffset: end, syncs: syncs)
  }
}

package struct LogStatus: Sendable {
  package let store: StoreIdentity
  package let lineage: StoreIdentity
  package let segments: Int
  package let bytes: Int
  package let activeSegment: SegmentNumber
  package let activeOffset: Int
  package let syncs: UInt64
}

extension CommitBuffer {
  /// The header with its size, as the worker will write it.
  fileprivate var finalHeader: FrameHeader {
    var final = header
    final.bodyBytes = UInt32(bytes.count - Layout.FrameHeader.size)
    return final
  }
}
