/// Writes a snapshot beside everything else: the owner hands over blocks, a thread of its own puts them on the disk.
///
/// The file gets its name only when all of it is durable. Whatever goes wrong before that leaves the store as it was:
/// a snapshot is never the only copy of anything.
internal import Bytes
internal import Threads

package final class SnapshotWriter: Sendable {
  package enum Outcome: Sendable {
    case writing
    /// The snapshot has its name; `bytes` is its size.
    case done(revision: Revision, bytes: Int)
    case failed(LogError)
  }

  private struct Mailbox {
    var blocks: [SnapshotBlock] = []
    var end: (revision: Revision, time: Int64)?
    var isCancelled = false
    var outcome = Outcome.writing
  }

  /// Touched only by whoever writes: the thread, or the owner when there is none.
  private final class File: @unchecked Sendable {
    var file: (any StorageFile)?
    var buffer = ByteBuffer(capacity: 1 << 20)
    var offset = 0
    var unsynced = 0
    var ordinal: UInt32 = 0
  }

  private let storage: any Storage
  private let head: SnapshotHead
  private let usesThreads: Bool
  private let mailbox = Monitor(Mailbox())
  private let target = File()
  private let onOutcome: @Sendable () -> Void

  private static let queuedBlocksMax = 8
  /// Written in pieces with a sync after each, so that a commit's own sync never waits behind a whole snapshot.
  private static let syncBytes = 4 << 20

  init(
    storage: any Storage, head: SnapshotHead, usesThreads: Bool, onOutcome: @escaping @Sendable () -> Void
  ) {
    self.storage = storage
    self.head = head
    self.usesThreads = usesThreads
    self.onOutcome = onOutcome
  }

  /// Starts the thread; the owner joins it. nil when there is none.
  func start() -> NamedThread? { usesThreads ? NamedThread("mfh-snapshot") { self.run() } : nil }

  package var outcome: Outcome { mailbox.with { $0.outcome } }

  /// Whether another block can be taken now.
  package var hasRoom: Bool { mailbox.with { $0.blocks.count < SnapshotWriter.queuedBlocksMax } }

  package func append(_ block: SnapshotBlock) {
    mailbox.with(waking: true) { $0.blocks.append(block) }
    if !usesThreads { work() }
  }

  /// No more blocks come. `revision` must be durable in the log by now: the snapshot is taken for proof of that.
  package func finish(revision: Revision, time: Int64) {
    mailbox.with(waking: true) { $0.end = (revision, time) }
    if !usesThreads { work() }
  }

  /// Gives up; what was written is removed.
  package func cancel() {
    mailbox.with(waking: true) { $0.isCancelled = true }
    if !usesThreads { work() }
  }

  private func run() {
    while case .writing = outcome {
      mailbox.wait { $0.blocks.isEmpty && $0.end == nil && !$0.isCancelled ? nil : () }
      work()
    }
  }

  private func work() {
    let (blocks, end, isCancelled) = mailbox.with { mailbox in
      defer { mailbox.blocks.removeAll(keepingCapacity: true) }
      return (mailbox.blocks, mailbox.end, mailbox.isCancelled)
    }
    guard case .writing = outcome else { return }
    do throws(LogError) {
      if isCancelled { throw LogError(.io, "the snapshot was given up") }
      try write(blocks)
      if let end { conclude(.done(revision: end.revision, bytes: try publish(end))) }
    } catch {
      discard()
      conclude(.failed(error))
    }
  }

  private func conclude(_ outcome: Outcome) {
    mailbox.with(waking: true) { $0.outcome = outcome }
    onOutcome()
  }

  // MARK: The file

  private var temporaryName: String { StoreNames.snapshotTemporary }

  private func write(_ blocks: [SnapshotBlock]) throws(LogError) {
    do {
      let file = try open()
      for block in blocks {
        target.buffer.removeAll()
        block.encode(into: &target.buffer, head.seed, offset: target.offset, ordinal: target.ordinal)
        target.ordinal += 1
        try put(target.buffer, to: file)
      }
    } catch {
      throw LogError(error)
    }
  }

  private func open() throws(StorageError) -> any StorageFile {
    if let file = target.file { return file }
    try storage.makeDirectory(StoreNames.snapshots)
    try storage.syncDirectory("")
    do {
      try storage.remove(temporaryName)
    } catch {
      guard error.errno == PosixText.missing else { throw error }
    }
    let file = try storage.create(temporaryName)
    target.file = file
    try put(head.encode(), to: file)
    return file
  }

  private func put(_ bytes: borrowing ByteBuffer, to file: any StorageFile) throws(StorageError) {
    try file.write(bytes.bytes, at: UInt64(target.offset))
    target.offset += bytes.count
    target.unsynced += bytes.count
    if target.unsynced >= SnapshotWriter.syncBytes {
      try file.sync()
      target.unsynced = 0
    }
  }

  private func publish(_ end: (revision: Revision, time: Int64)) throws(LogError) -> Int {
    do {
      let file = try open()
      let tail = SnapshotTail(
        blockCount: UInt64(target.ordinal), totalBytes: UInt64(target.offset + Layout.SnapshotTail.size),
        revision: end.revision, time: end.time)
      try put(tail.encode(head.seed), to: file)
      try file.sync()
      try storage.rename(temporaryName, to: StoreNames.snapshot(end.revision))
      try storage.syncDirectory(StoreNames.snapshots)
    } catch {
      throw LogError(error)
    }
    target.file = nil
    SnapshotStore(storage: storage).prune(keeping: end.revision)
    return target.offset
  }

  /// An unfinished file that can not be removed now is swept when the store is opened.
  private func discard() {
    target.file = nil
    try? storage.remove(temporaryName)
  }
}
