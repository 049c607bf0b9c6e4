/// The records of one commit frame, in order, each checked. See FORMAT.md, "Commit".
internal import Bytes

package enum CommitFrame {
  /// Checks the whole body of a commit frame: every record, their revisions without a gap that no record tells of, their count, their sizes.
  ///
  /// - Parameters:
  ///   - body: the frame's body.
  ///   - bodyOffset: the byte of the segment at which the body begins.
  package static func check(
    _ header: FrameHeader, _ body: RawSpan, seed: FrameSeed, bodyOffset: Int
  ) throws(FormatError) {
    var count: UInt32 = 0
    var next = header.firstRevision
    var position = 0
    while position < body.byteCount {
      let record = body.extracting(position..<body.byteCount)
      let checked = try RecordHeader.decode(record, seed: seed, offset: bodyOffset + position)
      try checked.checkPayload(record, seed: seed, offset: bodyOffset + position)
      if checked.fields.operation.takesRevision {
        guard checked.fields.revision == next else { throw .badField("revision") }
        next = next.next
      } else if checked.fields.revision != .none {
        throw .badField("revision")
      } else if checked.fields.operation == .gap {
        next = try CommitFrame.revision(behindGap: record.extracting(checked.payloadRange), expected: next)
      }
      position += Int(checked.recordBytes)
      count += 1
    }
    guard count == header.recordCount else { throw .badField("record_count") }
    guard header.lastRevision.value == next.value - 1 else { throw .badField("last_revision") }
  }

  /// The next revision behind a gap record: those that it names as lost are passed over.
  package static func revision(behindGap payload: RawSpan, expected: Revision) throws(FormatError) -> Revision {
    let gap = try GapRecord.decode(payload)
    guard gap.first == expected else { throw .badField("first_revision of a gap") }
    return gap.last.next
  }

  /// Calls `visit` with each record of a body that `check` has passed.
  package static func forEach<Failure: Error>(
    in body: RawSpan, seed: FrameSeed, bodyOffset: Int,
    _ visit: (RecordHeader, _ offset: Int, _ record: RawSpan) throws(Failure) -> Void
  ) throws(Failure) {
    var position = 0
    while position < body.byteCount {
      let rest = body.extracting(position..<body.byteCount)
      guard let header = try? RecordHeader.decode(rest, seed: seed, offset: bodyOffset + position) else {
        preconditionFailure("a commit's records are visited after they were checked")
      }
      let record = rest.extracting(0..<Int(header.recordBytes))
      try visit(header, bodyOffset + position, record)
      position += Int(header.recordBytes)
    }
  }
}
