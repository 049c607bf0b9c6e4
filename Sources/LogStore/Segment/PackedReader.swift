/// Reads a packed segment's file: its directory, its dictionary, and one block at a time.
internal import Bytes

/// Not safe to use from two threads at a time.
final class PackedReader {
  private let file: any StorageFile
  private let header: SegmentHeader
  private let seed: FrameSeed
  private let fileBytes: Int
  private var directory: PackedDirectory
  private let plain: ZstdDecompressor
  /// Nil before it is needed, and when no copy of the dictionary can be read.
  private var dictionary: ZstdDecompressor?
  private var dictionaryProblem: FormatError?
  private var input = ByteBuffer(capacity: 32 << 10)
  private var block = UnpackedBlock()
  private var blockIndex: Int?
  private var scratch = PackedScratch()

  /// A block is never longer than this, whatever a directory says.
  private static let blockBytesMax = 2 * Layout.PackedBlock.textBytesMax

  init(_ file: any StorageFile, _ header: SegmentHeader) throws(StorageError) {
    self.file = file
    self.header = header
    seed = header.seed
    fileBytes = Int(clamping: try file.size())
    do throws(FormatError) {
      plain = try ZstdDecompressor(dictionary: input.bytes)
    } catch {
      preconditionFailure("no dictionary is always a valid one")
    }
    let loader = PackedDirectoryLoader(file, header, fileBytes: fileBytes)
    if let found = try loader.load() { directory = found } else { directory = try loader.search() }
  }

  var memoryBytes: Int { directory.entries.count * 8 + Layout.PackedBlock.dictionaryBytesMax * 2 }

  // MARK: Plain bytes

  func append(_ wanted: Range<Int>, to buffer: inout ByteBuffer) throws(StorageError) {
    var offset = wanted.lowerBound
    if offset < Layout.SegmentHeader.blockBytes {
      let end = min(wanted.upperBound, Layout.SegmentHeader.blockBytes)
      try file.read(at: UInt64(offset), length: end - offset, into: &buffer)
      offset = end
    }
    while offset < wanted.upperBound {
      guard offset < directory.plainEnd else {
        // Behind the seal there are zeros; where its block was not found there is nothing to tell.
        let rest = wanted.upperBound - offset
        if directory.isWhole { buffer.append(zeros: rest) } else { buffer.append(filler: rest) }
        return
      }
      let index = directory.index(of: offset)
      let range = directory.plainRange(index)
      let end = min(range.upperBound, wanted.upperBound)
      if try problem(loading: index, range) == nil {
        appendLoaded(offset..<end, to: &buffer)
      } else {
        buffer.append(filler: end - offset)
      }
      offset = end
    }
  }

  private func appendLoaded(_ range: Range<Int>, to buffer: inout ByteBuffer) {
    let start = buffer.count
    do {
      try block.append(range, seed: seed, &scratch, to: &buffer)
      guard buffer.count == start + range.count else { throw FormatError.badLength }
    } catch {
      buffer.truncate(to: start)
      buffer.append(filler: range.count)
    }
  }

  func problem(at offset: Int) throws(StorageError) -> FormatError? {
    guard offset >= Layout.SegmentHeader.blockBytes, offset < directory.plainEnd else { return nil }
    let index = directory.index(of: offset)
    return try problem(loading: index, directory.plainRange(index))
  }

  /// Has the block in memory; returns why it can not be unpacked, if so.
  private func problem(loading index: Int, _ range: Range<Int>) throws(StorageError) -> FormatError? {
    if blockIndex == index { return nil }
    blockIndex = nil
    let place = directory.fileRange(index)
    guard place.count >= Layout.PackedBlock.size, place.count <= PackedReader.blockBytesMax,
      place.upperBound <= fileBytes
    else { return .badLength }
    input.removeAll(shrinkingAbove: 1 << 20)
    try file.read(at: UInt64(place.lowerBound), length: place.count, into: &input)
    do throws(FormatError) {
      let head = try PackedReader.head(input, seed, offset: place.lowerBound)
      guard head.plainRange == range else { throw FormatError.badField("plain_offset") }
      let decompressor = head.usesDictionary ? try loadedDictionary() : plain
      try PackedReader.unpack(head, input, decompressor, into: &block)
      blockIndex = index
      return nil
    } catch {
      return error
    }
  }

  private static func head(
    _ bytes: borrowing ByteBuffer, _ seed: FrameSeed, offset: Int
  ) throws(FormatError) -> PackedBlock {
    try PackedBlock.decode(bytes.bytes, seed: seed, offset: offset)
  }

  private static func unpack(
    _ head: PackedBlock, _ bytes: borrowing ByteBuffer, _ decompressor: ZstdDecompressor,
    into block: inout UnpackedBlock
  ) throws(FormatError) {
    try block.decode(head, bytes.bytes, decompressor)
  }

  // MARK: Dictionary

  private func loadedDictionary() throws(FormatError) -> ZstdDecompressor {
    if let dictionary { return dictionary }
    if let dictionaryProblem { throw dictionaryProblem }
    for place in directory.dictionaries {
      var bytes = ByteBuffer(capacity: Layout.PackedBlock.dictionaryBytesMax)
      do throws(FormatError) {
        try readDictionary(place, into: &bytes)
        let loaded = try ZstdDecompressor(dictionary: bytes.bytes)
        dictionary = loaded
        return loaded
      } catch {
        dictionaryProblem = error
      }
    }
    throw dictionaryProblem ?? .badField("dictionary")
  }

  private func readDictionary(_ place: Range<Int>, into bytes: inout ByteBuffer) throws(FormatError) {
    var stored = ByteBuffer(capacity: 16)
    guard place.count <= PackedReader.blockBytesMax, place.upperBound <= fileBytes,
      (try? file.read(at: UInt64(place.lowerBound), length: place.count, into: &stored)) != nil
    else { throw .truncated }
    let head = try PackedBlock.decode(stored.bytes, seed: seed, offset: place.lowerBound)
    guard head.kind == .dictionary, head.textBytes <= UInt32(Layout.PackedBlock.dictionaryBytesMax) else {
      throw .badField("dictionary")
    }
    try plain.append(stored.bytes.extracting(head.storedRange), count: Int(head.textBytes), to: &bytes)
  }

  /// What is wrong with the directory and the copies of the dictionary.
  func checkFrame() -> [String] {
    var problems: [String] = []
    if !directory.isWhole {
      problems.append("the packed segment's directory can not be read: its blocks are looked for one by one")
    }
    for place in directory.dictionaries {
      var bytes = ByteBuffer(capacity: 16)
      do throws(FormatError) {
        try readDictionary(place, into: &bytes)
      } catch {
        problems.append("the copy of the packed segment's dictionary at byte \(place.lowerBound): \(error.text)")
      }
    }
    return problems
  }
}

extension ByteBuffer {
  fileprivate mutating func append(filler length: Int) {
    for _ in 0..<length { append(PackedFile.filler) }
  }
}
