/// Packs a sealed segment: the same frames and records in a fraction of the room, without what is to be erased. What it writes is unpacked and
/// compared, byte for byte, before it counts. See FORMAT.md, "Packed segment".
internal import Bytes

struct SegmentPacker: ~Copyable {
  private let source: SegmentFile
  /// How many bytes of the source count; nil: all up to its seal.
  private let limit: UInt64?
  private let target: any StorageFile
  private let header: SegmentHeader
  private let edits: RecordEdits
  /// Called now and then with the bytes of the source that were passed since; slows down or gives up.
  private let pace: (Int) throws(LogError) -> Void
  private var output = ByteBuffer(capacity: 1 << 20)
  private var outputStart = 0
  private var unsynced = 0
  private var directory = PackedDirectory()
  private var builder = PackedBlockBuilder()
  /// The plain bytes of the block that is being built.
  private var plain = ByteBuffer(capacity: 64 << 10)
  private var check = BlockCheck()

  /// A block is full when its text has so many bytes: about 25 records of 400 bytes. A read unpacks one
  /// block, and most of its time is in proportion to that; the dictionary keeps what small blocks cost in room low.
  static let textBytes = 8 << 10
  private static let rowsMax = 1_024
  /// Beyond it a level costs ten times as much for a few percent.
  private static let level: Int32 = 12
  private static let dictionaryLevel: Int32 = 19
  private static let writeBytes = 1 << 20
  /// Written in pieces with a sync after each, so that a commit's own sync never waits behind a whole segment.
  private static let syncBytes = 4 << 20

  /// - Parameters:
  ///   - target: a new, empty file.
  ///   - header: that of the packed segment.
  ///   - edits: what is taken out of the records on the way.
  init(
    _ source: SegmentFile, limit: UInt64?, to target: any StorageFile, _ header: SegmentHeader, _ edits: RecordEdits,
    pace: @escaping (Int) throws(LogError) -> Void
  ) {
    self.source = source
    self.limit = limit
    self.target = target
    self.header = header
    self.edits = edits
    self.pace = pace
  }

  /// Writes all of the packed file and syncs it. Returns its size.
  mutating func pack() throws(LogError) -> Int {
    let sampler = DictionarySampler(source, limit: limit, edits)
    let dictionary = try sampler.train(pace: pace)
    let compressor = ZstdCompressor(dictionary: dictionary.bytes, level: SegmentPacker.level)
    try check.use(dictionary)
    header.encode(into: &output)
    let dictionaryWriter = ZstdCompressor(
      dictionary: ByteBuffer(capacity: 16).bytes, level: SegmentPacker.dictionaryLevel)
    append(dictionary, dictionaryWriter)
    try packFrames(compressor, usesDictionary: dictionary.count > 0)
    noteBlock(plain: plainEnd)
    append(dictionary, dictionaryWriter)
    appendDirectory(dictionaryWriter)
    try write()
    do { try target.sync() } catch { throw LogError(error) }
    return outputStart
  }

  private var fileOffset: Int { outputStart + output.count }

  /// The byte of the plain segment behind what was packed.
  private var plainEnd = Layout.SegmentHeader.blockBytes

  private mutating func noteBlock(plain: Int) {
    directory.entries.append(.init(plain: UInt32(plain), file: UInt32(fileOffset)))
  }

  private mutating func append(_ dictionary: borrowing ByteBuffer, _ compressor: ZstdCompressor) {
    guard dictionary.count > 0 else { return }
    PackedBlock.append(
      PackedBlock(.dictionary), columns: ByteBuffer(capacity: 16).bytes, text: dictionary.bytes, compressor,
      seed: header.seed, offset: fileOffset, to: &output)
  }

  private mutating func appendDirectory(_ compressor: ZstdCompressor) {
    let offset = fileOffset
    var columns = ByteBuffer(capacity: directory.entries.count * Layout.PackedTail.directoryEntryBytes)
    directory.encode(into: &columns)
    PackedBlock.append(
      PackedBlock(.directory), columns: columns.bytes, text: ByteBuffer(capacity: 16).bytes, compressor,
      seed: header.seed, offset: offset, to: &output)
    PackedTail.append(directoryOffset: offset, seed: header.seed, offset: fileOffset, to: &output)
  }

  // MARK: Frames

