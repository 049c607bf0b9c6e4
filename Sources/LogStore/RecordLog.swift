/// The log of one store: appends records in atomic commits, tells when they are acknowledged, reads them back.
///
/// One thread owns it and calls everything here. Beside it run the commit thread and the preparation thread.
internal import Bytes
internal import Threads

package final class RecordLog {
  package let options: LogOptions
  package let recovery: RecoveryReport
  let storage: any Storage
  private let lock: any StorageLock
  let worker: CommitWorker
  let supply: SegmentSupply
  // Unchecked exclusivity: one thread owns this object, and asking at every access costs a tenth of a write.
  @exclusivity(unchecked) private var threads: [NamedThread] = []
  @exclusivity(unchecked) var snapshotWriter: SnapshotWriter?
  @exclusivity(unchecked) var snapshotThread: NamedThread?
  @exclusivity(unchecked) var compaction: SegmentCompaction?
  @exclusivity(unchecked) var compactionThread: NamedThread?
  @exclusivity(unchecked) package internal(set) var compactionStatus = CompactionStatus()
  @exclusivity(unchecked) var erasure = PendingErasure()
  @exclusivity(unchecked) var retention = RetentionState()
  let onCompletion: @Sendable () -> Void
  /// All segments; the one at `activeIndex` is written to.
  @exclusivity(unchecked) var segments: [SegmentFile]
  @exclusivity(unchecked) private(set) var activeIndex: Int
  @exclusivity(unchecked) private(set) var end: Int
  @exclusivity(unchecked) private(set) var commitTable: CommitTable
  @exclusivity(unchecked) private(set) var building: CommitBuffer?
  /// What is known of where revisions lie.
  let lookup: LogLookup
  /// The place behind the newest frame that the owner has taken as acknowledged, and the newest revision before it:
  /// what is looked up or followed never lies behind.
  @exclusivity(unchecked) package private(set) var acknowledgedPlace: LogPlace
  @exclusivity(unchecked) package private(set) var acknowledgedRevision: Revision
  /// What the worker has, in order of tickets.
  @exclusivity(unchecked) private(set) var inFlight: [CommitBuffer] = []
  @exclusivity(unchecked) private var idleBuffers: [CommitBuffer] = []
  @exclusivity(unchecked) private var nextTicket: UInt64 = 1
  @exclusivity(unchecked) private var isStamped = false
  @exclusivity(unchecked) private var isFinished = false
  @exclusivity(unchecked) private var randomBytes = RandomBytes()
  /// Since when an owner that does not wait has been told that the next segment is still being made.
  @exclusivity(unchecked) private var busySince: ContinuousClock.Instant?
  /// A client's write was refused since the next segment could first not be made.
  @exclusivity(unchecked) private var hasRefused = false
  /// Why the manifest could not be written on closing; what it says is in the last stamp as well.
  package private(set) var closingProblem: LogError?
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
    lookup = LogLookup(entriesMax: options.tableEntriesMax)
    self.onCompletion = onCompletion
    recovery = opened.report
    segments = Array(opened.segments[...opened.activeIndex])
    activeIndex = opened.activeIndex
    end = opened.end
    commitTable = opened.commitTable
    lastRevision = opened.lastRevision
    acknowledgedRevision = opened.lastRevision
    acknowledgedPlace = LogPlace(segment: opened.segments[opened.activeIndex].number, offset: opened.end)
    lastTime = opened.lastTime
    epoch = opened.manifest.epoch
    let worker = CommitWorker(
      options: options, segment: segments[activeIndex], end: end, lastRevision: lastRevision, notify: onCompletion)
    self.worker = worker
    let spare = opened.activeIndex + 1 < opened.segments.count ? opened.segments[opened.activeIndex + 1] : nil
    supply = SegmentSupply(
      storage: storage, manifest: opened.manifest, spare: spare, smallestBytes: options.firstSegmentBytes,
      usesThreads: options.usesThreads,
      durableThrough: { worker.durableThrough }, poison: { worker.poison($0) }, notify: onCompletion)
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
    // A segment of an earlier format version is not written to either: a program of that version may still read it.
    if room(at: end) < 0 || segments[activeIndex].header.version < Layout.formatVersion { try roll() }
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
  ///
  /// - Parameters:
  ///   - use: clients leave the reserve alone, see `SegmentRoom`.
  ///   - waits: wait while the next segment is being made; else that is the error `busy`.
  ///   - isBehindAll: everything before lies in segments that are finished: for a record that has them written anew.
  /// - Throws: `LogError`: `poisoned`, `tooLarge`, `noRoom`, `busy`. Then nothing has changed.
  package func reserve(
    _ bytes: Int, for use: RoomUse = .client, waits: Bool = true, isBehindAll: Bool = false
  ) throws(LogError) {
    if let failure { throw failure }
    guard bytes <= options.commitBytesMax else {
      throw LogError(
        .tooLarge, "a commit of \(bytes) bytes is over the limit of \(options.commitBytesMax) that a segment holds")
    }
    let full = isBehindAll && hasRecords ? segments[activeIndex].number : nil
    // More than once when the spare segment was made for smaller commits than are allowed now.
    while true {
      switch decideRoom(bytes, use, isFull: segments[activeIndex].number == full) {
      case .here:
        busySince = nil
        if building == nil { building = beginFrame(.commit, at: end) }
        return
      case .next:
        submit()
        try roll()
      case .wait where waits: supply.waitForAttempt()
      case .wait:
        if busySince == nil { busySince = .now }
        throw LogError(.busy, "the next segment is being made: try again")
      case .refuse(let problem):
        busySince = nil
        if use == .client { hasRefused = true }
        if let failure { throw failure }
        throw LogError(
          .noRoom,
          "writes are refused, reads go on: the next segment can not be made (\(problem.message)); it is "
            + "tried again and again, and writes are taken as soon as there is room")
      }
    }
  }

  private var hasRecords: Bool { building != nil || end > Layout.SegmentHeader.blockBytes }

  private func decideRoom(_ bytes: Int, _ use: RoomUse, isFull: Bool) -> SegmentRoom.Decision {
    let left = room(at: building?.end ?? end + Layout.FrameHeader.size) - bytes
    return SegmentRoom.decide(fits: left >= 0 && !isFull, sparesReserve: left >= reserveBytes, use) {
      supply.want(nextHeader())
      return supply.availability
    }
  }

  private var reserveBytes: Int { SegmentRoom.reserveBytes(capacity: Int(segments[activeIndex].header.capacity)) }

  /// Bytes that commits may take behind `offset`: room for a close stamp and for the seal stays free.
  private func room(at offset: Int) -> Int {
    let capacity = Int(segments[activeIndex].header.capacity)
    return capacity - offset - Layout.FrameHeader.size * 2 - CommitTable.sealBytesMax(capacity: capacity)
  }

  /// What room there is for clients' writes.
  package var roomStatus: RoomStatus {
    let problem = supply.problem
    if problem == nil { hasRefused = false }
    let left = room(at: building?.end ?? end + Layout.FrameHeader.size) - reserveBytes
    return RoomStatus(problem: problem, bytesLeft: max(0, left), hasRefused: hasRefused)
  }

  /// Without threads: tries again to make the next segment, if that has failed and its time has come.
  ///
  /// - Parameter now: microseconds since 1970.
  package func retryPreparation(now: Int64) { supply.retry(now: now) }

  /// Appends one record to the commit that `reserve` opened, with a salt if it has a payload and bears none yet. The
  /// position is readable once the commit is acknowledged.
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
    guard fields.operation.isPut, fields.salt == 0 else { return building.append(fields, names, payload: payload) }
    var salted = fields
    salted.salt = randomBytes.next()
    return building.append(salted, names, payload: payload)
  }

  /// The ticket of the commit that is being built, or of the next one.
  package var currentTicket: UInt64 { building?.ticket ?? nextTicket }

  /// The ticket of the newest commit, submitted or being built.
  package var lastTicket: UInt64 { nextTicket - 1 }

  /// Hands the commit that is being built to the disk.
  package func submit() {
    guard let frame = building else { return }
    building = nil
    frame.note(in: &commitTable)
    send(frame)
    isStamped = false
    wantSpareIfUsed()
  }

  private func send(_ frame: CommitBuffer) {
    end = frame.end
    bytesAppended += UInt64(frame.bytes.count)
    frame.submittedAt = .now
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
    acknowledgedPlace = first.placeBehind
    acknowledgedRevision = first.header.lastRevision
    return inFlight.removeFirst()
  }

  /// Whether the disk keeps up: when not, nothing more should be appended before something is acknowledged.
  /// After a failure there is nothing to wait for: reads go on, writes are refused.
  package var canTakeMore: Bool { (inFlight.count < RecordLog.inFlightMax && !isBusy) || failure != nil }

  /// Whether a write waits for the next segment.
  private var isBusy: Bool { busySince != nil && supply.availability == .preparing }

  /// How long the oldest write has waited for the disk: in a commit, or for a segment to go into.
  package var oldestWait: Duration {
    let now = ContinuousClock.now
    let oldest = inFlight.first { $0.ticket > completedTicket }.map { now - $0.submittedAt } ?? .zero
    guard isBusy, let busySince else { return oldest }
    return max(oldest, now - busySince)
  }

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
    lookup.keep(commitTable, of: segments[activeIndex].number)
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
      // On a full disk too the stop is a clean one: the stamp proves all that the manifest would have said.
      guard error.isForWantOfSpace else { throw LogError(error) }
      closingProblem = LogError(error)
    }
  }

  /// Ends the threads and leaves everything as a killed process would: for tests of recovery.
  package func abandon() {
    snapshotWriter?.cancel()
    endSnapshot()
    endRetention()
    endCompaction()
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
  /// Has what is handed over so far made durable soon, whatever the configured level is.
  package func requestSync() { worker.requestSync() }
  package var syncs: UInt64 { worker.syncs }
  package var commitFigures: CommitFigures { worker.figures }

  /// Waits until everything submitted so far is acknowledged.
  package func waitForSubmitted() throws(LogError) {
    let last = nextTicket - (building == nil ? 1 : 2)
    while worker.completedTicket < last {
      if let failure { throw failure }
      NamedThread.pause()
    }
    if let failure { throw failure }
  }
}
