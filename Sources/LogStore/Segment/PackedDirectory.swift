/// Where the blocks of a packed segment lie: from its directory, or, when that is damaged, from the blocks themselves.
internal import Bytes

struct PackedDirectory {
  struct Entry: Equatable {
    /// The byte of the plain segment at which the block begins, and the byte of the file.
    var plain: UInt32
    var file: UInt32
  }

  /// One for each block of frames, and one behind the last.
  var entries: [Entry] = []
  /// The copies of the dictionary.
  var dictionaries: [Range<Int>] = []
  /// It was read, not put together from what could be found.
  var isWhole = true

  /// The byte of the plain segment behind its last frame.
  var plainEnd: Int { entries.last.map { Int($0.plain) } ?? Layout.SegmentHeader.blockBytes }

  /// The block in which the plain byte `offset` lies, which is before `plainEnd`.
  func index(of offset: Int) -> Int {
    var low = 0
    var high = entries.count - 1
    while low < high {
      let middle = (low + high) / 2
      if Int(entries[middle].plain) <= offset { low = middle + 1 } else { high = middle }
    }
    return max(low - 1, 0)
  }

  func plainRange(_ index: Int) -> Range<Int> { Int(entries[index].plain)..<Int(entries[index + 1].plain) }

  func fileRange(_ index: Int) -> Range<Int> { Int(entries[index].file)..<Int(entries[index + 1].file) }

  func encode(into buffer: inout ByteBuffer) {
    for entry in entries {
      buffer.append(littleEndian: entry.plain)
      buffer.append(littleEndian: entry.file)
    }
  }

  /// Decodes the entries; both their columns must grow.
  static func decode(_ bytes: RawSpan, capacity: UInt64, directoryOffset: Int) throws(FormatError) -> PackedDirectory {
    let size = Layout.PackedTail.directoryEntryBytes
    guard bytes.byteCount >= size, bytes.byteCount % size == 0 else { throw .badLength }
    var directory = PackedDirectory()
    for start in stride(from: 0, to: bytes.byteCount, by: size) {
      let entry = Entry(plain: bytes.u32(start), file: bytes.u32(start + 4))
      if let last = directory.entries.last {
        guard entry.plain > last.plain, entry.file > last.file else { throw .badField("directory") }
      } else {
        guard entry.plain == UInt32(Layout.SegmentHeader.blockBytes), entry.file >= entry.plain else {
          throw .badField("directory")
        }
      }
      directory.entries.append(entry)
    }
    let first = Layout.SegmentHeader.blockBytes..<Int(directory.entries[0].file)
    let behind = Int(directory.entries[directory.entries.count - 1].file)
    guard directory.plainEnd <= Int(capacity), behind <= directoryOffset else { throw .badField("directory") }
    if !first.isEmpty { directory.dictionaries.append(first) }
    if behind < directoryOffset { directory.dictionaries.append(behind..<directoryOffset) }
    return directory
  }
}

struct PackedDirectoryLoader {
  private let file: any StorageFile
  private let header: SegmentHeader
  private let fileBytes: Int

  private static let windowBytes = 1 << 20

  init(_ file: any StorageFile, _ header: SegmentHeader, fileBytes: Int) {
    self.file = file
    self.header = header
    self.fileBytes = fileBytes
  }

  private var tailOffset: Int { fileBytes - Layout.PackedTail.size }

  /// Whether the file ends as a packed one does.
  var isPacked: Bool { (try? directoryOffset()).flatMap { $0 } != nil }

  /// The byte at which the directory begins, as the tail says; nil when that is damaged.
  private func directoryOffset() throws(StorageError) -> Int? {
    guard tailOffset >= Layout.SegmentHeader.blockBytes else { return nil }
    var bytes = ByteBuffer(capacity: 64)
    try file.read(at: UInt64(tailOffset), length: Layout.PackedTail.size, into: &bytes)
    guard let offset = try? PackedTail.decode(bytes.bytes, seed: header.seed, offset: tailOffset),
      offset >= Layout.SegmentHeader.blockBytes
    else { return nil }
    return offset
  }

  /// The directory; nil when it is damaged.
  func load() throws(StorageError) -> PackedDirectory? {
    guard let offset = try directoryOffset() else { return nil }
    var bytes = ByteBuffer(capacity: tailOffset - offset)
    try file.read(at: UInt64(offset), length: tailOffset - offset, into: &bytes)
    do throws(FormatError) {
      let head = try PackedBlock.decode(bytes.bytes, seed: header.seed, offset: offset)
      guard head.kind == .directory else { throw .unknownKind(head.kind.rawValue) }
      return try PackedDirectory.decode(
        bytes.bytes.extracting(head.columnRange), capacity: header.capacity, directoryOffset: offset)
    } catch {
      return nil
    }
  }

  /// Finds every sound block. A checksum depends on its place, so bytes that only look like a block are never one.
  func search() throws(StorageError) -> PackedDirectory {
    var directory = PackedDirectory()
    directory.isWhole = false
    var window = ByteBuffer(capacity: PackedDirectoryLoader.windowBytes)
    var windowStart = 0
    var offset = Layout.SegmentHeader.blockBytes
    var end = PackedDirectory.Entry(
      plain: UInt32(Layout.SegmentHeader.blockBytes), file: UInt32(Layout.SegmentHeader.blockBytes))
    while offset + Layout.PackedBlock.size <= fileBytes {
      if offset + Layout.PackedBlock.size > windowStart + window.count {
        window.removeAll()
        windowStart = offset
        try file.read(at: UInt64(offset), length: PackedDirectoryLoader.windowBytes, into: &window)
        guard window.count >= Layout.PackedBlock.size else { break }
      }
      let length = PackedBlock.length(window.bytes.extracting((offset - windowStart)..<window.count))
      if let length, let head = try block(at: offset, length) {
        if head.kind == .dictionary { directory.dictionaries.append(offset..<(offset + length)) }
        if head.kind == .frames, end.plain <= head.plainOffset {
          // What lies between two blocks is a block of its own, which can not be unpacked.
          if end.plain < head.plainOffset { directory.entries.append(end) }
          directory.entries.append(.init(plain: head.plainOffset, file: UInt32(offset)))
          end = .init(plain: UInt32(head.plainRange.upperBound), file: UInt32(offset + length))
        }
        offset += length
        continue
      }
      offset += Layout.alignment
    }
    directory.entries.append(end)
    return directory
  }

  private func block(at offset: Int, _ length: Int) throws(StorageError) -> PackedBlock? {
    guard offset + length <= fileBytes else { return nil }
    var bytes = ByteBuffer(capacity: length)
    try file.read(at: UInt64(offset), length: length, into: &bytes)
    guard let head = try? PackedBlock.decode(bytes.bytes, seed: header.seed, offset: offset) else { return nil }
    return UInt64(head.plainOffset) + UInt64(head.plainBytes) <= header.capacity ? head : nil
  }
}
