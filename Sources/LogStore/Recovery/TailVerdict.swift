/// The decision at the heart of recovery: what to do where the readable part of the log ends.
///
/// Pages of one unsynced commit may reach the disk in any order, so valid bytes behind a hole are normal after a
/// power cut and must be cut off: they were never acknowledged. But where anything proves that the missing frame had
/// been durable, it was acknowledged, and cutting would lose it: that is rot, and a person or a replica decides.
package enum TailVerdict: Equatable, Sendable {
  /// The log ends here as it should.
  case complete
  /// A commit was under way: cut here.
  case torn
  /// Something that was durable is gone: refuse.
  case rot

  /// What follows the last valid frame.
  package enum Follows: CaseIterable, Sendable {
    case nothing
    case zerosThenContent
    case badFrame
  }

  /// What is known to have been durable, compared with the end of the readable part.
  package enum Proof: CaseIterable, Sendable {
    case none
    /// A claim reaches beyond the end: by revision, or by byte of this segment.
    case durableBeyondEnd
  }

  package static func decide(_ follows: Follows, _ proof: Proof) -> TailVerdict {
    switch (follows, proof) {
    case (.nothing, .none): .complete
    case (.zerosThenContent, .none): .torn
    case (.badFrame, .none): .torn
    case (.nothing, .durableBeyondEnd): .rot
    case (.zerosThenContent, .durableBeyondEnd): .rot
    case (.badFrame, .durableBeyondEnd): .rot
    }
  }
}
