/// How much of the past is kept.
package enum RetentionPolicy: Equatable, Sendable {
  /// Everything.
  case forever
  /// All that was there at some moment of this long ago and since; microseconds.
  case age(Int64)
  /// The newest so many events of every key.
  case versions(UInt8)

  package static let ages: ClosedRange<Int64> = 1...36_500
  package static let versionCounts: ClosedRange<UInt8> = 1...254
  private static let hour: Int64 = 3_600_000_000
  private static let units: [(Character, Int64)] = [("h", hour), ("d", 24 * hour), ("w", 7 * 24 * hour)]

  package static let expectation = "forever, an age from 1h to 36500d (h, d or w), or versions:N with N from 1 to 254"

  /// `forever`, `90d`, `versions:10`; nil for anything else.
  package init?(_ text: some StringProtocol) {
    let prefix = "versions:"
    if text == "forever" {
      self = .forever
    } else if text.hasPrefix(prefix) {
      guard let count = UInt8(text.dropFirst(prefix.count)), RetentionPolicy.versionCounts.contains(count) else {
        return nil
      }
      self = .versions(count)
    } else {
      guard let unit = RetentionPolicy.units.first(where: { $0.0 == text.last }), let count = Int64(text.dropLast()),
        RetentionPolicy.ages.contains(count),
        count * unit.1 <= RetentionPolicy.ages.upperBound * 24 * RetentionPolicy.hour
      else { return nil }
      self = .age(count * unit.1)
    }
  }

  /// Nothing younger is let go, in microseconds: that is `untouched` at least, whatever the policy.
  func ageMin(untouched: Int64) -> Int64 {
    if case .age(let wanted) = self { max(untouched, wanted) } else { untouched }
  }

  /// How many versions of a key stay.
  var kept: UInt8 {
    switch self {
    case .forever, .age: 1
    case .versions(let count): count
    }
  }
}
