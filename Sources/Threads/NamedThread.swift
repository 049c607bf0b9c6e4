/// One operating-system thread with a name that `top -H` and a debugger show.
internal import CLinux
internal import Glibc

package final class NamedThread: @unchecked Sendable {
  private var handle = pthread_t()
  private var isJoined = false

  private final class Start {
    let name: String
    let body: @Sendable () -> Void
    init(_ name: String, _ body: @escaping @Sendable () -> Void) {
      self.name = name
      self.body = body
    }
  }

  /// Starts a thread. `name` has at most 15 bytes.
  package init(_ name: String, _ body: @escaping @Sendable () -> Void) {
    let start = Unmanaged.passRetained(Start(name, body))
    let failure = pthread_create(
      &handle, nil,
      { context in
        let start = Unmanaged<Start>.fromOpaque(context!).takeRetainedValue()
        mfh_name_this_thread(start.name)
        start.body()
        return nil
      }, start.toOpaque())
    precondition(failure == 0, "no thread could be started: \(String(cString: strerror(failure)))")
  }

  /// Waits for the thread to end. Once only.
  package func join() {
    precondition(!isJoined, "a thread is joined once")
    isJoined = true
    pthread_join(handle, nil)
  }
}

extension NamedThread {
  /// Makes the thread that calls it one that runs, and uses the disk, when others leave room.
  package static func yieldToOthers() { mfh_yield_to_others() }

  /// Sleeps for a moment (100 us): for the rare wait that is not worth a condition.
  package static func pause() { usleep(100) }
}
