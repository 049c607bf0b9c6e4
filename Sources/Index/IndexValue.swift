/// What the index keeps for a key: 16 bytes whose meaning is the caller's.
package struct IndexValue: Equatable, Sendable, BitwiseCopyable {
  package var low: UInt64
  package var high: UInt64

  @inlinable package init(low: UInt64, high: UInt64) {
    self.low = low
    self.high = high
  }
}
