/// Every setting by its path in the configuration file. CONTRACT: "mfh-server".
enum SettingName: String, CaseIterable, Sendable {
  case bind = "server.bind"
  case zmqPort = "server.zmq_port"
  case grpcPort = "server.grpc_port"
  case metricsPort = "server.metrics_port"
  case maxWorkers = "server.max_workers"

  case dataDirectory = "storage.data_dir"
  case durability = "storage.durability"
  case interval = "storage.interval_ms"
  case segmentBytes = "storage.segment_bytes"
  case retention = "storage.retention"
  case compression = "storage.compression"

  case bulkheadConcurrent = "resilience.bulkhead.max_concurrent"
  case bulkheadQueue = "resilience.bulkhead.max_queue_size"
  case agentRate = "resilience.agent.requests_per_second"
  case agentBurst = "resilience.agent.burst"
  case agentInFlight = "resilience.agent.max_in_flight"
  case breakerThreshold = "resilience.circuit_breaker.failure_threshold"
  case breakerReset = "resilience.circuit_breaker.reset_timeout"

  case allowAnonymous = "security.allow_anonymous"
  case apiKey = "security.api_key"
  case keyFile = "security.key_file"
  case curveKeyFile = "security.curve_key_file"
  case allowRoutingIDs = "security.allow_routing_ids"
  case headKeyFile = "security.head_key_file"
  case tlsCertificate = "security.tls.certificate"
  case tlsKey = "security.tls.key"
  case tlsClientCA = "security.tls.client_ca"

  case auditReads = "audit.reads"
  case auditReadsBytes = "audit.reads_max_bytes"

  case logLevel = "logging.level"
  case slowRequest = "logging.slow_request_ms"

  case keyBytes = "limits.key_bytes"
  case itemBytes = "limits.item_bytes"
  case requestBytes = "limits.request_bytes"
  case replyBytes = "limits.reply_bytes"
  case batchOperations = "limits.batch_operations"
  case batchGetKeys = "limits.batch_get_keys"
  case listLimit = "limits.list_limit"
  case inFlight = "limits.in_flight_per_connection"
}

/// The tree that the paths of the settings span.
enum SettingTree {
  /// Paths that hold other settings: sections and their groups.
  static let groups: Set<String> = {
    // A section without settings of its own in this version is still a section.
    var result: Set<String> = ["replication"]
    for name in SettingName.allCases {
      let parts = name.rawValue.split(separator: ".")
      for count in 1..<parts.count { result.insert(parts.prefix(count).joined(separator: ".")) }
    }
    return result
  }()

  /// The names that may stand directly inside `group` ("" for the file itself), in the order of the contract.
  static func members(of group: String) -> [String] {
    let prefix = group.isEmpty ? "" : group + "."
    var result: [String] = []
    for path in SettingName.allCases.map(\.rawValue) + ["replication"] where path.hasPrefix(prefix) {
      let member = String(path.dropFirst(prefix.count).prefix { $0 != "." })
      if !member.isEmpty, !result.contains(member) { result.append(member) }
    }
    return result
  }

  /// What later versions are going to read. Accepting it now would promise what is not there.
  private static let later = [
    "replication", "security.api_keys", "security.api_key_file", "security.curve", "security.namespaces",
    "security.roles", "storage.encryption",
  ]

  static func isLater(_ path: String) -> Bool { later.contains { path == $0 || path.hasPrefix($0 + ".") } }
}
