/// Makes a damaged store one that opens: what can be read is kept, what is lost is told in the log, and every damaged
/// file is moved to the quarantine. See FORMAT.md, "Salvage".
///
/// Until the salvage's manifest has its name, nothing of the old state was touched; from then on it is in force, and
/// whoever opens the store next finishes what it says.
internal import Bytes

struct Salvage {
  private let storage: any Storage
  private let options: LogOptions
  private let now: Int64

  init(_ storage: any Storage, _ options: LogOptions, now: Int64) {
    self.storage = storage
    self.options = options
    self.now = now
  }

  /// - Returns: nil when nothing was wrong, and nothing was done.
  func run() throws(LogError) -> SalvageReport? {
    guard let refusal = try refusal() else { return nil }
    let time = try Quarantine.freeTime(storage, now: now)
    let survey = SalvageSurvey()
    var inspector = LogInspector(try StoreInspection.open(storage), visitor: survey)
    inspector.run()
    survey.finish()
    try refuseWhatMayPass(survey.issues)
    if refusal.code == .io, survey.issues.isEmpty { throw refusal }
    guard inspector.store.store != .none else {
      throw LogError(
        .damaged, "neither a manifest nor a segment's header can be read, so nothing here can be: restore a backup")
    }
    let plan = try SalvagePlan(survey, inspector, generations: try generations(inspector.store.manifest), now: time)
    let report = SalvageReport(
      quarantine: Quarantine(storage, at: time).directory,
      lost: plan.gaps.map { $0.first.value...$0.last.value }, issues: survey.issues.map(\.description),
      segments: plan.segments.filter(\.isRewritten).map(\.number.value), epoch: plan.epoch)
    let manifest = try write(plan, inspector.store, survey.records, at: time)
    let quarantine = Quarantine(storage, at: time)
    try quarantine.make()
    try quarantine.write(report: report.file(at: time, store: manifest.store))
    try SalvageSwitch(storage).commit(manifest)
    return report
  }

  /// Why the store does not open; nil when it does.
  private func refusal() throws(LogError) -> LogError? {
    do {
      return try StoreCheck.damage(storage)
    } catch {
      // A disk that can not give some bytes has lost them.
      guard error.code == .io else { throw error }
      return error
    }
  }

  /// A missing permission, too many open files: that is no damage, and goes away.
  private func refuseWhatMayPass(_ issues: [InspectionIssue]) throws(LogError) {
    for issue in issues {
      if let number = issue.systemError, number != PosixText.inputOutput {
        throw LogError(.io, issue.message, segment: issue.segment, offset: issue.offset, systemError: number)
      }
    }
  }

  /// The highest generation of each segment that is there or listed: a new file never has the name of an old one.
  private func generations(_ manifest: Manifest?) throws(LogError) -> [SegmentNumber: UInt32] {
    var highest: [SegmentNumber: UInt32] = [:]
    for segment in manifest?.segments ?? [] { highest[segment.number] = segment.generation }
    for name in try Quarantine.names(storage, StoreNames.segments) {
      guard let (number, generation) = StoreNames.parseSegment(name) else { continue }
      highest[number] = max(highest[number] ?? 0, generation)
    }
    return highest
  }

  // MARK: Writing

