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

  /// Whether places in this file of a segment are places in the one in force: a packed file keeps those of the plain one.
  package func keepsPlaces(of file: SegmentGeneration) -> Bool {
    let index = Int(file.number.value) - Int(segments[0].number.value)
    return segments.indices.contains(index) && segments[index].header.keepsPlaces(of: file.generation)
  }

  /// Whether the segments hold the place, as far as can be told without reading it.
  package func contains(_ place: LogPlace) -> Bool {
    place.segment >= segments[0].number && place <= endPlace
  }

  /// Sizes and positions for `stats`.
  package var status: LogStatus {
    LogStatus(
      store: segments[0].header.store, lineage: segments[activeIndex].header.lineage, segments: segments.count,
      bytes: segments.dropLast().reduce(0) { $0 + $1.storedBytes } + end,
      activeSegment: segments[activeIndex].number, activeOffset: end, syncs: syncs)
  }
}
