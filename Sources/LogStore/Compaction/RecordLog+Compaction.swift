/// Compaction of an open log: one sealed segment at a time is packed by a thread of its own; the owner only swaps the
/// file. Positions stay what they were, so nothing that names a record has to change.
internal import Bytes
internal import Threads

/// What `stats` and the log of the operator tell of compaction.
package struct CompactionStatus: Sendable {
  /// Segments that were packed since the log was opened, and their bytes before and after.
  package fileprivate(set) var segments = 0
  package fileprivate(set) var bytesBefore = 0
  package fileprivate(set) var bytesAfter = 0
  /// Segments that are left as they are: damaged ones, and such as would not be the same.
  fileprivate var refused: Set<SegmentNumber> = []
  /// Somebody asked for all that can be packed.
  fileprivate var isWanted = false
  fileprivate var setback = Setback()

  fileprivate static let pause = Duration.seconds(30)

  package init() {}

  /// Why the last attempt failed; nil when it did not.
  package var failure: LogError? { setback.failure }

  func refuses(_ segment: SegmentNumber) -> Bool { refused.contains(segment) }
}

extension RecordLog {
  /// Whether a segment is being packed.
  package var isCompacting: Bool { compaction != nil }

  /// How much of that is done, from 0 to 1.
  package var compactionProgress: Double { compaction?.progress ?? 0 }

  /// Segments that are sealed, durable and plain: those that a compaction packs, oldest first.
  package var compactable: [SegmentNumber] { compactableIndices.map { segments[$0].number } }

  private var compactableIndices: [Int] {
    finishedIndices.filter {
      segments[$0].header.packedFrom == nil && !compactionStatus.refused.contains(segments[$0].number)
    }
  }

  /// The segments to which nothing more comes: in one with frames under way more may.
  var finishedIndices: Range<Int> {
    let end = inFlight.first?.segment.number ?? segments[activeIndex].number
    return 0..<min(activeIndex, Int(end.value) - Int(segments[0].number.value))
  }

  /// How many of the segments are packed.
  package var packedSegments: Int { segments.reduce(0) { $0 + ($1.header.packedFrom == nil ? 0 : 1) } }

  /// Has all segments packed that can be, also where the options do not ask for it. What failed is tried again.
  package func wantCompaction() {
    compactionStatus.isWanted = true
    compactionStatus.setback.endPause()
    compactionStatus.refused = []
  }

  /// Takes over what has been done, and begins what is next. To be called now and then; true when one has ended.
  @discardableResult
  package func stepCompaction() -> Bool {
    let hasEnded = settleCompaction()
    if beginErasing() || beginRetaining() { return hasEnded }
    guard compaction == nil, options.packsSegments || compactionStatus.isWanted,
      compactionStatus.setback.isOver
    else { return hasEnded }
    if !beginCompaction() { compactionStatus.isWanted = false }
    return hasEnded
  }

  /// Begins to pack the oldest segment that is plain. False when there is none, or when it is not the time for it: the
  /// disk is full, the log is poisoned, one is under way.
  @discardableResult
  package func beginCompaction() -> Bool {
    guard compaction == nil, failure == nil, roomStatus.problem == nil, let index = compactableIndices.first else {
      return false
    }
    rewrite(index, RecordEdits())
    return true
  }

  /// Begins to write a finished segment anew, packed, without what `edits` take out.
  func rewrite(_ index: Int, _ edits: RecordEdits) {
    let cut = segments[index + 1].header.predecessorEnd
    let time = lastTime
    let supply = supply
    let compaction = SegmentCompaction(
      segments[index], limit: cut == 0 ? nil : cut, edits, storage: storage,
      bytesPerSecond: options.usesThreads ? options.compactionBytesPerSecond : 0,
      replace: { (packed) throws(StorageError) in try supply.relist(packed, at: time) }, onOutcome: onCompletion)
    self.compaction = compaction
    if options.usesThreads {
      compactionThread = NamedThread("mfh-compact") {
        NamedThread.yieldToOthers()
        compaction.run()
      }
    } else {
      compaction.run()
    }
  }

  /// Takes over what a compaction has come to; true when one has ended.
  @discardableResult
  package func settleCompaction() -> Bool {
    guard let compaction else { return false }
    let outcome = compaction.outcome
    switch outcome {
    case .working: return false
    case .done(let packed):
      replace(packed.segment)
      compactionStatus.segments += 1
      compactionStatus.bytesBefore += packed.bytesBefore
      compactionStatus.bytesAfter += packed.bytesAfter
      compactionStatus.setback.clear()
    case .failed(let error):
      compactionStatus.setback.take(error, pause: CompactionStatus.pause)
      if error.code == .damaged || error.code == .unsupported {
        compactionStatus.refused.insert(compaction.source.number)
      }
    }
    compactionThread?.join()
    compactionThread = nil
    self.compaction = nil
    noteErased(compaction, outcome)
    noteRetained(compaction, outcome)
    return true
  }

  /// Puts another file of the same segment in the place of the one that is there.
  private func replace(_ segment: SegmentFile) {
    let index = Int(segment.number.value) - Int(segments[0].number.value)
    precondition(index < activeIndex, "a segment that is written to stays what it is")
    segments[index] = segment
  }

  /// Gives up what is under way and waits for that.
  func endCompaction() {
    compaction?.cancel()
    compactionThread?.join()
    compactionThread = nil
    settleCompaction()
  }
}
