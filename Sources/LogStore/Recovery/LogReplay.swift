/// Reads a whole log in order and refuses it where anything that counts is missing or wrong.
internal import Bytes

package struct LogReplay {
  let segments: [SegmentFile]
  /// The byte behind the last frame of the last segment.
  let activeEnd: Int

  package init(segments: [SegmentFile], activeEnd: Int) {
    self.segments = segments
    self.activeEnd = activeEnd
  }

  /// Reads from the beginning, or from a place at which a frame begins and which comes behind revision `after`. A
  /// recovery may have cut the log before that place and copied what followed into the next segment: then all of that
  /// one is read, and records up to `after` are among what is visited. `enter` is told of each frame before its records.
  package func run(
    from start: LogPlace? = nil, after: Revision = .none,
    entering enter: (SegmentFile, FrameHeader, _ offset: Int) throws(LogError) -> Void = { _, _, _ throws(LogError) in
    },
    _ visit: (RecordHeader, RecordPosition, _ record: RawSpan) throws(LogError) -> Void
  ) throws(LogError) {
    var last = Revision(max(segments[0].header.baseRevision.value, 1) - 1)
    // The last revision of the segment before; nil when that one is not read.
    var read: Revision?
    // Time does not go back from one segment to the next either.
    var time: Int64 = 0
    for index in segments.indices {
      let segment = segments[index]
      if let start, segment.number < start.segment { continue }
      let isActive = index == segments.count - 1
      let cut = isActive ? UInt64(activeEnd) : segments[index + 1].header.predecessorEnd
      var offset = Layout.SegmentHeader.blockBytes
      if let start, segment.number == start.segment {
        if cut != 0, start.offset > Int(cut) { continue }
        offset = start.offset
        last = after
      }
      if offset == Layout.SegmentHeader.blockBytes, segment.header.predecessorEnd != 0 {
        let before = Revision(segment.header.baseRevision.value - 1)
        // The one before was cut, and what was copied from it begins here.
        if let read, read != before { throw gap(segment, after: read, before: before) }
        last = before
      }
      var scanner = SegmentScanner(segment, limit: cut == 0 ? nil : cut)
      let scan = try scanner.scan(from: offset, after: last, notBefore: time) {
        (header, offset, body) throws(LogError) in
        try enter(segment, header, offset)
        guard header.kind == .commit else { return }
        try CommitFrame.forEach(in: body, seed: segment.seed, bodyOffset: offset + Layout.FrameHeader.size) {
          (record, place, bytes) throws(LogError) in
          let position = RecordPosition(
            segment: segment.number, offset: UInt32(place), length: record.recordBytes)
          try visit(record, position, bytes)
        }
      }
      try check(scan, segment, cut: cut)
      last = scan.lastRevision
      time = scan.lastTime
      read = last
    }
  }

  private func check(_ scan: SegmentScan, _ segment: SegmentFile, cut: UInt64) throws(LogError) {
    switch scan.stop {
    case .sealed where cut == 0: return
    case .limit where UInt64(scan.end) == cut: return
    case .sealed where UInt64(scan.end) == cut: return
    case .bad(let reason): throw rot(scan, segment, reason.text)
    case .zeros: throw rot(scan, segment, "frames that were durable are zeros")
    case .limit, .sealed: throw rot(scan, segment, "the segment's frames do not end where they should")
    }
  }

  private func gap(_ segment: SegmentFile, after last: Revision, before next: Revision) -> LogError {
    LogError(
      .damaged,
      "the segment says that revision \(next) comes before it, the one before it ends with revision \(last); restore "
        + "both from a backup or a replica", segment: segment.number, offset: 0)
  }

  private func rot(_ scan: SegmentScan, _ segment: SegmentFile, _ reason: String) -> LogError {
    LogError(
      .damaged, "\(reason), after revision \(scan.lastRevision); restore the segment from a backup or a replica",
      segment: segment.number, offset: UInt64(scan.end))
  }
}
