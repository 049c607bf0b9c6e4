/// Reads the records of a log from a leaf on, one for each leaf, in the order in which a replay gives them.
package import LogStore

/// A record, and what else its leaf is made of.
package struct LeafRecord: ~Escapable {
  package let header: RecordHeader
  package let record: RawSpan
  package let origin: RecordOrigin
  package let position: RecordPosition

  @_lifetime(copy record)
  init(header: RecordHeader, record: RawSpan, origin: RecordOrigin, position: RecordPosition) {
    self.header = header
    self.record = record
    self.origin = origin
    self.position = position
  }
}

package struct LeafReader: ~Copyable {
  /// Behind the last record that was read.
  package private(set) var place: LeafPlace

  package init(at place: LeafPlace) { self.place = place }

  /// Reads up to the end of `log`, or until `visit` returns false.
  package mutating func read(
    _ log: DurableEnd, _ visit: (borrowing LeafRecord, _ before: LeafPlace) throws(LogError) -> Bool
  ) throws(LogError) {
    var (start, skip) = beginning(in: log)
    var place = start
    var origin = RecordOrigin(lineage: .none, epoch: 0)
    defer { self.place = place }
    let from = LogPlace(segment: start.segment, offset: Int(start.frameOffset))
    do {
      try log.replay.run(from: from, after: start.revisionBeforeFrame) { (file, frame, offset) throws(LogError) in
        place.enter(file, frame, at: offset)
        origin = RecordOrigin(lineage: file.header.lineage, epoch: frame.epoch)
      } _: { (header, position, record) throws(LogError) in
        let before = place
        place.pass(header)
        guard skip == 0 else {
          skip -= 1
          return
        }
        let leaf = LeafRecord(header: header, record: record, origin: origin, position: position)
        if try !visit(leaf, before) { throw LeafReader.enough }
      }
    } catch {
      guard error == LeafReader.enough else { throw error }
    }
  }

  /// Thrown through the replay when no more is wanted; never leaves this file.
  private static let enough = LogError(.busy, "enough leaves were read")

  /// Where to begin, at a frame, and how many records to pass over. A recovery may have cut the segment before the
  /// frame, and a compaction may have rewritten it: the number of records before the leaf is still the same.
  private func beginning(in log: DurableEnd) -> (LeafPlace, skip: UInt32) {
    var start = place
    start.frameSkip = 0
    let file = log.segments.first { $0.number == place.segment }
    if let file, file.header.keepsPlaces(of: place.generation), let limit = log.limit(of: place.segment),
      Int(place.frameOffset) < limit
    {
      start.segmentSkip -= place.frameSkip
      start.generation = file.header.generation
      return (start, place.frameSkip)
    }
    guard let file else { return (start, place.frameSkip) }
    start = LeafPlace(beginningOf: file, after: place.revisionBeforeSegment)
    return (start, place.segmentSkip)
  }
}
