/// Writes frames in order and makes them durable: one write a frame, one fdatasync for all that are waiting.
internal import Bytes
internal import Synchronization
internal import Threads

package final class CommitWorker: Sendable {
  private struct Mailbox {
    var frames: [CommitBuffer] = []
    var wantsSync = false
    var isStopping = false
    var hasWork: Bool { !frames.isEmpty || wantsSync || isStopping }
  }

  /// Touched only by whoever processes: the thread, or the owner when there is none.
  private struct Position: @unchecked Sendable {
    var segment: SegmentFile
    var durableThrough: Revision
    var durableOffset: Int
    var writtenThrough: Revision
    var writtenOffset: Int
    var isDirty: Bool { writtenOffset != durableOffset || writtenThrough != durableThrough }
  }

  private let options: LogOptions
  private let mailbox = Monitor(Mailbox())
  private let position: Monitor<Position>
  private let failureBox = Mutex<LogError?>(nil)
  private let completed = Atomic<UInt64>(0)
  private let durable: Atomic<UInt64>
  private let durablePlaceBox: Mutex<LogPlace>
  private let syncCount = Atomic<UInt64>(0)
  private let figuresBox = Mutex(CommitFigures())
  private let notify: @Sendable () -> Void

  package init(
    options: LogOptions, segment: SegmentFile, end: Int, lastRevision: Revision,
    notify: @escaping @Sendable () -> Void
  ) {
    self.options = options
    self.notify = notify
    durable = Atomic(lastRevision.value)
    durablePlaceBox = Mutex(LogPlace(segment: segment.number, offset: end))
    position = Monitor(
      Position(
        segment: segment, durableThrough: lastRevision, durableOffset: end, writtenThrough: lastRevision,
        writtenOffset: end))
  }

  /// The ticket of the last frame that is acknowledged at the configured level.
  package var completedTicket: UInt64 { completed.load(ordering: .acquiring) }
  package var durableThrough: Revision { Revision(durable.load(ordering: .acquiring)) }
  /// The place before which all is on stable storage.
  package var durablePlace: LogPlace { durablePlaceBox.withLock { $0 } }
  package var syncs: UInt64 { syncCount.load(ordering: .relaxed) }
  package var figures: CommitFigures { figuresBox.withLock { $0 } }
  /// Why nothing is written any more; nil while all is well.
  package var failure: LogError? { failureBox.withLock { $0 } }

  package func submit(_ frame: CommitBuffer) {
    if options.usesThreads {
      mailbox.with(waking: true) { $0.frames.append(frame) }
    } else {
      process([frame])
    }
  }

  /// Has what is written so far made durable soon, also where no acknowledgement waits for it (`durability: none`).
  package func requestSync() {
    if options.usesThreads { mailbox.with(waking: true) { $0.wantsSync = true } } else { syncIfDirty() }
  }

  package func stop() { mailbox.with(waking: true) { $0.isStopping = true } }

  /// The thread's body: until `stop`, and then until all that was submitted is done.
  package func run() {
    let interval = Duration.milliseconds(options.intervalMilliseconds)
    // With `interval`: when what was written and not synced must be, however much more comes meanwhile.
    var deadline: ContinuousClock.Instant?
    while true {
      guard let work = take(until: deadline) else {
        syncIfDirty()
        deadline = nil
        continue
      }
      if !work.frames.isEmpty {
        process(work.frames)
      } else if !work.wantsSync {
        return
      }
      let now = ContinuousClock.now
      if work.wantsSync || deadline.map({ $0 <= now }) ?? false {
        syncIfDirty()
        deadline = nil
        if work.wantsSync { notify() }
      } else if options.durability == .interval, deadline == nil {
        deadline = now + interval
      }
    }
  }

  /// Waits for something to do; gives no frames and no wish when the worker is stopping and all is done, nil when
  /// `deadline` has come first.
  private func take(until deadline: ContinuousClock.Instant?) -> Mailbox? {
    let take = { (mailbox: inout Mailbox) -> Mailbox? in
      guard mailbox.hasWork else { return nil }
      defer {
        mailbox.frames.removeAll(keepingCapacity: true)
        mailbox.wantsSync = false
      }
      return mailbox
    }
    guard let deadline else { return mailbox.wait(take) }
    let left = ContinuousClock.now.duration(to: deadline) / .milliseconds(1)
    return mailbox.wait(milliseconds: max(0, Int(left.rounded(.up))), take)
  }

  private func process(_ frames: [CommitBuffer]) {
    guard let last = frames.last, failure == nil else { return }
    let problem = position.with { position -> LogError? in
      attempt { () throws(StorageError) in
        for frame in frames { try write(frame, &position) }
        if options.durability == .fsync || frames.contains(where: \.isForced) { try sync(&position) }
      }
    }
    if let problem {
      poison(problem)
    } else {
      figuresBox.withLock { for frame in frames { $0.wrote(frame) } }
      completed.store(last.ticket, ordering: .releasing)
      notify()
    }
  }

  private func syncIfDirty() {
    let problem = position.with { position -> LogError? in
      guard position.isDirty, failure == nil else { return nil }
      return attempt { () throws(StorageError) in try sync(&position) }
    }
    if let problem { poison(problem) }
  }

  private func attempt(_ work: () throws(StorageError) -> Void) -> LogError? {
    do {
      try work()
      return nil
    } catch {
      return LogError(error)
    }
  }

  /// A failed write or fsync is final: after it, what a later fsync reports says nothing about the earlier data.
  package func poison(_ problem: LogError) {
    failureBox.withLock { if $0 == nil { $0 = LogError(.poisoned, problem.message) } }
    notify()
  }

  private func write(_ frame: CommitBuffer, _ position: inout Position) throws(StorageError) {
    if frame.segment !== position.segment {
      // The old segment is sealed: it is durable before anything lies in the next one, in every mode.
      try sync(&position)
      position.segment = frame.segment
      position.durableOffset = Layout.SegmentHeader.blockBytes
      position.writtenOffset = Layout.SegmentHeader.blockBytes
    }
    // The stamp of a clean close claims that all before it is durable.
    if frame.header.isCleanClose, position.isDirty { try sync(&position) }
    frame.header.bodyBytes = UInt32(frame.bytes.count - Layout.FrameHeader.size)
    frame.header.durableThrough = position.durableThrough
    frame.header.durableOffset = UInt64(position.durableOffset)
    frame.header.encode(over: &frame.bytes, seed: frame.segment.seed, offset: frame.offset)
    try CommitWorker.put(frame.bytes, frame)
    position.writtenThrough = frame.header.lastRevision
    position.writtenOffset = frame.end
  }

  private static func put(_ bytes: borrowing ByteBuffer, _ frame: CommitBuffer) throws(StorageError) {
    try frame.segment.file.write(bytes.bytes, at: UInt64(frame.offset))
  }

  private func sync(_ position: inout Position) throws(StorageError) {
    let begin = ContinuousClock.now
    try position.segment.file.sync()
    let duration = ContinuousClock.now - begin
    figuresBox.withLock { $0.synced(in: duration) }
    syncCount.wrappingAdd(1, ordering: .relaxed)
    position.durableThrough = position.writtenThrough
    position.durableOffset = position.writtenOffset
    let place = LogPlace(segment: position.segment.number, offset: position.durableOffset)
    durablePlaceBox.withLock { $0 = place }
    durable.store(position.durableThrough.value, ordering: .releasing)
  }
}
