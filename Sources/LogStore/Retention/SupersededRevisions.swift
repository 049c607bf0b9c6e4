/// Which events a retention lets go: those that later events of their key have superseded so and so often. Worked out
/// from the links of the records alone, one byte for each revision.
package struct SupersededRevisions: Sendable {
  private var first: UInt64 = 1
  /// By how many later events each one is superseded, as far as that matters.
  private var counts: [UInt8] = []
  private var kept: UInt8 = 1

  init() {}

  /// - Parameter kept: how many versions of a key are kept, 1 to 255: an event goes when so many have come after it.
  init(_ revisions: ClosedRange<Revision>, kept: UInt8) {
    precondition(kept > 0, "the newest version of a key is never let go")
    first = revisions.lowerBound.value
    counts = [UInt8](repeating: 0, count: Int(revisions.upperBound.value - first + 1))
    self.kept = kept
  }

  var isEmpty: Bool { counts.isEmpty }

  func contains(_ revision: Revision) -> Bool {
    guard !counts.isEmpty, let index = index(revision) else { return false }
    return counts[index] >= kept
  }

  /// Takes in an event. They come newest first: what an event supersedes is known only when it is known how often it
  /// is itself superseded.
  ///
  /// - Returns: whether what it supersedes goes.
  mutating func note(_ revision: Revision, supersedes previous: Revision) -> Bool {
    guard previous < revision, let older = index(previous), let newer = index(revision) else { return false }
    counts[older] = max(counts[older], min(counts[newer], UInt8.max - 1) + 1)
    return counts[older] >= kept
  }

  private func index(_ revision: Revision) -> Int? {
    guard revision.value >= first, revision.value - first < UInt64(counts.count) else { return nil }
    return Int(revision.value - first)
  }
}
