/// How much the exhaustive tests do: `MFH_TEST_SCALE` multiplies their size. 1, the default, is for every change.
import Foundation

enum TestScale {
  static let value = ProcessInfo.processInfo.environment["MFH_TEST_SCALE"].flatMap(Int.init).map { max($0, 1) } ?? 1
}
