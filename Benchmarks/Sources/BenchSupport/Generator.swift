/// Random numbers that are the same in every run, so that every run measures the same work.

/// SplitMix64. Source: Steele, Lea, Flood (2014).
package struct Generator: RandomNumberGenerator {
  @usableFromInline package var state: UInt64

  @inlinable package init(state: UInt64) { self.state = state }

  @inlinable package mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }

  /// A number below `limit`, by multiplication: quick, and even enough for choosing keys.
  @inlinable package mutating func below(_ limit: Int) -> Int {
    Int(truncatingIfNeeded: next().multipliedFullWidth(by: UInt64(limit)).high)
  }
}
