/// How much the exhaustive tests do: `MFH_TEST_SCALE` multiplies their size. 1, the default, is for every change.
import Foundation

package enum TestScale {
  package static let value = number("MFH_TEST_SCALE").map { max($0, 1) } ?? 1

  /// The rounds of a test that does all of its work once a round, each time with another workload. `MFH_TEST_ROUND` is
  /// the first, 0 if not given: a failure names its round, which with a scale of 1 is run alone.
  package static let rounds: Range<Int> = {
    let first = number("MFH_TEST_ROUND").map { max($0, 0) } ?? 0
    return first..<(first + value)
  }()

  private static func number(_ name: String) -> Int? {
    ProcessInfo.processInfo.environment[name].flatMap { Int($0) }
  }
}