  /// Writes the new segments under temporary names and reads all of the log that comes of it.
  private func write(
    _ plan: SalvagePlan, _ store: StoreInspection, _ records: Int, at time: Int64
  ) throws(LogError) -> Manifest {
    var cursor = SalvageCursor(
      next: plan.segments[0].source?.firstRevision ?? Revision(1), epoch: 1,
      durability: options.durability)
    var files: [SegmentFile] = []
    var end = Layout.SegmentHeader.blockBytes
    do { try storage.makeDirectory(StoreNames.segments) } catch { throw LogError(error) }
    for (index, segment) in plan.segments.enumerated() {
      guard segment.isRewritten else {
        guard let source = segment.source else { preconditionFailure("a segment that is kept is there") }
        files.append(source.file)
        cursor.next = source.lastRevision?.next ?? cursor.next
        cursor.time = max(cursor.time, source.time)
        cursor.epoch = source.epoch
        continue
      }
      let isTail = index == plan.segments.count - 1
      let pieces = try segment.pieces()
      if index == 0, let first = pieces.first?.firstRevision { cursor.next = first }
      let (file, fileEnd) = try write(segment, pieces, plan, store, isTail: isTail, at: time, &cursor)
      files.append(file)
      end = fileEnd
    }
    do { try storage.syncDirectory(StoreNames.segments) } catch { throw LogError(error) }
    try verify(files, end: end, records: records + plan.gaps.count + 1)
    var manifest = Manifest(
      store: store.store, lineage: store.lineage, sequence: (store.manifest?.sequence ?? 0) + 1, epoch: plan.epoch,
      durableThrough: plan.lastRevision, writtenAt: time,
      segments: files.map {
        .init(number: $0.number, generation: $0.header.generation, capacity: $0.header.capacity)
      })
    manifest.parentLineage = store.manifest?.parentLineage ?? .none
    manifest.parentRevision = store.manifest?.parentRevision ?? .none
    manifest.floor = store.manifest?.floor ?? .none
    return manifest
  }

  private func write(
    _ segment: SalvagePlan.Segment, _ pieces: [SalvagePiece], _ plan: SalvagePlan, _ store: StoreInspection,
    isTail: Bool, at time: Int64, _ cursor: inout SalvageCursor
  ) throws(LogError) -> (SegmentFile, end: Int) {
    let header = SegmentHeader(
      store: store.store, lineage: lineage(segment, store), number: segment.number, generation: segment.generation,
      capacity: try capacity(segment, pieces, store, isTail: isTail), predecessorEnd: segment.predecessorEnd,
      baseRevision: cursor.next, epoch: plan.epoch, createdAt: time)
    let file: SegmentFile
    do { file = try SegmentPreparer(storage: storage).create(header) } catch { throw LogError(error) }
    var rewriter = SegmentRewriter(to: file, from: segment.source?.file, cursor)
    for piece in pieces { try rewriter.write(piece) }
    if isTail {
      try rewriter.writeEnd(epoch: plan.epoch, options.durability, now: time)
    } else {
      try rewriter.writeSeal()
    }
    do { try file.file.sync() } catch { throw LogError(error) }
    cursor = rewriter.cursor
    return (file, rewriter.offset)
  }

  private func lineage(_ segment: SalvagePlan.Segment, _ store: StoreInspection) -> StoreIdentity {
    guard let source = segment.source, !source.hasLostHeader else { return store.lineage }
    return source.file.header.lineage
  }

  /// That of the old file, or more when the gaps need it; the last one has room to go on.
  private func capacity(
    _ segment: SalvagePlan.Segment, _ pieces: [SalvagePiece], _ store: StoreInspection, isTail: Bool
  ) throws(LogError) -> UInt64 {
    let listed = store.manifest?.segments.first { $0.number == segment.number }?.capacity
    let old = segment.source.flatMap { $0.hasLostHeader ? nil : $0.file.header.capacity } ?? listed
    let frames =
      SegmentRewriter.bytes(of: pieces) + Layout.FrameHeader.size * 4 + RecordEncoder.size(names: 0, payload: 0)
    let needed = Layout.aligned(
      Layout.SegmentHeader.blockBytes + frames + CommitTable.sealBytesMax(capacity: frames)
        + (isTail ? options.firstSegmentBytes / 8 : 0))
    let capacity = max(segment.isLost ? 0 : old ?? 0, UInt64(needed), isTail ? UInt64(options.firstSegmentBytes) : 0)
    guard Layout.capacities.contains(capacity) else {
      throw LogError(.tooLarge, "what is left does not fit into one segment any more", segment: segment.number)
    }
    return capacity
  }

  /// Reads the whole new log before it comes into force.
  private func verify(_ files: [SegmentFile], end: Int, records: Int) throws(LogError) {
    var found = 0
    try LogReplay(segments: files, activeEnd: end).run { _, _, _ in found += 1 }
    guard found == records else {
      throw LogError(
        .damaged, "the salvaged log would have \(found) records instead of \(records): nothing was changed")
    }
  }
}
