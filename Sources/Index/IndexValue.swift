/// What the index keeps for a key: 16 bytes whose meaning is the caller's.
@usableFromInline package struct IndexValue: Equatable, Sendable, BitwiseCopyable {
  @usableFromInline package var low: UInt64
  @usableFromInline package var high: UInt64

  @inlinable package init(low: UInt64, high: UInt64) {
    self.low = low
    self.high = high
  }
}
