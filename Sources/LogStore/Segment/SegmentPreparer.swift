/// Makes segments ready before they are needed: real zeros, synced, so that a commit into them touches no metadata.
internal import Bytes

package struct SegmentPreparer: Sendable {
  package let storage: any Storage

  package init(storage: any Storage) { self.storage = storage }

  /// Zeros are written in pieces with a sync after each, so that a commit's own sync never waits behind all of them.
  private static let pieceBytes = 1 << 20

  /// Writes a new segment under a temporary name, lets `fill` put frames into it, makes it durable, and only then
  /// gives it its name. A crash leaves either no segment or a whole one.
  package func prepare(
    _ header: SegmentHeader, fill: (SegmentFile) throws(StorageError) -> Void = { _ in }
  ) throws(StorageError) -> SegmentFile {
    let segment = try create(header)
    let name = StoreNames.segment(header.number, generation: header.generation)
    try takingBack(name + StoreNames.temporarySuffix) { () throws(StorageError) in
      try fill(segment)
      try segment.file.sync()
      try storage.rename(name + StoreNames.temporarySuffix, to: name)
    }
    // The directory is synced too: without it a crash can lose the new file's name.
    try storage.syncDirectory(StoreNames.segments)
    return segment
  }

  /// Makes a new segment under its temporary name: zeros and the header, which are not all synced yet.
  func create(_ header: SegmentHeader) throws(StorageError) -> SegmentFile {
    let temporary = StoreNames.segment(header.number, generation: header.generation) + StoreNames.temporarySuffix
    do {
      try storage.remove(temporary)
    } catch {
      guard error.errno == PosixText.missing else { throw error }
    }
    // Asked beforehand, a full disk need not be filled to the last byte to find out.
    try storage.expectSpace(for: temporary, bytes: header.capacity)
    let segment = SegmentFile(header: header, file: try storage.create(temporary))
    try takingBack(temporary) { () throws(StorageError) in
      try writeZeros(segment.file, capacity: Int(header.capacity))
      var block = ByteBuffer(capacity: Layout.SegmentHeader.blockBytes)
      header.encode(into: &block)
      try segment.file.write(block.bytes, at: 0)
    }
    return segment
  }

  /// Removes the file when `work` fails. Its space comes back now, not at the next start: it may be what filled the disk.
  private func takingBack(_ temporary: String, _ work: () throws(StorageError) -> Void) throws(StorageError) {
    do {
      try work()
    } catch {
      try? storage.remove(temporary)
      throw error
    }
  }

  private func writeZeros(_ file: any StorageFile, capacity: Int) throws(StorageError) {
    let pieceBytes = min(SegmentPreparer.pieceBytes, capacity)
    var zeros = ByteBuffer(capacity: pieceBytes)
    zeros.append(zeros: pieceBytes)
    var offset = 0
    while offset < capacity {
      let length = min(zeros.count, capacity - offset)
      try file.write(zeros.bytes.extracting(0..<length), at: UInt64(offset))
      try file.sync()
      offset += length
    }
  }
}
