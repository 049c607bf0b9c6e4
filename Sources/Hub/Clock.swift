/// The wall clock, as microseconds since 1970; replaced in tests.
internal import Glibc

package protocol HubClock: Sendable {
  func now() -> Int64
}

package struct SystemClock: HubClock {
  package init() {}

  package func now() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1_000
  }
}
