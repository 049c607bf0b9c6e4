/// Opens a store for writing: creates it, resumes it after a clean close, or recovers it after a crash.
///
/// After a crash nothing is written where something lies: the records whose durability no frame proves are copied
/// into a new segment, whose header says where the old one ends. The page cache is not trusted (it may hold what a
/// failed fsync never put on the disk), and the torn bytes stay where they are as evidence.
internal import Bytes

/// An open log's segments and the place at which it goes on.
package struct RecoveredLog {
  package var manifest: Manifest
  package var segments: [SegmentFile]
  /// Index of the segment that is written to; behind it there are at most unused ones.
  package var activeIndex: Int
  package var end: Int
  package var lastRevision: Revision
  package var lastTime: Int64
  package var commitTable: CommitTable
  package var report: RecoveryReport
}

/// What opening the store found, for the log of the operator.
package struct RecoveryReport: Equatable, Sendable {
  package enum Kind: String, Sendable { case created, resumed, recovered }
  package var kind: Kind
  package var tornBytesCut = false
  package var framesCopied = 0
  package var epochRaised = false
  package var warnings: [String] = []
  /// What was salvaged; nil when nothing was.
  package var salvage: SalvageReport?
}

package struct Recovery {
  let storage: any Storage
  let options: LogOptions
  let now: Int64

  package init(storage: any Storage, options: LogOptions, now: Int64) {
    self.storage = storage
    self.options = options
    self.now = now
  }

  package func open() throws(LogError) -> RecoveredLog {
    if try NewStore.isUnfinished(storage) { throw NewStore.refusal }
    let salvaging = SalvageSwitch(storage)
    if options.salvages { try salvaging.setAside(now: now) }
    let finished = try salvaging.finishIfUnderWay()
    try sweep()
    let salvage = options.salvages ? try Salvage(storage, options, now: now).run() : nil
    var opened = try openSound()
    opened.report.salvage = salvage
    if let finished {
      opened.report.warnings.append("a salvage that was cut short was finished: what was damaged is in \(finished)")
    }
    return opened
  }

  private func openSound() throws(LogError) -> RecoveredLog {
    var directory: StoreDirectory
    do {
      directory = try StoreDirectory.load(storage, writable: true)
    } catch {
      if error.code == .notFound { return try create() }
      // The segment of a creation that was cut short is replaced by the new one's.
      if error.code == .damaged, try UnfinishedCreation.isFound(in: storage) { return try create() }
      throw error
    }
    if let problem = directory.problems.first { throw problem }
    if directory.manifest.listsAll { directory.manifest = try takeOver(backup: directory.manifest) }
    try sweepSuperseded(directory)
    let tail = try TailExaminer(directory).examine()
    guard tail.verdict != .rot else {
      throw LogError(
        .damaged,
        "what was durable can not be read here: \(tail.proof). Nothing was changed; restore the segment from "
          + "a backup or a replica", segment: directory.segments[tail.activeIndex].number,
        offset: UInt64(tail.scan.end))
    }
    return tail.isClean ? try resume(directory, tail) : try recover(directory, tail)
  }

  /// Makes a backup a store that grows: what a later backup that was cut short has left there goes first, so that no
  /// segment is taken for the next one.
  private func takeOver(backup: Manifest) throws(LogError) -> Manifest {
    let listed = Set(backup.segments.map { StoreNames.segmentFile($0.number, generation: $0.generation) })
    var manifest = backup
    manifest.listsAll = false
    manifest.sequence += 1
    manifest.writtenAt = now
    do {
      for name in try storage.list(StoreNames.segments)
      where StoreNames.parseSegment(name) != nil && !listed.contains(name) {
        try storage.remove("\(StoreNames.segments)/\(name)")
      }
      try storage.syncDirectory(StoreNames.segments)
      try ManifestStore.write(manifest, to: storage)
    } catch {
      throw LogError(error)
    }
    return manifest
  }

  /// Removes what a crash left half written. Such files never held the only copy of anything.
  private func sweep() throws(LogError) {
    for directory in ["", StoreNames.segments, StoreNames.snapshots] {
      let names: [String]
      do {
        names = try storage.list(directory)
      } catch {
        if error.errno == PosixText.missing { continue }
        throw LogError(error)
      }
      for name in names where StoreNames.isTemporary(name, in: directory) {
        do { try storage.remove(directory.isEmpty ? name : "\(directory)/\(name)") } catch { throw LogError(error) }
      }
    }
  }

  /// Removes what a compaction that was cut short left beside the file in force: the one that was not listed yet, or the
  /// one that was not listed any more.
  private func sweepSuperseded(_ directory: StoreDirectory) throws(LogError) {
    let inForce = Dictionary(uniqueKeysWithValues: directory.segments.map { ($0.number, $0.header.generation) })
    do {
      var isChanged = false
      for name in try storage.list(StoreNames.segments) {
        guard let (number, generation) = StoreNames.parseSegment(name), let listed = inForce[number],
          generation != listed
        else { continue }
        try storage.remove("\(StoreNames.segments)/\(name)")
        isChanged = true
      }
      if isChanged { try storage.syncDirectory(StoreNames.segments) }
    } catch {
      throw LogError(error)
    }
  }

  private func create() throws(LogError) -> RecoveredLog {
    do {
      let strangers = try storage.list("").filter { $0 != StoreNames.lock && $0 != StoreNames.segments }
      guard strangers.isEmpty else {
        throw LogError(
          .notAStore, "the directory is not empty and holds no store (\(strangers.sorted()[0])…): name an empty one")
      }
      try storage.makeDirectory(StoreNames.segments)
      try storage.syncDirectory("")
      let identity = StoreIdentity.random()
      let header = SegmentHeader(
        store: identity, lineage: .random(), number: SegmentNumber(1), capacity: UInt64(options.firstSegmentBytes),
        baseRevision: Revision(1), epoch: 1, createdAt: now)
      let stamp = openStamp(after: .none, epoch: 1, durableOffset: Layout.SegmentHeader.blockBytes)
      let segment = try SegmentPreparer(storage: storage).prepare(header) { (segment) throws(StorageError) in
        try write(stamp, nil, to: segment, at: Layout.SegmentHeader.blockBytes)
      }
      let manifest = Manifest(
        store: identity, lineage: header.lineage, sequence: 1, epoch: 1, durableThrough: .none, writtenAt: now,
        segments: [.init(number: header.number, generation: 0, capacity: header.capacity)])
      do {
        try ManifestStore.write(manifest, to: storage)
      } catch {
        takeBackCreation(segment)
        throw error
      }
      return RecoveredLog(
        manifest: manifest, segments: [segment], activeIndex: 0,
        end: Layout.SegmentHeader.blockBytes + stamp.frameBytes, lastRevision: .none, lastTime: now,
        commitTable: CommitTable(), report: RecoveryReport(kind: .created))
    } catch let error as StorageError {
      throw LogError(error)
    } catch let error as LogError {
      throw error
    } catch {
      preconditionFailure("only storage and log errors are thrown here: \(error)")
    }
  }

  /// Gives back the space of a store that could not be made. With a copy of the manifest it is a store, and stays.
  private func takeBackCreation(_ segment: SegmentFile) {
    guard let found = try? ManifestStore.read(storage), case .none = found else { return }
    try? storage.remove(StoreNames.segment(segment.number, generation: segment.header.generation))
  }

  /// Goes on in the same segment, behind the stamp of the clean close.
  private func resume(_ directory: StoreDirectory, _ tail: TailExamination) throws(LogError) -> RecoveredLog {
    // One spare is enough; a further one is made anew when its turn comes.
    let kept = Array(
      directory.segments.prefix(tail.activeIndex + 2).filter {
        $0.number <= directory.segments[tail.activeIndex].number || $0.header.version == Layout.formatVersion
      })
    var manifest = directory.manifest
    do {
      try rewriteUnproven(tail.scan, directory.segments[tail.activeIndex].file)
      if manifest.segments != kept.map(\.listing) {
        manifest.sequence += 1
        manifest.segments = kept.map(\.listing)
        try ManifestStore.write(manifest, to: storage)
      }
    } catch {
      throw LogError(error)
    }
    return RecoveredLog(
      manifest: manifest, segments: kept, activeIndex: tail.activeIndex, end: tail.scan.end,
      lastRevision: tail.scan.lastRevision, lastTime: tail.scan.lastTime, commitTable: tail.scan.commitTable,
      report: RecoveryReport(kind: .resumed, warnings: directory.warnings))
  }

  /// Writes what no later frame proves durable once more, as it is. The stamp of a close whose fsync failed lies in the
  /// page cache like any other; written anew, it is synced for certain before anything lies behind it.
  private func rewriteUnproven(_ scan: SegmentScan, _ file: any StorageFile) throws(StorageError) {
    var offset = Int(min(scan.durableOffset, UInt64(scan.end)))
    var bytes = ByteBuffer(capacity: 4096)
    while offset < scan.end {
      bytes.removeAll()
      try file.read(at: UInt64(offset), length: min(scan.end - offset, Recovery.pieceBytes), into: &bytes)
      try file.write(bytes.bytes, at: UInt64(offset))
      offset += bytes.count
    }
    try file.sync()
  }

  private static let pieceBytes = 1 << 20

  private func recover(_ directory: StoreDirectory, _ tail: TailExamination) throws(LogError) -> RecoveredLog {
    let active = directory.segments[tail.activeIndex]
    let proven = Int(min(tail.scan.durableOffset, UInt64(tail.scan.end)))
    var rebuilder = TailRebuilder(durableThrough: tail.scan.lastRevision)
    try rebuilder.collect(from: active, proven: proven, directory: directory, index: tail.activeIndex)

    // In the weaker modes revisions that clients have seen may be gone; (epoch, revision) must not mean two things.
    let raised = tail.lastFrame?.durability != .fsync
    let epoch = max(tail.lastFrame?.epoch ?? 0, directory.manifest.epoch, active.header.epoch) + (raised ? 1 : 0)
    let time = max(now, tail.lastFrame?.time ?? now)
    let header = SegmentHeader(
      store: directory.manifest.store, lineage: active.header.lineage, number: active.number.next,
      capacity: UInt64(
        max(options.firstSegmentBytes, rebuilder.capacityNeeded(reserve: options.firstSegmentBytes / 8))),
      predecessorEnd: UInt64(proven), baseRevision: rebuilder.firstRevision ?? tail.scan.lastRevision.next,
      epoch: epoch, createdAt: time)
    var manifest = directory.manifest
    var kept = Array(directory.segments[...tail.activeIndex])
    var commitTable = CommitTable()
    var end = Layout.SegmentHeader.blockBytes
    do {
      let segment = try SegmentPreparer(storage: storage).prepare(header) { (segment) throws(StorageError) in
        end = try rebuilder.write(to: segment, noting: &commitTable)
        if raised {
          end = try writeEpochRecord(to: segment, at: end, epoch, time, tail.scan.lastRevision, noting: &commitTable)
        }
        let stamp = openStamp(after: tail.scan.lastRevision, epoch: epoch, durableOffset: end, time: time)
        try write(stamp, nil, to: segment, at: end)
        end += stamp.frameBytes
      }
      kept.append(segment)
      manifest.sequence += 1
      manifest.epoch = epoch
      manifest.durableThrough = tail.scan.lastRevision
      manifest.writtenAt = time
      manifest.segments = kept.map(\.listing)
      try ManifestStore.write(manifest, to: storage)
      // Only once the manifest does not list them any more: a listed segment that is missing is a loss.
      let spares = directory.segments[(tail.activeIndex + 1)...].dropFirst()
      for spare in spares {
        try storage.remove(StoreNames.segment(spare.number, generation: spare.header.generation))
      }
      if !spares.isEmpty { try storage.syncDirectory(StoreNames.segments) }
    } catch {
      throw LogError(error)
    }
    return RecoveredLog(
      manifest: manifest, segments: kept, activeIndex: kept.count - 1, end: end,
      lastRevision: tail.scan.lastRevision, lastTime: time, commitTable: commitTable,
      report: RecoveryReport(
        kind: .recovered, tornBytesCut: tail.verdict == .torn, framesCopied: rebuilder.frameCount,
        epochRaised: raised, warnings: directory.warnings))
  }

  private func openStamp(
    after revision: Revision, epoch: UInt64, durableOffset: Int, time: Int64? = nil
  ) -> FrameHeader {
    FrameHeader(
      kind: .stamp, durability: options.durability, firstRevision: revision.next, lastRevision: revision, epoch: epoch,
      time: time ?? now, durableThrough: revision, durableOffset: UInt64(durableOffset))
  }

  private func writeEpochRecord(
    to segment: SegmentFile, at offset: Int, _ epoch: UInt64, _ time: Int64, _ last: Revision,
    noting table: inout CommitTable
  ) throws(StorageError) -> Int {
    var body = ByteBuffer(capacity: 256)
    let none = ByteBuffer(capacity: 16)
    RecordEncoder.append(
      RecordFields(operation: .epoch, revision: .none, time: time),
      RecordNames(key: none.bytes, agent: none.bytes, correlation: none.bytes, request: none.bytes),
      payload: none.bytes, seed: segment.seed, offset: offset + Layout.FrameHeader.size, to: &body)
    let header = FrameHeader(
      kind: .commit, durability: options.durability, bodyBytes: UInt32(body.count), recordCount: 1,
      firstRevision: last.next, lastRevision: last, epoch: epoch, time: time, durableThrough: last,
      durableOffset: UInt64(offset))
    try write(header, body.bytes, to: segment, at: offset)
    table.note(header, at: offset)
    return offset + header.frameBytes
  }

  private func write(
    _ header: FrameHeader, _ body: RawSpan?, to segment: SegmentFile, at offset: Int
  ) throws(StorageError) {
    var frame = ByteBuffer(capacity: header.frameBytes)
    frame.append(zeros: Layout.FrameHeader.size)
    if let body { frame.append(body) }
    header.encode(over: &frame, seed: segment.seed, offset: offset)
    try segment.file.write(frame.bytes, at: UInt64(offset))
  }
}
