/// Which gRPC status stands for which of the hub's codes. CONTRACT: section 3.
internal import GRPCCore
internal import Hub

extension ErrorCode {
  var status: RPCError.Code {
    switch self {
    case .invalidJSON, .invalidRequest, .unknownAction, .invalidItem: .invalidArgument
    case .conflict: .aborted
    case .unauthorized: .unauthenticated
    case .forbidden: .permissionDenied
    case .overloaded, .tooLarge: .resourceExhausted
    case .readOnly, .notPrimary, .revisionCompacted, .redacted: .failedPrecondition
    case .lagging, .shuttingDown: .unavailable
    case .storageError: .dataLoss
    case .internal: .internalError
    }
  }
}

extension RPCError {
  /// The trailer that has the hub's code.
  static let codeTrailer = "mfh-code"

  init(_ code: ErrorCode, _ message: String) {
    self.init(code: code.status, message: message, metadata: [RPCError.codeTrailer: "\(code.rawValue)"])
  }

  /// A reply of the hub that says no.
  init(_ reply: JSONDocument) {
    let root = JSONDocument.root
    let code = reply.member("code", of: root).flatMap { ErrorCode(rawValue: reply.string($0)) } ?? .internal
    self.init(code, reply.member("error", of: root).map(reply.string) ?? "the hub gave no reason")
    if let wait = reply.member("retry_after_ms", of: root).flatMap(reply.number) {
      metadata.addString("\(wait)", forKey: "mfh-retry-after-ms")
      // What gRPC's own retries look at.
      metadata.addString("\(wait)", forKey: "grpc-retry-pushback-ms")
    }
    if let floor = reply.member("floor", of: root).flatMap(reply.number) {
      metadata.addString("\(floor)", forKey: "mfh-floor")
    }
    if let current = reply.member("current", of: root), let revision = reply.uint64("revision", of: current) {
      metadata.addString("\(revision)", forKey: "mfh-current-revision")
    }
    if let index = reply.uint64("index", of: root) { metadata.addString("\(index)", forKey: "mfh-index") }
  }
}
