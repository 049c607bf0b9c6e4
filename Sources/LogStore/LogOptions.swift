/// How a log is opened.
package struct LogOptions: Sendable {
  /// What an acknowledgement means.
  package var durability: Durability
  /// With `interval`: how long a commit may wait for its fsync, in milliseconds.
  package var intervalMilliseconds: Int
  /// The size that segments grow to.
  package var segmentBytes: Int
  /// The size of the first segment, and of the first after a crash: small, so that the start is instant.
  package var firstSegmentBytes: Int
  /// With threads, commits and preparation run beside the owner. Without, they run inside its calls, in an order
  /// that depends on nothing but those calls: for simulation.
  package var usesThreads: Bool
  /// Sealed segments are packed in the background.
  package var packsSegments = false
  /// How fast sealed segments are packed: so many bytes of them a second.
  package var compactionBytesPerSecond = 32 << 20
  /// How much of the past is kept.
  package var retention = RetentionPolicy.forever
  /// A damaged store is salvaged before it is opened, instead of refused.
  package var salvages = false
  /// How many entries of commit tables of earlier segments are kept in memory, 32 bytes each; the default serves 8 GiB.
  package var tableEntriesMax = 1 << 19

  package init(
    durability: Durability = .fsync, intervalMilliseconds: Int = 100, segmentBytes: Int = 64 << 20,
    firstSegmentBytes: Int = 8 << 20, usesThreads: Bool = true
  ) {
    self.durability = durability
    self.intervalMilliseconds = intervalMilliseconds
    self.segmentBytes = segmentBytes
    self.firstSegmentBytes = min(firstSegmentBytes, segmentBytes)
    self.usesThreads = usesThreads
  }

  /// The most bytes that one commit of the hub's own work should take: the reserve holds at least two such.
  package var housekeepingBytesMax: Int { SegmentRoom.reserveBytes(capacity: firstSegmentBytes) / 2 }

  /// The most bytes that one atomic commit may take, whatever segment it falls into.
  package var commitBytesMax: Int {
    firstSegmentBytes - Layout.SegmentHeader.blockBytes - CommitTable.sealBytesMax(capacity: firstSegmentBytes)
      - Layout.FrameHeader.size * 4
  }
}
