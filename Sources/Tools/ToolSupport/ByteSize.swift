/// Sizes as people read them.
package enum ByteSize {
  private static let units = ["B", "KiB", "MiB", "GiB", "TiB"]

  /// `bytes` in the largest binary unit that leaves a whole part, with one digit behind the point.
  package static func text(_ bytes: UInt64) -> String {
    var rest = bytes
    var remainder: UInt64 = 0
    var unit = 0
    while rest >= 1_024, unit < units.count - 1 {
      remainder = rest % 1_024
      rest /= 1_024
      unit += 1
    }
    return unit == 0 ? "\(rest) B" : "\(rest).\(remainder * 10 / 1_024) \(units[unit])"
  }
}
