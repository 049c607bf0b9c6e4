/// Reads a whole log as far as it can be read: every valid record goes to the visitor, and so does every damage, with
/// the revisions that it cost. The rules for the end of the log are those of recovery. See FORMAT.md, "Recovery".
internal import Bytes

package struct LogInspector<Visitor: InspectionVisitor> {
  package private(set) var store: StoreInspection
  let visitor: Visitor
  var ledger: RevisionLedger
  private var epoch: UInt64 = 0
  private var lastTime: Int64 = 0
  private var isEnded = false
  /// The end of the log was found: what lies in later segments was written after that.
  private var isAtLogEnd = false
  /// A recovery that ran meanwhile has copied records into the segment at `index` that were read in the one before it:
  /// those up to `through` are met a second time there, and that is no damage.
  private var copied: (index: Int, through: Revision)?

  private let redactor: RecordRedactor?

  /// - Parameter edits: what the visitor is to see otherwise than it lies there: see `PendingRedactions`.
  package init(_ store: StoreInspection, visitor: Visitor, edits: RecordEdits = RecordEdits()) {
    redactor = RecordRedactor(edits)
    self.store = store
    self.visitor = visitor
    ledger = RevisionLedger(before: store.revisionBeforeFirst, claimed: store.claimed)
  }

  /// Reads everything, once.
  package mutating func run() {
    for issue in store.issues { visitor.report(issue) }
    var index = 0
    var isSealed = false
    while index < store.segments.count || (isSealed && store.extend()) {
      switch store.segments[index] {
      case .lost(_, let issue):
        ledger.pending.append(issue)
        isSealed = false
      case .readable(let segment):
        for issue in segment.issues { visitor.report(issue) }
        visitor.begin(segment)
        // A live writer may have gone on into a segment that was unused when the end was found.
        isSealed = isAtLogEnd ? false : walk(segment.file, at: index)
        if isEnded { return }
      }
      index += 1
    }
    if isSealed, let last = store.segments.last {
      ledger.pending.append(
        InspectionIssue(
          .damage,
          "\(StoreNames.segment(last.number.next, generation: 0)) is missing: the segment before it is full; "
            + "restore it from a backup or a replica", segment: last.number.next))
    }
    ledger.finish(visitor)
  }

  // MARK: One segment

  /// True when the segment ended with its seal.
  private mutating func walk(_ segment: SegmentFile, at index: Int) -> Bool {
    var reader = FrameReader(segment, limit: limit(at: index, segment))
    let bound = revisionBound(behind: index)
    var reported = 0
    defer { report(reader.window.failures[reported...], segment) }
    var offset = Layout.SegmentHeader.blockBytes
    ledger.repeated = copied.flatMap { $0.index == index ? $0.through : nil } ?? .none
    while !isEnded {
      let outcome = reader.read(at: offset)
      report(reader.window.failures[reported...], segment)
      reported = reader.window.failures.count
      switch outcome {
      case .good(let frame):
        if let bound, frame.firstRevision >= bound { return false }
        take(frame, reader, offset)
        if frame.kind == .seal { return true }
        offset += frame.frameBytes
      case .limit:
        return false
      case .bad:
        guard let next = passDamage(&reader, index, offset, bound) else { return false }
        offset = next
      }
    }
    return false
  }

  private mutating func take(_ frame: FrameHeader, _ reader: borrowing FrameReader, _ offset: Int) {
    epoch = frame.epoch
    if frame.time < lastTime {
      visitor.report(
        InspectionIssue(
          .damage, "the time goes back, from \(lastTime) to \(frame.time)", segment: reader.segment.number,
          offset: UInt64(offset)))
    }
    lastTime = frame.time
    ledger.meet(frame.firstRevision, reader.segment.number, offset, visitor)
    visitor.visit(frame, at: offset)
    for record in reader.records where !isEnded {
      give(record, reader, frameOffset: offset)
    }
    ledger.note(frame)
  }

  private mutating func give(_ record: PlacedRecord, _ reader: borrowing FrameReader, frameOffset: Int?) {
    let revision = record.header.fields.revision
    if record.header.fields.operation.takesRevision {
      guard ledger.accept(revision, reader.segment.number, record.offset, visitor) else { return }
    } else if record.header.fields.operation == .gap {
      guard accept(gap: record, reader) else { return }
    }
    let bytes = reader.span(record.offset..<(record.offset + Int(record.header.recordBytes)))
    var found = InspectedRecord(
      header: record.header, segment: reader.segment, offset: record.offset, frameOffset: frameOffset, epoch: epoch)
    do throws(LogError) {
      guard let redactor,
        let header = try redactor.redact(record.header, bytes, seed: reader.segment.seed, offset: record.offset)
      else {
        if !visitor.visit(found, bytes) { isEnded = true }
        return
      }
      found = found.with(header)
      if !LogInspector.give(found, redactor.record, to: visitor) { isEnded = true }
    } catch {
      visitor.report(
        InspectionIssue(
          .damage, error.message, segment: reader.segment.number, offset: UInt64(record.offset)))
    }
  }

  private static func give(_ record: InspectedRecord, _ bytes: borrowing ByteBuffer, to visitor: Visitor) -> Bool {
    visitor.visit(record, bytes.bytes)
  }

  /// Tells of revisions that an earlier salvage found lost. False when it was told already, or makes no sense.
  private mutating func accept(gap record: PlacedRecord, _ reader: borrowing FrameReader) -> Bool {
    let number = reader.segment.number
    let payload = record.offset + record.header.payloadRange.lowerBound
    do {
      let gap = try GapRecord.decode(reader.span(payload..<(payload + Int(record.header.storedBytes))))
      guard ledger.accept(gap, number, record.offset, visitor) else { return false }
      var issue = InspectionIssue(
        .recordedLoss, "a salvage has recorded a loss here (\(gap.reason))", segment: number,
        offset: UInt64(record.offset), lost: gap.first.value...gap.last.value)
      issue.lostIsAtLeast = gap.isAtLeast
      visitor.report(issue)
      return true
    } catch {
      visitor.report(InspectionIssue(.damage, error.text, segment: number, offset: UInt64(record.offset)))
      return false
    }
  }

  private func report(_ failures: ArraySlice<(offset: Int, error: StorageError)>, _ segment: SegmentFile) {
    for failure in failures {
      visitor.report(InspectionIssue(failure.error, segment: segment.number, offset: UInt64(failure.offset)))
    }
  }

  // MARK: Damage

  /// Decides what the bad frame at `offset` means. Returns the place at which to go on; nil when the segment ends here.
  private mutating func passDamage(
    _ reader: inout FrameReader, _ index: Int, _ offset: Int, _ bound: Revision?
  ) -> Int? {
    // A live store may have written the frame after it was read here.
    reader.forget()
    guard case .bad(let error, let frame) = reader.read(at: offset) else { return offset }
    let verdict = judge(&reader, index, offset, bound)
    switch verdict {
    case .complete:
      return nil
    case .torn:
      visitor.report(
        InspectionIssue(
          .note, "an unfinished commit behind revision \(ledger.last ?? .none) is passed over",
          segment: reader.segment.number, offset: UInt64(offset)))
      return nil
    case .rot:
      // What proves that the frame was durable may have been written after the frame was read: look once more.
      reader.forget()
      guard case .bad = reader.read(at: offset) else { return offset }
      return salvage(&reader, offset, error, frame)
    }
  }

  private mutating func judge(
    _ reader: inout FrameReader, _ index: Int, _ offset: Int, _ bound: Revision?
  ) -> TailVerdict {
    if let bound, ledger.last.map({ $0.next >= bound }) ?? false { return .complete }
    if index == store.segments.count - 1, store.extend(), limit(at: index, reader.segment) <= offset {
      copied = (index + 1, ledger.last ?? .none)
      return .complete
    }
    guard isTail(index) else { return .rot }
    let evidence = reader.evidence(behind: offset)
    let last = ledger.last ?? .none
    let isProven =
      ledger.claimed > last || evidence.durableThrough > last || evidence.durableOffset > UInt64(offset)
    let verdict = TailVerdict.decide(evidence.hasContent ? .badFrame : .nothing, isProven ? .durableBeyondEnd : .none)
    isAtLogEnd = verdict != .rot
    return verdict
  }

  /// Gives what can be read of the damaged stretch that begins at `offset`; returns where the next frame begins.
  private mutating func salvage(
    _ reader: inout FrameReader, _ offset: Int, _ error: FormatError, _ frame: FrameHeader?
  ) -> Int {
    let number = reader.segment.number
    let issue = InspectionIssue(.damage, error.text, segment: number, offset: UInt64(offset))
    guard let frame, offset + frame.frameBytes <= reader.limit else {
      ledger.pending.append(issue)
      let end = reader.nextFrame(from: offset + Layout.alignment)?.offset ?? reader.limit
      salvageRecords(&reader, (offset + Layout.alignment)..<end, frameOffset: nil)
      return end
    }
    epoch = frame.epoch
    ledger.meet(frame.firstRevision, number, offset, visitor)
    let body = (offset + Layout.FrameHeader.size)..<(offset + frame.frameBytes)
    if frame.kind != .commit || salvageRecords(&reader, body, frameOffset: offset) == 0 {
      ledger.pending.append(issue)
    }
    ledger.meet(frame.lastRevision.next, number, offset, visitor)
    ledger.note(frame)
    return offset + frame.frameBytes
  }

  /// Gives every valid record in `range`. With a frame, each place at which one should begin and does not is reported;
  /// returns how many such places there were.
  @discardableResult
  private mutating func salvageRecords(
    _ reader: inout FrameReader, _ range: Range<Int>, frameOffset: Int?
  ) -> Int {
    let number = reader.segment.number
    var complaints = 0
    var position = range.lowerBound
    while position < range.upperBound, !isEnded {
      let found = reader.nextRecord(from: position, before: range.upperBound)
      let next = found?.record.offset ?? range.upperBound
      if frameOffset != nil, next > position {
        complaints += 1
        ledger.pending.append(
          InspectionIssue(
            .damage, "the header of the record here can not be read", segment: number, offset: UInt64(position)))
      }
      guard let found else { break }
      if let problem = found.problem {
        complaints += 1
        ledger.lose(found.record.header.fields, problem, number, found.record.offset, visitor)
      } else {
        give(found.record, reader, frameOffset: frameOffset)
      }
      position = found.record.offset + Int(found.record.header.recordBytes)
    }
    return complaints
  }
}

