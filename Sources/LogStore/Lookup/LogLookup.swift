/// Finds where in the log a revision or a time lies: one binary search over the segments, one over the commit table of
/// one of them, and one short walk from frame to frame. See docs/decisions/0018-finding-a-revision.md.

final class LogLookup {
  /// Where a segment begins, as the head of its first frame says.
  private struct Edge {
    /// The first revision that it may hold.
    var revision: Revision
    /// Nothing in it is earlier; the first commit may reach over it to a later time.
    var time: Int64
  }

  // Unchecked exclusivity: one thread owns this object.
  @exclusivity(unchecked) private var edges: [SegmentNumber: Edge] = [:]
  @exclusivity(unchecked) private var tables: TableCache

  init(entriesMax: Int) { tables = TableCache(entriesMax: entriesMax) }

  /// Takes over the table of a segment that is written to no more.
  func keep(_ table: CommitTable, of number: SegmentNumber) { tables.keep(table, of: number) }

  // MARK: Segments

  /// The first revision that the log still has; if it has none, the next one to be given.
  func firstRevision(_ log: AcknowledgedLog) throws(LogError) -> Revision {
    log.count == 0 ? log.lastRevision.next : try edge(at: 0, log).revision
  }

  private func edge(at index: Int, _ log: AcknowledgedLog) throws(LogError) -> Edge {
    guard index < log.count else { return Edge(revision: log.lastRevision.next, time: .max) }
    let segment = log.segments[index]
    if let known = edges[segment.number] { return known }
    let limit = log.limit(at: index)
    // A recovery may have cut all of a segment and copied what it held into the next one.
    guard limit > Layout.SegmentHeader.blockBytes else { return try edge(at: index + 1, log) }
    var window = FrameWindow(segment, limit: limit, pieceBytes: Layout.FrameHeader.size)
    let head = try window.frame(at: Layout.SegmentHeader.blockBytes)
    let edge = Edge(revision: head.firstRevision, time: head.time)
    edges[segment.number] = edge
    return edge
  }

  /// The last segment that begins not behind what is looked for; nil when all begin behind it.
  private func lastSegment(
    _ log: AcknowledgedLog, where isNotBehind: (Edge) -> Bool
  ) throws(LogError) -> Int? {
    var low = 0
    var high = log.count
    while low < high {
      let middle = (low + high) / 2
      if isNotBehind(try edge(at: middle, log)) { low = middle + 1 } else { high = middle }
    }
    return low == 0 ? nil : low - 1
  }

  private func table(at index: Int, _ log: AcknowledgedLog) throws(LogError) -> CommitTable {
    let segment = log.segments[index]
    if segment.number == log.activeNumber { return log.activeTable }
    if let known = tables.table(of: segment.number) { return known }
    let loader = TableLoader(segment)
    let table = log.isSealed(at: index) ? try loader.readSeal() : try loader.scan(limit: log.limit(at: index))
    // The seal of the segment may still be under way; then there is more to come.
    if segment.number != log.end.segment { tables.keep(table, of: segment.number) }
    return table
  }

  // MARK: Revisions

  /// The commit in which `revision` lies, or a gap record that stands for it; nil when the log does not have it.
  func commit(of revision: Revision, _ log: AcknowledgedLog) throws(LogError) -> (FrameHeader, LogPlace)? {
    guard revision <= log.lastRevision,
      let index = try lastSegment(log, where: { $0.revision <= revision })
    else { return nil }
    var window = FrameWindow(log.segments[index], limit: log.limit(at: index))
    return try commit(of: revision, at: index, log, &window)
  }

  private func commit(
    of revision: Revision, at index: Int, _ log: AcknowledgedLog, _ window: inout FrameWindow
  ) throws(LogError) -> (FrameHeader, LogPlace) {
    var offset = try table(at: index, log).offset(before: revision).map { Int($0) } ?? Layout.SegmentHeader.blockBytes
    while offset < window.limit {
      let header = try window.frame(at: offset)
      guard header.firstRevision <= revision, header.kind != .seal else { break }
      if header.kind == .commit, header.lastRevision >= revision {
        return (header, LogPlace(segment: window.segment.number, offset: offset))
      }
      offset += header.frameBytes
    }
    throw window.damaged(offset, "revision \(revision) is not where it should be")
  }

  func find(_ revision: Revision, _ log: AcknowledgedLog) throws(LogError) -> FoundRevision {
    guard revision <= log.lastRevision,
      let index = try lastSegment(log, where: { $0.revision <= revision })
    else { return .none }
    var window = FrameWindow(log.segments[index], limit: log.limit(at: index))
    let (frame, place) = try commit(of: revision, at: index, log, &window)
    var next = frame.firstRevision
    var offset = place.offset + Layout.FrameHeader.size
    let end = place.offset + frame.frameBytes
    if frame.frameBytes > Layout.Seal.commitTableStrideBytes,
      let mark = try table(at: index, log).mark(before: revision, in: offset..<end)
    {
      next = mark.revision
      offset = Int(mark.offset)
    }
    while offset < end {
      let record = try window.record(at: offset, before: end)
      let fields = record.fields
      if fields.operation.takesRevision {
        guard fields.revision == next else { break }
        if next == revision {
          return .record(
            RecordPosition(segment: place.segment, offset: UInt32(offset), length: record.recordBytes))
        }
        next = next.next
      } else if fields.operation == .gap {
        let gap = try window.gap(record, at: offset, expected: next)
        if revision <= gap.last { return .lost(gap) }
        next = gap.last.next
      }
      offset += Int(record.recordBytes)
    }
    throw window.damaged(offset, "revision \(revision) is not where it should be")
  }

  // MARK: Times

  /// The newest revision of a record that is not later than `time`; none when the first one is later.
  func newestRevision(at time: Int64, _ log: AcknowledgedLog) throws(LogError) -> Revision {
    var index = try lastSegment(log, where: { $0.time <= time }) ?? 0
    // In the segment found all may be early enough; then the next one begins with what is too late.
    while index < log.count {
      let limit = log.limit(at: index)
      var window = FrameWindow(log.segments[index], limit: limit)
      var offset =
        try table(at: index, log).offset(beforeEndOf: time, limit: limit).map { Int($0) }
        ?? Layout.SegmentHeader.blockBytes
      while offset < limit {
        let header = try window.frame(at: offset)
        if header.time > time { return try newestRevision(at: time, header, offset, &window) }
        if header.kind == .seal { break }
        offset += header.frameBytes
      }
      index += 1
    }
    return log.lastRevision
  }

  /// The same in the first frame that ends later: its first records may be early enough.
  private func newestRevision(
    at time: Int64, _ frame: FrameHeader, _ offset: Int, _ window: inout FrameWindow
  ) throws(LogError) -> Revision {
    var newest = Revision(frame.firstRevision.value - 1)
    guard frame.kind == .commit else { return newest }
    let end = offset + frame.frameBytes
    var offset = offset + Layout.FrameHeader.size
    while offset < end {
      let record = try window.record(at: offset, before: end)
      guard record.fields.time <= time else { break }
      if record.fields.operation.takesRevision {
        newest = record.fields.revision
      } else if record.fields.operation == .gap {
        newest = try window.gap(record, at: offset, expected: newest.next).last
      }
      offset += Int(record.recordBytes)
    }
    return newest
  }
}
