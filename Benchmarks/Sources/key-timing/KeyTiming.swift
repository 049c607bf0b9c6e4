/// Whether the time that a wrong API key takes says where it is wrong. SECURITY: row 6.
///
/// Two kinds of wrong keys are asked for in random order: some differ from the right one in the last letter only, some in
/// all. If their times differ, a key could be guessed letter by letter. The same is done with a comparison that is known to
/// tell: what can not see that one could not see the other either.
import Access
import BenchSupport
import Bytes
import Glibc
import HistoryTree

@main struct KeyTiming {
  /// Below it two means do not differ in any way that can be shown.
  static let limit = 4.5

  static func main() {
    let count = CommandLine.arguments.count > 1 ? Int(CommandLine.arguments[1]) ?? 1_000_000 : 1_000_000
    let candidates = Candidates()
    let ring = candidates.ring()
    print("\(count) samples of each comparison; |t| below \(limit): no difference")
    let ours = measure("digests, as the hub compares keys", count, candidates) { ring.bearer(of: $0) == nil }
    let control = measure("byte by byte, for comparison", count, candidates) { candidates.isWrongByteByByte($0) }
    exit(ours < limit && control >= limit ? 0 : 1)
  }

  /// Prints the statistic; returns its size.
  private static func measure(
    _ name: String, _ count: Int, _ candidates: Candidates, _ isRefused: (RawSpan) -> Bool
  ) -> Double {
    var generator = Generator(state: 7)
    var samples: [(isNear: Bool, nanoseconds: UInt32)] = []
    samples.reserveCapacity(count)
    for round in 0..<count + count / 10 {
      let isNear = generator.next() & 1 == 0
      let candidate = candidates.pick(isNear: isNear, generator.below(Candidates.perKind))
      let start = now()
      let isWrong = isRefused(candidate.span.bytes)
      let time = now() - start
      precondition(isWrong, "a wrong key is refused")
      // The first tenth warms up.
      if round >= count / 10 { samples.append((isNear, UInt32(clamping: time))) }
    }
    let result = WelchTest(samples)
    print(
      "\(name): near \(rounded(result.near.mean)) ns, far \(rounded(result.far.mean)) ns, "
        + "t = \(rounded(result.statistic))")
    return abs(result.statistic)
  }

  private static func rounded(_ value: Double) -> Double { (value * 100).rounded() / 100 }

  private static func now() -> Int {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return time.tv_sec * 1_000_000_000 + time.tv_nsec
  }
}
