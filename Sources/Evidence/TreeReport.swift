/// What a check of a log against its heads has found.
package import HistoryTree
package import LogStore

/// A run of records by where they lie; ends are inclusive.
package struct RecordSpan: Equatable, Sendable {
  package struct End: Equatable, Sendable {
    package var segment: SegmentNumber
    package var offset: UInt64
    /// That of the record, or the last one before it.
    package var revision: Revision
  }

  /// The numbers of the leaves, from 0.
  package var leaves: Range<UInt64>
  package var first: End
  package var last: End

  /// What both hold; this one when they have nothing in common.
  func narrowed(to other: RecordSpan) -> RecordSpan {
    guard leaves.overlaps(other.leaves) else { return self }
    let isLater = other.leaves.lowerBound > leaves.lowerBound
    let isSooner = other.leaves.upperBound < leaves.upperBound
    return RecordSpan(
      leaves: leaves.clamped(to: other.leaves), first: isLater ? other.first : first,
      last: isSooner ? other.last : last)
  }

  package var text: String {
    first == last
      ? "segment \(first.segment) offset \(first.offset) (revision \(first.revision))"
      : "between segment \(first.segment) offset \(first.offset) (revision \(first.revision)) and segment "
        + "\(last.segment) offset \(last.offset) (revision \(last.revision))"
  }
}

package struct TreeFinding: Equatable, Sendable {
  package enum Kind: String, Sendable, CaseIterable {
    /// Records are not those that a head speaks of.
    case changed
    /// A head speaks of more records than the log has.
    case cut
    /// As `cut`, and the store's own heads know nothing of them: all of it is older than a head that was saved.
    case rolledBack = "rolled_back"
    /// A head that should be signed by the key is not.
    case forgedHead = "forged_head"
    /// The log was closed in good order, and its last records have no head.
    case uncovered
    /// The log does not fit the roots of blocks that the store keeps.
    case blocks
    /// The file of the blocks is damaged; the log is not.
    case rot
  }

  package var kind: Kind
  package var message: String
  /// Where; nil when there is no place in the log to name.
  package var place: RecordSpan?
}

package struct TreeReport: Sendable {
  package var leaves: UInt64 = 0
  package var root = TreeHash.empty
  package var findings: [TreeFinding] = []
  /// What is no change, and should be known.
  package var notes: [String] = []
  /// Heads that fit the log.
  package var headsThatFit = 0
  package var newestHead: SignedHead?

  package var isSound: Bool { findings.isEmpty }
}