// MARK: The neighbours of a segment

extension LogInspector {
  /// The byte behind the part of a segment that counts.
  private func limit(at index: Int, _ segment: SegmentFile) -> Int {
    let capacity = Int(clamping: segment.header.capacity)
    guard index + 1 < store.segments.count, let next = store.segments[index + 1].readable else { return capacity }
    let end = next.file.header.predecessorEnd
    return end == 0 ? capacity : min(Int(clamping: end), capacity)
  }

  /// The first revision of the next segment, when only that can tell where this one ends: a recovery may have copied
  /// the last frames there, and cut off what follows them here.
  private func revisionBound(behind index: Int) -> Revision? {
    guard index + 1 < store.segments.count, let next = store.segments[index + 1].readable, next.hasLostHeader
    else { return nil }
    var reader = FrameReader(next.file, limit: Int(clamping: next.file.header.capacity))
    guard case .good(let frame) = reader.read(at: Layout.SegmentHeader.blockBytes) else { return nil }
    return frame.firstRevision
  }

  /// Whether the log may end in this segment: nothing has been written into a later one.
  private func isTail(_ index: Int) -> Bool {
    store.segments[(index + 1)...].allSatisfy { segment in
      guard let segment = segment.readable else { return true }
      return !segment.isInUse
    }
  }
}

extension InspectedSegment.Readable {
  /// Whether something was written into it: it is not only kept ready.
  package var isInUse: Bool {
    if file.header.predecessorEnd != 0 { return true }
    let first = Layout.SegmentHeader.blockBytes
    var window = InspectionWindow(file.file, limit: first + Layout.FrameHeader.size)
    guard window.load(first, Layout.FrameHeader.size) else { return false }
    return !window.bytes.bytes.isZero || !window.failures.isEmpty
  }
}
