/// A sliding window over a segment's file that goes on where the disk does not: a page that can not be read is taken
/// as zeros and remembered, so that everything around it can still be found.
internal import Bytes

struct InspectionWindow: ~Copyable {
  private let file: any StorageFile
  /// Bytes from here on are never read.
  let limit: Int
  private(set) var bytes: ByteBuffer
  /// The byte of the file at which the window begins.
  private(set) var start = 0
  /// The pages that could not be read, each once, in the order in which they were met.
  private(set) var failures: [(offset: Int, error: StorageError)] = []
  private var failedPages: Set<Int> = []

  static let windowBytes = 1 << 20
  static let pageBytes = 4096

  init(_ file: any StorageFile, limit: Int) {
    self.file = file
    self.limit = limit
    bytes = ByteBuffer(capacity: min(InspectionWindow.windowBytes, max(limit, 0)))
  }

  /// The byte of the file behind the window.
  var end: Int { start + bytes.count }

  /// Has at least `length` bytes from `offset` in the window; false when the file or the limit ends before.
  mutating func load(_ offset: Int, _ length: Int) -> Bool {
    if offset >= start, offset + length <= end { return true }
    guard offset + length <= limit else { return false }
    slide(to: offset, length)
    return offset + length <= end
  }

  /// Moves the window to `offset`; what was in it is read again.
  mutating func slide(to offset: Int, _ length: Int = 0) {
    bytes.removeAll()
    start = offset
    let wanted = min(max(length, InspectionWindow.windowBytes), limit - offset)
    guard wanted > 0 else { return }
    do {
      try file.read(at: UInt64(offset), length: wanted, into: &bytes)
    } catch {
      readPages(wanted)
    }
  }

  /// Forgets what was read: a live store may have written more since.
  mutating func forget() {
    bytes.removeAll()
    start = 0
  }

  private mutating func readPages(_ wanted: Int) {
    while bytes.count < wanted {
      let place = start + bytes.count
      let piece = min(InspectionWindow.pageBytes - place % InspectionWindow.pageBytes, wanted - bytes.count)
      let before = bytes.count
      do {
        try file.read(at: UInt64(place), length: piece, into: &bytes)
        if bytes.count < before + piece { return }
      } catch {
        bytes.truncate(to: before)
        bytes.append(zeros: piece)
        let page = place - place % InspectionWindow.pageBytes
        if failedPages.insert(page).inserted { failures.append((page, error)) }
      }
    }
  }
}
