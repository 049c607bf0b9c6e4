/// The errors of the contract: each has a code that programs read and a text that people read.
package import LogStore

package enum ErrorCode: String, Sendable, CaseIterable {
  case invalidJSON = "invalid_json"
  case invalidRequest = "invalid_request"
  case unknownAction = "unknown_action"
  case invalidItem = "invalid_item"
  case tooLarge = "too_large"
  case conflict
  case unauthorized
  case forbidden
  case overloaded
  case readOnly = "read_only"
  case notPrimary = "not_primary"
  case storageError = "storage_error"
  case revisionCompacted = "revision_compacted"
  case redacted
  case lagging
  case shuttingDown = "shutting_down"
  case `internal`
}

package struct HubError: Error, Sendable {
  package var code: ErrorCode
  /// What, where, and what to do; one line.
  package var message: String
  /// For `conflict`: what is there, and from which commit on that can be said aloud.
  package var conflict: Conflict?
  /// For `overloaded`: when to try again.
  package var retryAfterMilliseconds: Int?
  /// For `revision_compacted`: the first revision at which it can be read.
  package var floor: Revision?
  /// The log can not take a write yet, and nothing was decided: ask again when `RecordLog.canTakeMore`.
  package var isForLater = false

  package struct Conflict: Sendable {
    package var current: Version?
    /// In a batch, the index of the operation.
    package var index: Int?
    /// The reply waits for this commit: it tells of what is under way in it.
    package var ticket: UInt64
  }

  package init(_ code: ErrorCode, _ message: String) {
    self.code = code
    self.message = message
  }

  /// A retention has let the revision go.
  package static func dropped(_ revision: Revision, floor: Revision) -> HubError {
    var error = HubError(
      .revisionCompacted,
      "revision \(revision) is older than the retention keeps: all is there from revision \(floor) on")
    error.floor = floor
    return error
  }
}
