/// What a client asked of a key, when, and what it was told: one line of a history.

/// One operation on one key. `LinearizabilityChecker` is given all of a store's, since it was made.
package struct HistoryOperation: Sendable, Equatable {
  package var key: String
  /// Operations of one session on one key take effect in the order in which they were invoked, and so do all of its
  /// writes and deletes of nothing, whose revisions tell. nil: no such promise.
  package var session: Int?
  /// When it was sent. All times are of one clock that never goes back; their unit does not matter.
  package var invoked: Int64
  /// When the reply had come. With an unknown outcome: after this moment it can not take effect any more. nil: it can
  /// until the end.
  package var returned: Int64?
  package var call: Call
  package var outcome: Outcome

  package init(
    key: String, session: Int? = nil, invoked: Int64, returned: Int64?, call: Call, outcome: Outcome
  ) {
    self.key = key
    self.session = session
    self.invoked = invoked
    self.returned = returned
    self.call = call
    self.outcome = outcome
  }
}

package enum Call: Sendable, Hashable {
  case get
  /// With a condition: the revision that the key must have, 0 for none.
  case put(String, ifRevision: UInt64? = nil)
  case delete(ifRevision: UInt64? = nil)

  package var ifRevision: UInt64? {
    switch self {
    case .get: nil
    case .put(_, let revision), .delete(let revision): revision
    }
  }
}

package enum Outcome: Sendable, Hashable {
  /// No reply. It may have happened, once, or not.
  case unknown
  case found(Version)
  case absent
  case stored(revision: UInt64, created: Bool)
  case deleted(revision: UInt64)
  /// A delete that found nothing. `revision` is that of the whole store.
  case nothing(revision: UInt64)
  /// Refused: the key has another revision, or is absent.
  case conflict(Version?)
}

/// A value, and the revision of the write that put it there. Revisions are below 2^62.
package struct Version: Sendable, Hashable {
  package var value: String
  package var revision: UInt64

  package init(_ value: String, _ revision: UInt64) {
    self.value = value
    self.revision = revision
  }
}

extension HistoryOperation {
  var isUnknown: Bool { outcome == .unknown }

  /// The revision that the operation is known to have taken.
  var takenRevision: UInt64? {
    switch outcome {
    case .stored(let revision, _), .deleted(let revision): revision
    case .unknown, .found, .absent, .nothing, .conflict: nil
    }
  }

  /// The place among the writes of the store that the reply told, as (revision, 1 if it is behind that write).
  var place: (revision: UInt64, behind: Int)? {
    if case .nothing(let revision) = outcome { return (revision, 1) }
    return takenRevision.map { ($0, 0) }
  }

  /// The version that the reply showed.
  var seenVersion: Version? {
    switch outcome {
    case .found(let version): version
    case .conflict(let version): version
    case .unknown, .absent, .stored, .deleted, .nothing: nil
    }
  }

  /// The store had come to this revision when the reply was made.
  var provenRevision: UInt64? {
    if case .nothing(let revision) = outcome { return revision }
    return takenRevision ?? seenVersion?.revision
  }

  /// Whether the outcome is one that the call can have.
  var isPossible: Bool {
    switch (call, outcome) {
    case (.get, .found), (.get, .absent), (_, .unknown): true
    case (.put, .stored), (.delete, .deleted), (.delete, .nothing): true
    case (.put, .conflict), (.delete, .conflict): call.ifRevision != nil
    case (.get, _), (.put, _), (.delete, _): false
    }
  }
}
