/// Writes the stream of reads. See docs/decisions/0033-read-audit.md.
///
/// A read is encoded into a buffer; the buffer goes to the file when it is full, and once a second. Nothing is thrown:
/// a disk that takes no audit must not keep anybody from reading. What is lost is counted.
internal import Bytes

package struct ReadAuditOptions: Sendable {
  /// What all files together may take; the oldest one goes first.
  package var bytesMax = 1 << 30
  /// What one file may take.
  package var fileBytes = 8 << 20

  package init() {}

  /// One file goes at a time, so that of a small stream most stays.
  package init(bytesMax: Int) {
    self.bytesMax = bytesMax
    fileBytes = min(fileBytes, max(bytesMax / 8, 64 << 10))
  }
}

package struct ReadAuditStatus: Equatable, Sendable {
  /// Reads that were taken into the buffer.
  package fileprivate(set) var recorded: UInt64 = 0
  /// Reads that found no room there because the disk did not take it.
  package fileprivate(set) var lost: UInt64 = 0
  /// Calls to the disk that failed.
  package fileprivate(set) var failures: UInt64 = 0
  package fileprivate(set) var removedFiles: UInt64 = 0
  /// What the files take.
  package fileprivate(set) var bytes: UInt64 = 0
  /// Why the last attempt to write failed; nil when it did not.
  package fileprivate(set) var problem: StorageError?
}

/// Owned by the one thread that answers requests.
package final class ReadAuditWriter {
  private struct File {
    var number: ReadFileNumber
    var bytes: UInt64
  }

  private let storage: any Storage
  private let store: StoreIdentity
  private let options: ReadAuditOptions
  /// The files that are not written any more, oldest first.
  private var older: [File] = []
  /// The file that is written; nil until it is known which ones there are.
  private var current: File?
  private var handle: (any StorageFile)?
  private var predecessorEnd: UInt64 = 0
  private var nextTurn: Int64 = 0
  // Unchecked exclusivity: one thread owns this object.
  @exclusivity(unchecked) private var buffer = ByteBuffer(capacity: 64 << 10)
  @exclusivity(unchecked) package private(set) var status = ReadAuditStatus()

  private static let flushBytes = 64 << 10
  /// What is kept for a disk that takes nothing now.
  package static let bufferBytesMax = 1 << 20
  private static let turnMicroseconds: Int64 = 1_000_000

  package init(_ storage: any Storage, store: StoreIdentity, options: ReadAuditOptions) {
    self.storage = storage
    self.store = store
    self.options = options
    _ = attempt { () throws(StorageError) in try survey() }
  }

  // MARK: Recording

  package func append(_ fields: ReadFields, key: RawSpan, agent: RawSpan, correlation: RawSpan) {
    let size = ReadRecord.bytes(key: key, agent: agent, correlation: correlation)
    guard let place = place(for: size, fields.time) else {
      status.lost += 1
      return
    }
    ReadRecord.encode(fields, key: key, agent: agent, correlation: correlation, seed: place, into: &buffer)
    status.recorded += 1
    // A disk in trouble is asked again once a second, not at every read.
    if buffer.count >= ReadAuditWriter.flushBytes, status.problem == nil { flush() }
  }

  /// The seed of where a record of `size` bytes goes; nil when there is no room for it.
  private func place(for size: Int, _ time: Int64) -> UInt64? {
    guard buffer.count + size <= ReadAuditWriter.bufferBytesMax, var file = current else { return nil }
    var position = Int(file.bytes) + buffer.count
    if position > Layout.ReadFile.size, position + size > options.fileBytes {
      guard status.problem == nil, moveOn() else { return nil }
      guard let next = current else { return nil }
      file = next
      position = 0
    }
    if position == 0 {
      ReadFileHeader(store: store, number: file.number, predecessorEnd: predecessorEnd, createdAt: time)
        .encode(into: &buffer)
      position = buffer.count
    }
    return file.number.seed(of: store).at(position)
  }

  /// Ends the file: what comes now goes into the next one.
  private func moveOn() -> Bool {
    guard flush(), let file = current else { return false }
    older.append(file)
    predecessorEnd = file.bytes
    current = File(number: file.number.next, bytes: 0)
    handle = nil
    return true
  }

  // MARK: Writing

  /// To be called often: writes what has waited, once a second.
  package func turn(now: Int64) {
    // A clock that was set back must not put it off.
    guard now >= nextTurn || nextTurn - now > ReadAuditWriter.turnMicroseconds else { return }
    nextTurn = now + ReadAuditWriter.turnMicroseconds
    flush()
  }

  /// Writes what is left, and has it all on stable storage.
  package func close() {
    guard flush(), let handle else { return }
    _ = attempt { () throws(StorageError) in
      try handle.sync()
      try storage.syncDirectory(StoreNames.reads)
      try storage.syncDirectory("")
    }
    self.handle = nil
  }

  /// Writes what is in the buffer; after a failure it stays there, for the same place.
  @discardableResult private func flush() -> Bool {
    attempt { () throws(StorageError) in
      if current == nil { try survey() }
      guard buffer.count > 0, let file = current else { return }
      if handle == nil { try create(file) }
      guard let handle else { preconditionFailure("the file has just been made") }
      try ReadAuditWriter.write(buffer, to: handle, at: file.bytes)
      current?.bytes += UInt64(buffer.count)
      status.bytes += UInt64(buffer.count)
      buffer.removeAll(shrinkingAbove: ReadAuditWriter.flushBytes * 2)
    }
  }

  private static func write(
    _ buffer: borrowing ByteBuffer, to file: any StorageFile, at offset: UInt64
  ) throws(StorageError) {
    try file.write(buffer.bytes, at: offset)
  }

  private func attempt(_ body: () throws(StorageError) -> Void) -> Bool {
    do {
      try body()
      status.problem = nil
      return true
    } catch {
      status.failures += 1
      status.problem = error
      return false
    }
  }

  private func create(_ file: File) throws(StorageError) {
    try storage.makeDirectory(StoreNames.reads)
    try makeRoom()
    handle = try storage.create(StoreNames.reads(file.number))
  }

  private func makeRoom() throws(StorageError) {
    while let oldest = older.first, status.bytes + UInt64(options.fileBytes) > UInt64(options.bytesMax) {
      try storage.removeIfThere(StoreNames.reads(oldest.number))
      older.removeFirst()
      status.bytes -= min(status.bytes, oldest.bytes)
      status.removedFiles += 1
    }
  }

  // MARK: What is there

  /// Finds the files that there are. A new one follows them: what a crash has left is not written to.
  private func survey() throws(StorageError) {
    var found: [File] = []
    var end: UInt64 = 0
    for number in try ReadStream.numbers(storage) {
      found.append(File(number: number, bytes: try storage.open(StoreNames.reads(number), writable: false).size()))
    }
    if let last = found.last { end = try soundEnd(last) }
    older = found
    status.bytes = found.reduce(0) { $0 + $1.bytes }
    predecessorEnd = end
    current = File(number: found.last?.number.next ?? ReadFileNumber(1), bytes: 0)
  }

  private func soundEnd(_ file: File) throws(StorageError) -> UInt64 {
    var bytes = ByteBuffer(capacity: Int(min(file.bytes, UInt64(Layout.ReadFile.bytesMax))))
    let handle = try storage.open(StoreNames.reads(file.number), writable: false)
    try handle.read(at: 0, length: Layout.ReadFile.bytesMax, into: &bytes)
    return UInt64(ReadFileScan(bytes.bytes, seed: file.number.seed(of: store)).end)
  }
}