  private mutating func packFrames(_ compressor: ZstdCompressor, usesDictionary: Bool) throws(LogError) {
    var scanner = SegmentScanner(source, limit: limit)
    builder.begin(at: plainEnd)
    var editor = RecordEditor(edits)
    let scan = try scanner.scan(after: try source.revisionBeforeFirst()) { (frame, offset, body) throws(LogError) in
      let size = Layout.FrameHeader.size
      try beginFrame(frame, offset)
      switch frame.kind {
      case .commit:
        let origin = RecordOrigin(lineage: source.header.lineage, epoch: frame.epoch)
        try CommitFrame.forEach(in: body, seed: source.seed, bodyOffset: offset + size) {
          (header, offset, record) throws(LogError) in
          if try editor.edit(header, record, origin, seed: source.seed, offset: offset) {
            try append(editor.result.bytes)
          } else {
            try append(record)
          }
          if isFull { try endBlock(compressor, usesDictionary) }
        }
      case .seal:
        builder.append(sealBody: body)
        plain.append(body)
      case .stamp: break
      }
      plainEnd = offset + frame.frameBytes
      if isFull { try endBlock(compressor, usesDictionary) }
    }
    try source.check(scan, limit: limit)
    try endBlock(compressor, usesDictionary)
  }

  private mutating func beginFrame(_ frame: FrameHeader, _ offset: Int) throws(LogError) {
    builder.append(frame, at: offset)
    let start = plain.count
    plain.append(zeros: Layout.FrameHeader.size)
    var header = ByteBuffer(capacity: Layout.FrameHeader.size)
    header.append(zeros: Layout.FrameHeader.size)
    frame.encode(over: &header, seed: source.seed, offset: offset)
    plain.truncate(to: start)
    plain.append(header.bytes)
  }

  private mutating func append(_ record: RawSpan) throws(LogError) {
    guard record.byteCount <= Layout.PackedBlock.textBytesMax / 2 else {
      throw LogError(.unsupported, "a record of \(record.byteCount) bytes is too long to pack", segment: source.number)
    }
    builder.append(record)
    plain.append(record)
  }

  private var isFull: Bool { builder.text.count >= SegmentPacker.textBytes || builder.rows >= SegmentPacker.rowsMax }

  private mutating func endBlock(_ compressor: ZstdCompressor, _ usesDictionary: Bool) throws(LogError) {
    guard !builder.isEmpty else { return }
    let start = output.count
    let offset = fileOffset
    noteBlock(plain: builder.plainOffset)
    builder.finish(compressor, usesDictionary: usesDictionary, seed: header.seed, fileOffset: offset, to: &output)
    try check.check(output, from: start, fileOffset: offset, packed: header, plain, source)
    builder.begin(at: builder.plainOffset + builder.plainBytes)
    let passed = plain.count
    plain.removeAll()
    if output.count >= SegmentPacker.writeBytes { try write() }
    try pace(passed)
  }

  private mutating func write() throws(LogError) {
    do {
      try target.write(output.bytes, at: UInt64(outputStart))
      outputStart += output.count
      unsynced += output.count
      if unsynced >= SegmentPacker.syncBytes {
        try target.sync()
        unsynced = 0
      }
    } catch {
      throw LogError(error)
    }
    output.removeAll()
  }
}

/// Unpacks what was packed, and compares.
private struct BlockCheck: ~Copyable {
  private var plain: ZstdDecompressor?
  private var block = UnpackedBlock()
  private var scratch = PackedScratch()
  private var bytes = ByteBuffer(capacity: 64 << 10)

  mutating func use(_ dictionary: borrowing ByteBuffer) throws(LogError) {
    do { plain = try ZstdDecompressor(dictionary: dictionary.bytes) } catch { throw BlockCheck.refusal(nil, error) }
  }

  mutating func check(
    _ output: borrowing ByteBuffer, from start: Int, fileOffset: Int, packed: SegmentHeader,
    _ expected: borrowing ByteBuffer, _ source: SegmentFile
  ) throws(LogError) {
    guard let plain else { preconditionFailure("a dictionary, or none, is set first") }
    let stored = output.bytes.extracting(start..<output.count)
    do {
      let head = try PackedBlock.decode(stored, seed: packed.seed, offset: fileOffset)
      try block.decode(head, stored, plain)
      bytes.removeAll()
      try block.append(head.plainRange, seed: source.seed, &scratch, to: &bytes)
      guard bytes.bytes.equals(expected.bytes) else { throw FormatError.badField("plain bytes") }
    } catch {
      throw BlockCheck.refusal(source.number, error)
    }
  }

  private static func refusal(_ number: SegmentNumber?, _ error: any Error) -> LogError {
    let reason = (error as? FormatError)?.text ?? "\(error)"
    return LogError(
      .unsupported, "the segment stays as it is, since packed it would not be the same (\(reason))", segment: number)
  }
}
