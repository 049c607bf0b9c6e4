/// What the commit thread has done, for metrics: it counts, and whoever reports takes a copy.
internal import Bytes

package struct CommitFigures: Sendable, Equatable {
  /// How long each fsync took, in microseconds.
  package private(set) var syncs = Histogram(bounds: Histogram.durations)
  /// Records of each commit that was written.
  package private(set) var events = Histogram(bounds: Histogram.batchEvents)
  /// Bytes of each commit that was written, its head and all.
  package private(set) var bytes = Histogram(bounds: Histogram.batchBytes)

  mutating func synced(in duration: Duration) { syncs.record(Int64(duration / .microseconds(1))) }

  mutating func wrote(_ frame: CommitBuffer) {
    guard frame.header.kind == .commit else { return }
    events.record(Int64(frame.header.recordCount))
    bytes.record(Int64(frame.bytes.count))
  }
}
