/// What a log tells of itself: its segments, sizes and positions.

package struct LogStatus: Sendable {
  package let store: StoreIdentity
  package let lineage: StoreIdentity
  package let segments: Int
  package let bytes: Int
  package let activeSegment: SegmentNumber
  package let activeOffset: Int
  package let syncs: UInt64
}

extension RecordLog {
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
