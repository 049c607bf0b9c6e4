/// Makes finished files durable while the next one is being built. One at a time, in order.
internal import Threads

final class FileSync {
  private let usesThread: Bool
  private let failure = Monitor<StorageError?>(nil)
  private var thread: NamedThread?

  init(usesThread: Bool) { self.usesThread = usesThread }

  deinit { thread?.join() }

  /// Begins with `file`, once the one before is done.
  func begin(_ file: any StorageFile) throws(StorageError) {
    try wait()
    guard usesThread else {
      try file.sync()
      return
    }
    let failure = failure
    thread = NamedThread("replay-sync") {
      do throws(StorageError) { try file.sync() } catch { failure.with { $0 = error } }
    }
  }

  /// Returns when everything is durable.
  func wait() throws(StorageError) {
    thread?.join()
    thread = nil
    if let failure = failure.with({ $0 }) { throw failure }
  }
}
