/// The effective configuration of a hub: every value checked, units in the names.
package import Hub
package import LogStore
package import Logging

package struct ServerConfiguration: Sendable {
  package var server: Listeners
  package var storage: Storage
  package var resilience: Resilience
  package var security: Security
  package var audit: Audit
  package var logLevel: Logger.Level
  /// A request that takes as long is told of; 0: none is.
  package var slowRequestMilliseconds: Int
  package var limits: HubLimits

  package struct Listeners: Sendable {
    /// An IPv4 or IPv6 address in numbers, without brackets.
    package var bind: String
    package var zmqPort: ListenerPort
    package var grpcPort: ListenerPort
    package var metricsPort: ListenerPort
    /// Threads for what is not the request loop or the commit.
    package var maxWorkers: Int

    /// The address as it stands in front of a port: IPv6 in brackets.
    package var hostInURL: String { BindAddress.inURL(bind) }
  }

  package struct Storage: Sendable {
    /// As it was given: relative to the working directory.
    package var dataDirectory: String
    package var durability: Durability
    /// With `interval`: how long a commit may wait for its fsync.
    package var intervalMilliseconds: Int
    package var segmentBytes: Int
    package var retention: RetentionPolicy
    /// Sealed segments are packed with zstd.
    package var packsSegments: Bool
  }

  package struct Resilience: Sendable {
    /// Requests that are worked on at once.
    package var bulkheadMaxConcurrent: Int
    /// Requests that wait beyond those; more are answered `overloaded`.
    package var bulkheadMaxQueueSize: Int
    package var agentLimits: AgentLimitOptions
    /// Failures in a row that open the circuit breaker.
    package var breakerFailureThreshold: Int
    package var breakerResetSeconds: Int
  }

  package struct Security: Sendable {
    /// Whether a listener that others can reach may do without a key.
    package var allowAnonymous: Bool
    /// The one key that may everything; nil when there is none.
    package var apiKey: Secret?
    /// The file with the keys of clients, which `mfh keys` keeps; nil when there are none.
    package var keyFile: String?
    /// The file with the hub's own CURVE key, outside of the store; nil: ZeroMQ is not encrypted.
    package var curveKeyFile: String?
    /// Whether ZeroMQ clients may choose their routing ids.
    package var allowRoutingIDs: Bool
    /// The file with the key that signs heads, outside of the store; nil: heads are not signed.
    package var headKeyFile: String?
    /// For gRPC and HTTP; nil: they are in the clear.
    package var tls: TLSFiles?
  }
}

extension ServerConfiguration {
  package struct Audit: Sendable {
    /// Whether reads are recorded.
    package var reads: Bool
    /// What their records may take in all.
    package var readsMaxBytes: Int
  }

  init(_ settings: SettledSettings) {
    server = Listeners(
      bind: settings.text(.bind), zmqPort: settings.port(.zmqPort), grpcPort: settings.port(.grpcPort),
      metricsPort: settings.port(.metricsPort), maxWorkers: settings.integer(.maxWorkers))
    storage = Storage(
      dataDirectory: settings.text(.dataDirectory), durability: settings.durability,
      intervalMilliseconds: settings.integer(.interval), segmentBytes: settings.integer(.segmentBytes),
      retention: RetentionPolicy(settings.text(.retention)) ?? .forever,
      packsSegments: settings.text(.compression) == "zstd")
    resilience = Resilience(
      bulkheadMaxConcurrent: settings.integer(.bulkheadConcurrent),
      bulkheadMaxQueueSize: settings.integer(.bulkheadQueue),
      agentLimits: AgentLimitOptions(settings),
      breakerFailureThreshold: settings.integer(.breakerThreshold),
      breakerResetSeconds: settings.seconds(.breakerReset))
    security = Security(
      allowAnonymous: settings.boolean(.allowAnonymous), apiKey: settings.secret(.apiKey),
      keyFile: settings.optionalText(.keyFile), curveKeyFile: settings.optionalText(.curveKeyFile),
      allowRoutingIDs: settings.boolean(.allowRoutingIDs),
      headKeyFile: settings.optionalText(.headKeyFile))
    if let certificate = settings.optionalText(.tlsCertificate), let key = settings.optionalText(.tlsKey) {
      security.tls = TLSFiles(certificate: certificate, key: key, clientCA: settings.optionalText(.tlsClientCA))
    }
    audit = Audit(reads: settings.boolean(.auditReads), readsMaxBytes: settings.integer(.auditReadsBytes))
    logLevel = Logger.Level(rawValue: settings.text(.logLevel)) ?? .info
    slowRequestMilliseconds = settings.integer(.slowRequest)
    limits = HubLimits()
    limits.keyBytes = settings.integer(.keyBytes)
    limits.itemBytes = settings.integer(.itemBytes)
    limits.requestBytes = settings.integer(.requestBytes)
    limits.replyBytes = settings.integer(.replyBytes)
    limits.batchOperations = settings.integer(.batchOperations)
    limits.batchGetKeys = settings.integer(.batchGetKeys)
    limits.listLimit = settings.integer(.listLimit)
    limits.inFlightPerConnection = settings.integer(.inFlight)
  }
}

extension AgentLimitOptions {
  init(_ settings: SettledSettings) {
    requestsPerSecond = settings.integer(.agentRate)
    burst = settings.integer(.agentBurst)
    inFlight = settings.integer(.agentInFlight)
  }
}
