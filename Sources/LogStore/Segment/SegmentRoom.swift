/// Where the next commit goes: into this segment, into the next one, or nowhere. So a full disk is noticed before a
/// write and never in the middle of one. See docs/decisions/0013-full-disk.md.

/// Who asks for room.
package enum RoomUse: CaseIterable, Sendable {
  /// A client's write. It leaves the reserve alone.
  case client
  /// The hub's own work, which has to go on when clients are refused: EXPIRE events.
  case housekeeping
}

package enum SegmentRoom {
  package enum Decision: Equatable, Sendable {
    /// Into the segment that is written to.
    case here
    /// Into the next one, which is ready.
    case next
    /// Nothing can be said before the next one is made.
    case wait
    /// The next one can not be made.
    case refuse(LogError)
  }

  /// The end of a segment is kept for housekeeping until the next one is ready: 2 MiB, or an eighth of a small one.
  /// (Stamps, the seal and the clean close have room of their own behind it.)
  package static func reserveBytes(capacity: Int) -> Int { min(2 << 20, capacity / 8) }

  /// - Parameters:
  ///   - fits: whether the active segment holds the bytes at all.
  ///   - sparesReserve: whether the reserve is whole behind them.
  ///   - next: asked only if the answer depends on it.
  package static func decide(
    fits: Bool, sparesReserve: Bool, _ use: RoomUse, next: () -> SegmentSupply.Availability
  ) -> Decision {
    if fits, sparesReserve || use == .housekeeping { return .here }
    return switch next() {
    // The next segment is the reserve now: this one may be used to its end.
    case .ready: fits ? .here : .next
    case .preparing: .wait
    case .failing(let error): .refuse(error)
    }
  }
}

/// What room there is for writes, for health and stats.
package struct RoomStatus: Sendable {
  /// Why the next segment can not be made; nil when nothing is wrong with it.
  package let problem: LogError?
  /// How much clients can still write before it is needed.
  package let bytesLeft: Int
  /// Clients' writes are refused: there is a problem, and no room left or too little for a write that came.
  package let isReadOnly: Bool

  package init(problem: LogError?, bytesLeft: Int, hasRefused: Bool) {
    self.problem = problem
    self.bytesLeft = bytesLeft
    isReadOnly = problem != nil && (hasRefused || bytesLeft == 0)
  }
}
