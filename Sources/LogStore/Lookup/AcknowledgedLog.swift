/// The part of an open log that its owner has taken as acknowledged: nothing behind it is ever looked at.
struct AcknowledgedLog {
  let segments: [SegmentFile]
  /// Where it ends, and its last revision.
  let end: LogPlace
  let lastRevision: Revision
  /// The table of the last of all segments, which is in memory as long as the segment is written to.
  let activeTable: CommitTable
  let activeNumber: SegmentNumber

  /// How many segments have anything in it.
  var count: Int {
    let last = index(of: end.segment)
    return end.offset > Layout.SegmentHeader.blockBytes ? last + 1 : last
  }

  func index(of number: SegmentNumber) -> Int { Int(number.value) - Int(segments[0].number.value) }

  /// The byte behind the last one that counts. A sealed segment's frames say themselves where they end.
  func limit(at index: Int) -> Int {
    let segment = segments[index]
    if segment.number == end.segment { return end.offset }
    let cut = segments[index + 1].header.predecessorEnd
    return cut != 0 ? Int(min(cut, segment.header.capacity)) : Int(segment.header.capacity)
  }

  /// Whether a seal ends the segment, acknowledged like all the rest.
  func isSealed(at index: Int) -> Bool {
    segments[index].number < end.segment && segments[index + 1].header.predecessorEnd == 0
  }
}

extension RecordLog {
  var acknowledged: AcknowledgedLog {
    AcknowledgedLog(
      segments: segments, end: acknowledgedPlace, lastRevision: acknowledgedRevision, activeTable: commitTable,
      activeNumber: segments[activeIndex].number)
  }
}
