/// Hashes the leaves of many records on all processors, and gives them back in the order of the records.
///
/// Leaves do not depend on each other: who adds records goes on reading while other threads hash. When those fall behind
/// it hashes too instead of waiting, so that no processor idles and no more than a few batches are under way.
internal import HistoryTree
internal import LogStore
internal import Synchronization
internal import Threads

final class LeafPool {
  /// A batch that is handed from thread to thread.
  private final class Job: Sendable {
    let number: UInt64
    let byteCount: Int
    let batch: Mutex<LeafBatch>

    init(_ number: UInt64, _ batch: consuming LeafBatch) {
      self.number = number
      byteCount = batch.byteCount
      self.batch = Mutex(batch)
    }
  }

  private struct State: Sendable {
    var waiting: [Job] = []
    var hashed: Set<UInt64> = []
    var isStopping = false
  }

  private let state = Monitor(State())
  private let helpers: Int
  private var threads: [NamedThread] = []
  private var open = LeafBatch()
  /// What is not given back yet, the oldest first.
  private var underWay: [Job] = []
  private var jobs: UInt64 = 0

  private static let batchesEach = 4
  /// Records can be large: this much waits at most, however many batches it is.
  private static let bytesMax = 32 << 20

  /// - Parameter helpers: threads beside the one that adds records.
  init(helpers: Int = min(Processors.count - 1, 7)) { self.helpers = helpers }

  deinit { stop() }

  /// Adds a record. Leaves that are ready by then go to `sink`.
  ///
  /// - Throws: `LogError` when records of this kind have no leaf; nothing is added then.
  func add(
    _ header: RecordHeader, _ record: RawSpan, _ origin: RecordOrigin, at position: RecordPosition,
    to sink: (HashedLeaves) -> Void
  ) throws(LogError) {
    try open.add(header, record, origin, at: position)
    if open.isFull { submit(to: sink) }
  }

  /// Gives all leaves that are still missing to `sink`, and ends the threads.
  func finish(to sink: (HashedLeaves) -> Void) {
    if !open.isEmpty { submit(to: sink) }
    while !underWay.isEmpty { takeOldest(to: sink) }
    stop()
  }

  private func submit(to sink: (HashedLeaves) -> Void) {
    var full = LeafBatch()
    swap(&full, &open)
    jobs += 1
    let job = Job(jobs, full)
    underWay.append(job)
    state.with(waking: true) { $0.waiting.append(job) }
    if threads.isEmpty { startThreads() }
    while isCrowded { takeOldest(to: sink) }
  }

  private var isCrowded: Bool {
    underWay.count > LeafPool.batchesEach * (helpers + 1)
      || underWay.reduce(0) { $0 + $1.byteCount } > LeafPool.bytesMax
  }

  private func startThreads() {
    threads = (0..<helpers).map { _ in NamedThread("mfh-leaves") { [state] in LeafPool.run(state) } }
  }

  private static func run(_ state: Monitor<State>) {
    while true {
      let job: Job?? = state.wait { state in
        state.waiting.isEmpty ? (state.isStopping ? .some(nil) : nil) : .some(state.waiting.removeFirst())
      }
      guard case .some(.some(let job)) = job else { return }
      hash(job, state)
    }
  }

  private static func hash(_ job: Job, _ state: Monitor<State>) {
    job.batch.withLock { $0.hash() }
    state.with(waking: true) { _ = $0.hashed.insert(job.number) }
  }

  private func takeOldest(to sink: (HashedLeaves) -> Void) {
    let oldest = underWay.removeFirst()
    while !state.with({ $0.hashed.remove(oldest.number) != nil }) {
      if let job = state.with({ $0.waiting.isEmpty ? nil : $0.waiting.removeFirst() }) {
        LeafPool.hash(job, state)
      } else {
        state.wait { $0.hashed.contains(oldest.number) ? () : nil }
      }
    }
    sink(oldest.batch.withLock { $0.leaves })
  }

  private func stop() {
    state.with(waking: true) { $0.isStopping = true }
    for thread in threads { thread.join() }
    threads = []
  }
}
