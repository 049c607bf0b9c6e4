/// The beginning of a log up to a place: what another thread, or another process, may read of it.

package struct DurableEnd: Sendable {
  /// In order; the last one is the one in which it ends.
  package let segments: [SegmentFile]
  /// The byte of the last segment behind its last frame.
  package let offset: Int

  package init(segments: [SegmentFile], offset: Int) {
    precondition(!segments.isEmpty, "a log has a segment")
    self.segments = segments
    self.offset = offset
  }

  /// Whether no segment has been written anew in between.
  package func hasSameFiles(as other: DurableEnd) -> Bool {
    segments.elementsEqual(other.segments) { $0.header.generation == $1.header.generation && $0.number == $1.number }
  }

  package var place: LogPlace { LogPlace(segment: segments[segments.count - 1].number, offset: offset) }

  package var replay: LogReplay { LogReplay(segments: segments, activeEnd: offset) }

  /// How many bytes of a segment count: as many as the next one's header says, if it says so.
  package func limit(of number: SegmentNumber) -> Int? {
    guard let index = segments.firstIndex(where: { $0.number == number }) else { return nil }
    guard index + 1 < segments.count else { return offset }
    let cut = segments[index + 1].header.predecessorEnd
    return cut == 0 ? Int(segments[index].header.capacity) : Int(cut)
  }
}

extension DurableEnd {
  /// The log of a store that is only read. A torn tail is left out.
  ///
  /// - Throws: `LogError`, when the end of the log can not be told.
  package static func find(in directory: StoreDirectory) throws(LogError) -> DurableEnd {
    if let problem = directory.problems.first { throw problem }
    let tail = try TailExaminer(directory).examine()
    guard tail.verdict != .rot else {
      throw LogError(
        .damaged, "what was durable can not be read here: \(tail.proof)",
        segment: directory.segments[tail.activeIndex].number, offset: UInt64(tail.scan.end))
    }
    return DurableEnd(segments: Array(directory.segments[...tail.activeIndex]), offset: tail.scan.end)
  }
}
