/// What `--stats` tells of the log as a whole, counted while it is read.
internal import LogStore

final class LogStatistics {
  private(set) var segments = 0
  private(set) var sealedSegments = 0
  /// Bytes of the segments' files.
  private(set) var fileBytes: UInt64 = 0
  /// Bytes of the frames and of the segments' headers.
  private(set) var logBytes: UInt64 = 0
  private(set) var frames: UInt64 = 0
  private(set) var epochs: [UInt64] = []
  private(set) var lastFrame: FrameHeader?
  /// Bytes of the files before the current one, and how far the current one was read.
  private var bytesBefore: UInt64 = 0
  private var offset: UInt64 = 0

  func begin(_ segment: InspectedSegment.Readable) {
    bytesBefore = fileBytes
    offset = 0
    segments += 1
    fileBytes += segment.fileBytes
    logBytes += UInt64(Layout.SegmentHeader.blockBytes)
  }

  func count(_ frame: FrameHeader, at offset: Int) {
    self.offset = UInt64(offset)
    frames += 1
    logBytes += UInt64(frame.frameBytes)
    if frame.kind == .seal { sealedSegments += 1 }
    if epochs.last != frame.epoch, !epochs.contains(frame.epoch) { epochs.append(frame.epoch) }
    lastFrame = frame
  }

  /// How far the reading has come, for the progress line.
  var bytesPassed: UInt64 { bytesBefore + offset }
}
