/// What a retention would let go of a store that lies there as it is. Nothing is written.
internal import Bytes

package struct RetentionForecast: Equatable, Sendable {
  /// Events that would go, and the bytes of their records before any packing.
  package private(set) var events = 0
  package private(set) var bytes = 0
  /// Segments that would be written anew for it.
  package private(set) var segments = 0
  /// From this revision on the past would be whole; 0: all of it.
  package private(set) var floor = Revision.none

  /// - Parameters:
  ///   - activeIndex: the segment that is written to; those before it are finished.
  ///   - now: microseconds since 1970.
  ///   - untouched: nothing younger than so many microseconds is let go, whatever the policy.
  /// - Throws: `damaged` and `io`, where a finished segment can not be read.
  package init(
    of store: StoreDirectory, activeIndex: Int, _ policy: RetentionPolicy, now: Int64, untouched: Int64
  ) throws(LogError) {
    floor = store.manifest.floor
    guard policy != .forever, activeIndex > 0 else { return }
    let parts = (0..<activeIndex).map {
      RetentionSurvey.Part(store.segments[$0], before: store.segments[$0 + 1])
    }
    let first = try store.segments[0].revisionBeforeFirst().next
    let time = now - policy.ageMin(untouched: untouched)
    guard let (count, through) = try RetentionForecast.newest(at: time, in: parts), through >= first else { return }
    let survey = RetentionSurvey(
      Array(parts[..<count]), first: first, through: through, kept: policy.kept, bytesPerSecond: 0, onOutcome: {})
    survey.run { _ in }
    switch survey.outcome {
    case .working: preconditionFailure("it ran to its end")
    case .failed(let error): throw error
    case .done(let findings):
      (events, bytes, segments) = (findings.events, findings.bytes, findings.segments.count)
      floor = max(floor, findings.floor)
    }
  }

  /// The newest revision that is not later than `time`, and how many of the parts come into question with it.
  private static func newest(
    at time: Int64, in parts: [RetentionSurvey.Part]
  ) throws(LogError) -> (parts: Int, through: Revision)? {
    for (index, part) in parts.enumerated().reversed() {
      var newest = Revision.none
      var scanner = SegmentScanner(part.file, limit: part.limit)
      let file = part.file
      let scan = try scanner.scan(after: try file.revisionBeforeFirst()) { (frame, offset, body) throws(LogError) in
        guard frame.kind == .commit else { return }
        CommitFrame.forEach(in: body, seed: file.seed, bodyOffset: offset + Layout.FrameHeader.size) { (header, _, _) in
          let fields = header.fields
          if fields.operation.takesRevision, fields.time <= time { newest = max(newest, fields.revision) }
        }
      }
      try file.check(scan, limit: part.limit)
      if newest != .none { return (index + 1, newest) }
    }
    return nil
  }
}
