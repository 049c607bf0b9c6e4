/// What each setting accepts, what it is when nobody says anything, and which flag and variable set it.
internal import Hub
internal import LogStore
internal import Logging

struct Setting: Sendable {
  let name: SettingName
  let kind: SettingKind
  /// nil when the setting has no value unless one is given.
  let builtIn: SettingValue?
  /// The flag with its dashes.
  var flag: String?
  var variable: String?

  private init(
    _ name: SettingName, _ kind: SettingKind, _ builtIn: SettingValue?, flag: String? = nil, variable: String? = nil
  ) {
    self.name = name
    self.kind = kind
    self.builtIn = builtIn
    self.flag = flag
    self.variable = variable
  }

  static subscript(name: SettingName) -> Setting {
    guard let setting = byName[name] else { preconditionFailure("\(name.rawValue) is not in the table") }
    return setting
  }

  private static let byName = Dictionary(uniqueKeysWithValues: all.map { ($0.name, $0) })

  /// In the order in which `--check-config` prints them.
  static let all: [Setting] = server + storage + resilience + security + audit + logging + limits

  private static let server = [
    Setting(.bind, .address, .text("127.0.0.1"), flag: "--bind", variable: "MFH_BIND"),
    Setting(.zmqPort, .port, .port(.number(5713)), flag: "--zmq-port", variable: "MFH_ZMQ_PORT"),
    Setting(.grpcPort, .port, .port(.number(5714)), flag: "--grpc-port", variable: "MFH_GRPC_PORT"),
    Setting(.metricsPort, .port, .port(.number(8080)), flag: "--metrics-port", variable: "MFH_METRICS_PORT"),
    Setting(.maxWorkers, .integer(1...256), .integer(4)),
  ]

  private static let storage = [
    Setting(.dataDirectory, .path, .text("./mfh-data"), flag: "--data-dir", variable: "MFH_DATA_DIR"),
    Setting(
      .durability, .choice(Durability.allCases.map(\.name), later: ["replicated"]), .text(Durability.fsync.name),
      flag: "--durability", variable: "MFH_DURABILITY"),
    Setting(.interval, .integer(1...60_000), .integer(LogOptions().intervalMilliseconds)),
    // A recovery may have to copy nearly all of a segment into a new one, which the index must still be able to name.
    Setting(.segmentBytes, .bytes(16 << 20...120 << 20), .integer(LogOptions().segmentBytes)),
    Setting(.retention, .retention, .text("forever")),
    Setting(.compression, .choice(["zstd", "none"], later: []), .text("zstd")),
  ]

  private static let resilience = [
    Setting(.bulkheadConcurrent, .integer(1...1_000_000), .integer(4_096)),
    Setting(.bulkheadQueue, .integer(1...1_000_000), .integer(16_384)),
    Setting(.agentRate, .integer(0...1_000_000), .integer(AgentLimitOptions().requestsPerSecond)),
    Setting(.agentBurst, .integer(1...1_000_000), .integer(AgentLimitOptions().burst)),
    Setting(.agentInFlight, .integer(0...1_000_000), .integer(AgentLimitOptions().inFlight)),
    Setting(.breakerThreshold, .integer(1...1_000_000), .integer(5)),
    Setting(.breakerReset, .seconds(1...86_400), .seconds(30)),
  ]

  private static let security = [
    Setting(.allowAnonymous, .boolean, .boolean(false)),
    Setting(.apiKey, .secret, nil, variable: "MFH_API_KEY"),
    Setting(.keyFile, .path, nil, variable: "MFH_KEY_FILE"),
    Setting(.curveKeyFile, .path, nil, variable: "MFH_CURVE_KEY_FILE"),
    Setting(.allowRoutingIDs, .boolean, .boolean(true)),
    Setting(.headKeyFile, .path, nil, variable: "MFH_HEAD_KEY_FILE"),
    Setting(.tlsCertificate, .path, nil, variable: "MFH_TLS_CERTIFICATE"),
    Setting(.tlsKey, .path, nil, variable: "MFH_TLS_KEY"),
    Setting(.tlsClientCA, .path, nil, variable: "MFH_TLS_CLIENT_CA"),
  ]

  private static let audit = [
    Setting(.auditReads, .boolean, .boolean(false), variable: "MFH_AUDIT_READS"),
    Setting(.auditReadsBytes, .bytes(1 << 20...1 << 40), .integer(ReadAuditOptions().bytesMax)),
  ]

  private static let logging = [
    Setting(
      .logLevel, .choice(Logger.Level.allCases.map(\.rawValue), later: []), .text(Logger.Level.info.rawValue),
      flag: "--log-level", variable: "MFH_LOG_LEVEL"),
    Setting(.slowRequest, .integer(0...3_600_000), .integer(1_000)),
  ]

  private static let limits = {
    let builtIn = HubLimits()
    return [
      Setting(.keyBytes, .bytes(HubLimits.keyBytesRange), .integer(builtIn.keyBytes)),
      Setting(.itemBytes, .bytes(HubLimits.itemBytesRange), .integer(builtIn.itemBytes)),
      Setting(.requestBytes, .bytes(4_096...8 << 20), .integer(builtIn.requestBytes)),
      Setting(.replyBytes, .bytes(65_536...64 << 20), .integer(builtIn.replyBytes)),
      Setting(.batchOperations, .integer(1...16_384), .integer(builtIn.batchOperations)),
      Setting(.batchGetKeys, .integer(1...16_384), .integer(builtIn.batchGetKeys)),
      Setting(.listLimit, .integer(1...100_000), .integer(builtIn.listLimit)),
      Setting(.inFlight, .integer(1...65_536), .integer(builtIn.inFlightPerConnection)),
    ]
  }()
}
