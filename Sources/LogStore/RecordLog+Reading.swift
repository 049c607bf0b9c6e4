/// Reading an open log: one record by its position, or everything in order.
package import Bytes

extension RecordLog {
  package func readRecord(at position: RecordPosition, into buffer: inout ByteBuffer) throws(LogError) -> RecordHeader {
    try segment(position.segment).readRecord(at: position, into: &buffer)
  }

  package func readHeader(at position: RecordPosition, into buffer: inout ByteBuffer) throws(LogError) -> RecordHeader {
    try segment(position.segment).readHeader(at: position, into: &buffer)
  }

  /// The lineage in which a segment was written.
  package func lineage(of number: SegmentNumber) -> StoreIdentity { segment(number).header.lineage }

  private func segment(_ number: SegmentNumber) -> SegmentFile {
    let index = Int(number.value) - Int(segments[0].number.value)
    precondition(segments.indices.contains(index), "a position names a segment of this log")
    return segments[index]
  }

  /// The part of the log that is on stable storage, whatever the durability mode: no crash takes any of it back.
  package var durableEnd: DurableEnd {
    let place = worker.durablePlace
    return DurableEnd(segments: segments.filter { $0.number <= place.segment }, offset: place.offset)
  }

  /// Reads the log from its beginning, or from where a snapshot leaves off: from `place`, which comes behind
  /// `revision`. Every record is checked and given to `visit` in order.
  package func replay(
    from place: LogPlace? = nil, after revision: Revision = .none,
    _ visit: (RecordHeader, RecordPosition, _ record: RawSpan) throws(LogError) -> Void
  ) throws(LogError) {
    try LogReplay(segments: segments, activeEnd: end).run(from: place, after: revision, visit)
  }
}
