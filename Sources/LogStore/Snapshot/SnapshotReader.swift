/// Reads a snapshot block by block; every byte of it is checked before it is given out.
internal import Bytes

package final class SnapshotReader {
  package let name: String
  package let head: SnapshotHead
  package let tail: SnapshotTail
  private let file: any StorageFile
  private var window: ByteBuffer
  private var windowStart = 0
  private var offset = Layout.Snapshot.size
  private var ordinal: UInt32 = 0

  private static let windowBytes = 4 << 20

  /// Opens a snapshot and checks both its ends.
  ///
  /// - Throws: `LogError`: `damaged` naming the file, `unsupported`, `io`.
  package init(_ name: String, storage: any Storage) throws(LogError) {
    self.name = name
    do {
      file = try storage.open(name, writable: false)
      let size = Int(clamping: try file.size())
      let ends = try SnapshotReader.readEnds(file, size)
      (head, tail) = try SnapshotReader.decode(ends, size)
      window = ByteBuffer(capacity: min(SnapshotReader.windowBytes, size))
    } catch let error as StorageError {
      throw LogError(error)
    } catch let error as FormatError {
      throw SnapshotReader.damage(name, error)
    } catch {
      preconditionFailure("only storage and format errors are thrown here: \(error)")
    }
  }

  private static func readEnds(_ file: any StorageFile, _ size: Int) throws(StorageError) -> ByteBuffer {
    var ends = ByteBuffer(capacity: 512)
    guard size >= Layout.Snapshot.size + Layout.SnapshotTail.size else { return ends }
    try file.read(at: 0, length: Layout.Snapshot.size, into: &ends)
    try file.read(at: UInt64(size - Layout.SnapshotTail.size), length: Layout.SnapshotTail.size, into: &ends)
    return ends
  }

  private static func decode(
    _ ends: borrowing ByteBuffer, _ size: Int
  ) throws(FormatError) -> (SnapshotHead, SnapshotTail) {
    let bytes = ends.bytes
    guard bytes.byteCount == Layout.Snapshot.size + Layout.SnapshotTail.size else { throw .truncated }
    let head = try SnapshotHead.decode(bytes)
    let tail = try SnapshotTail.decode(
      bytes.extracting(Layout.Snapshot.size..<bytes.byteCount), head.seed, offset: size - Layout.SnapshotTail.size)
    return (head, tail)
  }

  private static func damage(_ name: String, _ error: FormatError, at offset: Int? = nil) -> LogError {
    switch error {
    case .unknownVersion, .unknownFeatures:
      LogError(.unsupported, "\(name): \(error.text); use the version that wrote it, or a newer one")
    default:
      LogError(.damaged, "\(name)\(offset.map { " byte \($0)" } ?? ""): \(error.text)")
    }
  }

  /// Gives every block to `visit`, in order.
  ///
  /// - Throws: `damaged` naming file and byte, before `visit` has seen anything of the damaged block; what `visit`
  ///   throws is about a payload whose bytes are sound.
  package func forEachBlock(
    _ visit: (_ kind: UInt32, _ count: Int, _ payload: RawSpan) throws(FormatError) -> Void
  ) throws(LogError) {
    let end = Int(tail.totalBytes) - Layout.SnapshotTail.size
    while offset < end {
      let start = offset
      do {
        guard start + Layout.SnapshotBlock.size <= end, try load(start, Layout.SnapshotBlock.size) else {
          throw FormatError.truncated
        }
        let header = try SnapshotReader.header(in: window, at: start - windowStart, place(of: start))
        guard start + header.blockBytes <= end, try load(start, header.blockBytes) else {
          throw FormatError.truncated
        }
        try SnapshotReader.visit(header, in: window, at: start - windowStart, place(of: start), visit)
        offset = start + header.blockBytes
        ordinal += 1
      } catch let error as StorageError {
        throw LogError(error)
      } catch let error as FormatError {
        throw SnapshotReader.damage(name, error, at: start)
      } catch {
        preconditionFailure("only storage and format errors are thrown here: \(error)")
      }
    }
    guard UInt64(ordinal) == tail.blockCount else {
      throw SnapshotReader.damage(name, .badField("block_count"), at: end)
    }
  }

  /// What a block's checksums depend on.
  private struct Place {
    let seed: SnapshotSeed
    let offset: Int
    let ordinal: UInt32
  }

  private func place(of offset: Int) -> Place { Place(seed: head.seed, offset: offset, ordinal: ordinal) }

  private static func header(
    in window: borrowing ByteBuffer, at start: Int, _ place: Place
  ) throws(FormatError) -> SnapshotBlockHeader {
    try SnapshotBlockHeader.decode(
      window.bytes.extracting(start..<(start + Layout.SnapshotBlock.size)), place.seed, offset: place.offset,
      ordinal: place.ordinal)
  }

  private static func visit(
    _ header: SnapshotBlockHeader, in window: borrowing ByteBuffer, at start: Int, _ place: Place,
    _ visit: (UInt32, Int, RawSpan) throws(FormatError) -> Void
  ) throws(FormatError) {
    let block = window.bytes.extracting(start..<(start + header.blockBytes))
    try header.check(block, place.seed, offset: place.offset)
    let payload = Layout.SnapshotBlock.size..<(Layout.SnapshotBlock.size + header.payloadBytes)
    try visit(header.kind, Int(header.count), block.extracting(payload))
  }

  /// Has `length` bytes from `start` in the window; false when the file ends before.
  private func load(_ start: Int, _ length: Int) throws(StorageError) -> Bool {
    guard start < windowStart || start + length > windowStart + window.count else { return true }
    window.removeAll()
    windowStart = start
    try file.read(at: UInt64(start), length: max(length, SnapshotReader.windowBytes), into: &window)
    return window.count >= length
  }
}
