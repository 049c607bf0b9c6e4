/// One segment as an inspection finds it: readable in some way, or lost.
package enum InspectedSegment: Sendable {
  case readable(Readable)
  /// No file, or one of which nothing can be told.
  case lost(SegmentNumber, InspectionIssue)

  package struct Readable: Sendable {
    package let file: SegmentFile
    /// The size of the file in bytes.
    package let fileBytes: UInt64
    /// The header could not be read. The one in `file` was put together from the file's name and the manifest: its
    /// checksum seed is right, where the predecessor ends is not known.
    package let hasLostHeader: Bool
    /// What is wrong with the file as a whole.
    package let issues: [InspectionIssue]
  }

  package var number: SegmentNumber {
    switch self {
    case .readable(let segment): segment.file.number
    case .lost(let number, _): number
    }
  }

  package var readable: Readable? {
    if case .readable(let segment) = self { segment } else { nil }
  }
}

/// One valid record, with where it was found.
package struct InspectedRecord: Sendable {
  package let header: RecordHeader
  package let segment: SegmentFile
  /// The byte of the segment at which it begins.
  package let offset: Int
  /// The byte at which its frame begins; nil when the frame's header could not be read.
  package let frameOffset: Int?
  /// That of its frame, or of the last readable frame before it.
  package let epoch: UInt64

  package init(header: RecordHeader, segment: SegmentFile, offset: Int, frameOffset: Int?, epoch: UInt64) {
    self.header = header
    self.segment = segment
    self.offset = offset
    self.frameOffset = frameOffset
    self.epoch = epoch
  }

  /// The same place with another record in it.
  package func with(_ header: RecordHeader) -> InspectedRecord {
    InspectedRecord(header: header, segment: segment, offset: offset, frameOffset: frameOffset, epoch: epoch)
  }
}
