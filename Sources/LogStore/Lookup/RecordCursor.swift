/// Follows the acknowledged records of an open log in order, a bounded piece at a time: what a change feed reads with.
internal import Bytes

/// A place in the log, between two records. A value: a copy goes on from the same place.
package struct RecordCursor: Equatable, Sendable {
  /// The first revision that it has not passed: where another cursor goes on, in another process too.
  package internal(set) var next: Revision
  /// Earlier ones are passed over.
  var from: Revision
  /// The frame that comes next, or of which records are left.
  var place: LogPlace
  /// The byte of the next record of that frame, and the one behind the last; 0 when the frame is not begun.
  var record = 0
  var frameEnd = 0

  /// What the reader of a record wants.
  package enum Step: Sendable {
    case goOn
    /// Stop behind this record.
    case stop
    /// Stop before this record: the next read gives it again.
    case stopBefore
  }

  /// Why a read ended.
  package enum End: Equatable, Sendable {
    /// All that is acknowledged has been read.
    case reached
    /// There is more; as many bytes were read as the call allows.
    case budget
    /// The reader asked for it.
    case stopped
  }
}

extension RecordLog {
  /// A cursor before the record of `revision`. One that the log does not have yet is waited for; when the log begins
  /// behind it (`firstRevision`), so does the cursor.
  package func cursor(from revision: Revision) throws(LogError) -> RecordCursor {
    if revision > acknowledgedRevision {
      return RecordCursor(next: acknowledgedRevision.next, from: revision, place: acknowledgedPlace)
    }
    guard let (frame, place) = try lookup.commit(of: revision, acknowledged) else {
      return RecordCursor(next: try firstRevision(), from: revision, place: startPlace)
    }
    return RecordCursor(next: frame.firstRevision, from: revision, place: place)
  }

  /// Whether a read would come to anything. Costs nothing.
  package func hasMore(_ cursor: RecordCursor) -> Bool { cursor.place < acknowledgedPlace || cursor.frameEnd != 0 }

  /// Gives the records behind the cursor to `visit`, in order, each checked, and moves the cursor. Records without a
  /// revision are among them. Reads nothing when there is nothing new.
  ///
  /// - Parameter bytesMax: how much of the log is read, give or take one record; what is passed over counts too.
  /// - Throws: `LogError`: `damaged`, `io`. The cursor is then before what can not be read.
  package func read(
    _ cursor: inout RecordCursor, bytesMax: Int,
    _ visit: (RecordHeader, RecordPosition, _ record: RawSpan) throws(LogError) -> RecordCursor.Step
  ) throws(LogError) -> RecordCursor.End {
    let log = acknowledged
    var left = bytesMax
    while hasMore(cursor) {
      let index = log.index(of: cursor.place.segment)
      var window = FrameWindow(log.segments[index], limit: log.limit(at: index), pieceBytes: CursorRead.pieceBytes)
      while cursor.frameEnd != 0 || cursor.place.offset < window.limit {
        guard left > 0 else { return .budget }
        if cursor.frameEnd == 0 {
          left -= Layout.FrameHeader.size
          guard try CursorRead.enterFrame(&cursor, &window) else { break }
        } else if let end = try CursorRead.visitRecord(&cursor, &window, &left, visit) {
          return end
        }
      }
      if cursor.place.segment == log.end.segment { break }
      cursor.place = LogPlace(segment: cursor.place.segment.next, offset: Layout.SegmentHeader.blockBytes)
    }
    return .reached
  }
}

private enum CursorRead {
  static let pieceBytes = 64 << 10

  /// Reads the head of the next frame. Returns false when it is the segment's seal.
  static func enterFrame(_ cursor: inout RecordCursor, _ window: inout FrameWindow) throws(LogError) -> Bool {
    let offset = cursor.place.offset
    let frame = try window.frame(at: offset)
    guard frame.firstRevision == cursor.next else {
      throw window.damaged(offset, "the frame is not the one of revision \(cursor.next), which comes next")
    }
    switch frame.kind {
    case .seal: return false
    case .stamp: cursor.place.offset += frame.frameBytes
    case .commit where frame.lastRevision < cursor.from && frame.lastRevision >= frame.firstRevision:
      cursor.next = frame.lastRevision.next
      cursor.place.offset += frame.frameBytes
    case .commit:
      cursor.record = offset + Layout.FrameHeader.size
      cursor.frameEnd = offset + frame.frameBytes
      leaveIfDone(&cursor)
    }
    return true
  }

  /// Gives the next record of the frame to `visit`. Returns why the read ends here, if it does.
  static func visitRecord(
    _ cursor: inout RecordCursor, _ window: inout FrameWindow, _ left: inout Int,
    _ visit: (RecordHeader, RecordPosition, _ record: RawSpan) throws(LogError) -> RecordCursor.Step
  ) throws(LogError) -> RecordCursor.End? {
    let offset = cursor.record
    let header = try window.record(at: offset, before: cursor.frameEnd)
    let length = Int(header.recordBytes)
    var next = cursor.next
    if header.fields.operation.takesRevision {
      guard header.fields.revision == next else {
        throw window.damaged(offset, "the record is not the one of revision \(next), which comes next")
      }
      next = next.next
    } else if header.fields.operation == .gap {
      next = try window.gap(header, at: offset, expected: next).last.next
    }
    var step = RecordCursor.Step.goOn
    // What stands for nothing that is wanted is not even read.
    if next > cursor.from || next == cursor.next {
      try window.loadRecord(header, at: offset)
      step = try visit(
        header, RecordPosition(segment: cursor.place.segment, offset: UInt32(offset), length: header.recordBytes),
        window.bytes(offset, length))
      left -= length
    } else {
      left -= min(length, Layout.RecordHeader.size)
    }
    if step == .stopBefore { return .stopped }
    cursor.next = next
    cursor.record += length
    leaveIfDone(&cursor)
    return step == .stop ? .stopped : nil
  }

  private static func leaveIfDone(_ cursor: inout RecordCursor) {
    guard cursor.record >= cursor.frameEnd else { return }
    cursor.place.offset = cursor.frameEnd
    cursor.record = 0
    cursor.frameEnd = 0
  }
}
