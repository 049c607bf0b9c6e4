/// Welch's t-test: whether two sets of times have different means. Source: Reparaz, Balasch, Verbauwhede, "Dude, is my
/// code constant time?" (2017).

struct WelchTest {
  struct Moments {
    private(set) var count = 0.0
    private(set) var mean = 0.0
    private var squares = 0.0

    /// Welford's update: no sum of squares grows so large that digits are lost.
    mutating func add(_ value: Double) {
      count += 1
      let delta = value - mean
      mean += delta / count
      squares += delta * (value - mean)
    }

    var variance: Double { squares / (count - 1) }
  }

  private(set) var near = Moments()
  private(set) var far = Moments()

  /// The slowest of both kinds together are left out: interrupts say nothing of a comparison and hide what is to be seen.
  private static let keptShare = 0.9

  init(_ samples: [(isNear: Bool, nanoseconds: UInt32)]) {
    let sorted = samples.map(\.nanoseconds).sorted()
    let slowest = sorted[Int(Double(sorted.count - 1) * WelchTest.keptShare)]
    for sample in samples where sample.nanoseconds <= slowest {
      if sample.isNear { near.add(Double(sample.nanoseconds)) } else { far.add(Double(sample.nanoseconds)) }
    }
  }

  var statistic: Double {
    (near.mean - far.mean) / (near.variance / near.count + far.variance / far.count).squareRoot()
  }
}
