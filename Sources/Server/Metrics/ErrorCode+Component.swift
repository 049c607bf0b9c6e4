/// Which part of the hub an error comes from: the label `component` of `mfh_errors_total`.
internal import Hub

extension ErrorCode {
  var component: String {
    switch self {
    case .invalidJSON, .invalidRequest, .unknownAction, .invalidItem, .tooLarge: "protocol"
    case .conflict: "hub"
    case .unauthorized, .forbidden: "security"
    case .overloaded: "bulkhead"
    case .readOnly, .storageError, .revisionCompacted, .redacted: "log"
    case .notPrimary, .lagging: "replication"
    case .shuttingDown, .internal: "service"
    }
  }
}
