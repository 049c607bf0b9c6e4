/// Why a request has no result. What is known of its outcome is in the case: that is what a caller has to act on.
package import ZeroMQ

package enum HubClientError: Error, Sendable {
  /// No connection came about in time. Nothing was sent, so nothing has happened.
  case unreachable(Unreachable)
  /// The request was sent, no reply came in time. Whether a write took place is unknown.
  case noReply
  /// The request was sent, the connection ended before a reply. Whether a write took place is unknown.
  case connectionLost
  /// What came back is not a reply of the protocol.
  case badReply(String)
  /// The hub answered that it did not do it.
  case refused(HubRefusal)
  /// libzmq failed on this side.
  case local(ZeroMQError)

  package enum Unreachable: Sendable, Equatable {
    /// Each attempt failed: nothing listens there, or the name means nothing.
    case refused
    /// No attempt has ended yet: the packets go nowhere.
    case silent
    /// Something takes the connection, and then does not say a word.
    case mute
    /// Something listens there, and it does not speak the protocol.
    case foreign
    /// The hub does not know the CURVE key that was shown.
    case notAllowed
  }
}

/// An error reply. CONTRACT: section 2, "Codes".
package struct HubRefusal: Error, Sendable, Equatable {
  package enum Code: String, Sendable, CaseIterable {
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

  /// nil for a code that this version does not know.
  package var code: Code?
  package var codeText: String
  /// The hub's words.
  package var message: String
  /// For `overloaded`.
  package var retryAfterMilliseconds: UInt64?
  /// For `conflict`: what the key is at; 0 when there is nothing.
  package var currentRevision: UInt64?
  /// For `conflict` in a batch: which operation, from 0.
  package var operationIndex: UInt64?

  package init(code: Code?, codeText: String, message: String) {
    self.code = code
    self.codeText = codeText
    self.message = message
  }
}
