/// Counts of values by size, as dashboards want them: how many were at most so large, and the sum of all.

package struct Histogram: Sendable, Equatable {
  /// The largest value that each bucket takes, in rising order; one more bucket takes what is larger.
  package let bounds: [Int64]
  /// As many as bounds, and one more.
  package private(set) var counts: [UInt64]
  package private(set) var sum: Int64 = 0

  package init(bounds: [Int64]) {
    precondition(!bounds.isEmpty && zip(bounds, bounds.dropFirst()).allSatisfy(<), "bounds rise")
    self.bounds = bounds
    counts = Array(repeating: 0, count: bounds.count + 1)
  }

  /// Microseconds, from 100 us to 10 s: a commit on a good disk takes the first ones.
  package static let durations: [Int64] = [
    100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000,
    5_000_000, 10_000_000,
  ]
  /// Events of one commit.
  package static let batchEvents: [Int64] = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1_024]
  /// Bytes of one commit.
  package static let batchBytes: [Int64] = [512, 4_096, 16_384, 65_536, 262_144, 1_048_576, 4_194_304]

  /// Most values are small: the first buckets are looked at first.
  package mutating func record(_ value: Int64) {
    var bucket = 0
    while bucket < bounds.count, value > bounds[bucket] { bucket += 1 }
    counts[bucket] += 1
    sum &+= max(0, value)
  }

  package var total: UInt64 { counts.reduce(0, +) }
}
