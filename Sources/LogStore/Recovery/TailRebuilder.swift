/// Copies the frames of a log's unproven tail into a new segment, with the checksums of their new place.
internal import Bytes

package struct TailRebuilder {
  private let durableThrough: Revision
  private var frames: [(header: FrameHeader, body: [UInt8], bodyOffset: Int)] = []
  private var oldSeed: FrameSeed?

  package init(durableThrough: Revision) { self.durableThrough = durableThrough }

  package var frameCount: Int { frames.count }
  package var firstRevision: Revision? { frames.first?.header.firstRevision }

  package func capacityNeeded(reserve: Int) -> Int {
    let bytes = frames.reduce(0) { $0 + $1.header.frameBytes }
    return Layout.aligned(Layout.SegmentHeader.blockBytes + bytes + CommitTable.sealBytesMax(capacity: bytes) + reserve)
  }

  /// Takes in the commit frames from byte `proven` on. Stamps and seals speak of the old segment and are left out.
  package mutating func collect(
    from segment: SegmentFile, proven: Int, directory: StoreDirectory, index: Int
  ) throws(LogError) {
    oldSeed = segment.seed
    var found: [(FrameHeader, [UInt8], Int)] = []
    var scanner = SegmentScanner(segment, limit: directory.limit(at: index))
    let before = try TailExaminer(directory).lastRevision(before: index)
    _ = try scanner.scan(after: before) { (header, offset, body) throws(LogError) in
      guard header.kind == .commit, offset >= proven else { return }
      found.append((header, body.array(), offset + Layout.FrameHeader.size))
    }
    frames = found
  }

  /// Writes the frames behind the segment's header and returns the byte behind the last one.
  package func write(to segment: SegmentFile, noting table: inout CommitTable) throws(StorageError) -> Int {
    var offset = Layout.SegmentHeader.blockBytes
    for frame in frames {
      let bytes = relocated(frame, to: segment, at: offset)
      try segment.file.write(bytes.bytes, at: UInt64(offset))
      table.note(frame.header, at: offset)
      offset += frame.header.frameBytes
    }
    return offset
  }

  private func relocated(
    _ frame: (header: FrameHeader, body: [UInt8], bodyOffset: Int), to segment: SegmentFile, at offset: Int
  ) -> ByteBuffer {
    guard let oldSeed else { preconditionFailure("frames are written after they were collected") }
    var buffer = ByteBuffer(capacity: frame.header.frameBytes)
    buffer.append(zeros: Layout.FrameHeader.size)
    buffer.append(frame.body.span.bytes)
    var places: [(RecordHeader, Int)] = []
    CommitFrame.forEach(in: frame.body.span.bytes, seed: oldSeed, bodyOffset: frame.bodyOffset) { header, place, _ in
      places.append((header, place - frame.bodyOffset + Layout.FrameHeader.size))
    }
    for (record, start) in places {
      RecordEncoder.relocate(record, at: start, in: &buffer, seed: segment.seed, offset: offset + start)
    }
    var header = frame.header
    // The new segment gets its name only when all of it is durable.
    header.durableThrough = durableThrough
    header.durableOffset = UInt64(offset)
    header.encode(over: &buffer, seed: segment.seed, offset: offset)
    return buffer
  }
}
