/// A clock that nobody sets: for what is counted by the second. With one that is set back, who had asked too often would
/// be held up for as long.
internal import Glibc

enum SteadyClock {
  /// Microseconds since some moment.
  static func now() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1_000
  }
}
