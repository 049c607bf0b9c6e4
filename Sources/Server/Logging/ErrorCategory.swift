/// What kind of trouble a log line tells of: who has to act. A field of every line of a failure, so that an alert can ask
/// for a kind without knowing every code. docs/operations.md, "Log lines", tells them to operators.
internal import Hub
internal import Logging

enum ErrorCategory: String, CaseIterable {
  /// The request is wrong: its sender has to change it.
  case request
  /// The request is right, and what it asks for is not so, or is gone.
  case data
  /// Somebody may not do that.
  case access
  /// There is more to do than can be done now: it helps to try again later.
  case load
  /// The hub does not take this now: it stops, is no primary, or has no room.
  case state
  /// The disk, or what is on it.
  case storage
  /// A listener or a peer.
  case network
  /// What the hub was told to be.
  case configuration
  /// A mistake of this program.
  case `internal`

  init(_ code: ErrorCode) {
    switch code {
    case .invalidJSON, .invalidRequest, .unknownAction, .invalidItem, .tooLarge: self = .request
    case .conflict, .revisionCompacted, .redacted: self = .data
    case .unauthorized, .forbidden: self = .access
    case .overloaded, .lagging: self = .load
    case .readOnly, .notPrimary, .shuttingDown: self = .state
    case .storageError: self = .storage
    case .internal: self = .internal
    }
  }
}

extension Logger {
  /// A line of something that is not as it should be.
  func problem(
    _ level: Logger.Level, _ category: ErrorCategory, _ message: Logger.Message, _ fields: Logger.Metadata = [:]
  ) {
    var fields = fields
    fields["category"] = "\(category.rawValue)"
    log(level: level, message, metadata: fields)
  }
}
