/// A 128-bit name for a byte string in tables that do not keep the bytes. The seed is drawn anew by every process, so
/// that nobody outside can look for two strings with one name; by chance two of 10^12 strings share one with
/// probability 10^-15.
internal import LogStore

package struct KeyHash: Hashable, Sendable {
  let value: UInt128

  private static let seed = UInt64.random(in: .min ... .max)

  package init(_ bytes: RawSpan) { value = Checksum.xxh128(bytes, seed: KeyHash.seed) }

  /// A name that outlives the process: the seed is kept with it.
  init(_ bytes: RawSpan, seed: UInt64) { value = Checksum.xxh128(bytes, seed: seed) }

  /// The name of a number, in a table that holds nothing but numbers or tells them from strings by itself.
  package init(number: UInt64) { value = UInt128(number) }

  init(value: UInt128) { self.value = value }

  package static func == (left: KeyHash, right: KeyHash) -> Bool { left.value == right.value }

  package func hash(into hasher: inout Hasher) {
    // Already as random as a hash gets.
    hasher.combine(UInt64(truncatingIfNeeded: value))
  }
}
