/// What a configuration file may say, and how it is understood.
import Hub
import LogStore
import Logging
import HistoryTree
import Testing

@testable import Server

@Suite("Configuration files")
struct ConfigurationFileTests {
  private static let everything = """
    server:
      bind: 127.0.0.2
      zmq_port: 0
      grpc_port: auto
      metrics_port: 9100
      max_workers: 8
    storage:
      data_dir: "/srv/mfh data"
      durability: interval
      interval_ms: 250
      segment_bytes: 16 MiB
      retention: forever
      compression: none
    replication: {}
    resilience:
      bulkhead:
        max_concurrent: 10
        max_queue_size: 20
      agent:
        requests_per_second: 30
        burst: 40
        max_in_flight: 50
      circuit_breaker:
        failure_threshold: 3
        reset_timeout: 2m
    security:
      allow_anonymous: true
      api_key: open-sesame
      head_key_file: /etc/mfh/head.key
      key_file: /etc/mfh/keys
      curve_key_file: /etc/mfh/hub.curve
      allow_routing_ids: false
      tls:
        certificate: /etc/mfh/hub.crt
        key: /etc/mfh/hub.key
        client_ca: /etc/mfh/agents.pem
    audit:
      reads: true
      reads_max_bytes: 2 GiB
    logging:
      level: warning
      slow_request_ms: 250
    limits:
      key_bytes: 512
      item_bytes: 65536
      request_bytes: 1MiB
      reply_bytes: 2 MiB
      batch_operations: 11
      batch_get_keys: 12
      list_limit: 13
      in_flight_per_connection: 14
    """

  @Test("Every setting can be given in the file, and arrives in its place")
  func complete() throws {
    let configuration = try Workshop().load(Self.everything).configuration
    #expect(configuration.server.bind == "127.0.0.2")
    #expect(configuration.server.zmqPort == .off)
    #expect(configuration.server.grpcPort == .automatic)
    #expect(configuration.server.metricsPort == .number(9100))
    #expect(configuration.server.maxWorkers == 8)
    #expect(configuration.storage.dataDirectory == "/srv/mfh data")
    #expect(configuration.storage.durability == .interval)
    #expect(configuration.storage.intervalMilliseconds == 250)
    #expect(configuration.storage.segmentBytes == 16 << 20)
    #expect(configuration.resilience.bulkheadMaxConcurrent == 10)
    #expect(configuration.resilience.bulkheadMaxQueueSize == 20)
    #expect(configuration.resilience.breakerFailureThreshold == 3)
    #expect(configuration.resilience.breakerResetSeconds == 120)
    #expect(configuration.security.allowAnonymous)
    #expect(configuration.security.headKeyFile == "/etc/mfh/head.key")
    #expect(
      configuration.security.tls
        == TLSFiles(
          certificate: "/etc/mfh/hub.crt", key: "/etc/mfh/hub.key", clientCA: "/etc/mfh/agents.pem"))
    #expect(configuration.audit.reads)
    #expect(configuration.audit.readsMaxBytes == 2 << 30)
    #expect(configuration.logLevel == .warning)
    #expect(configuration.limits.keyBytes == 512)
    #expect(configuration.limits.itemBytes == 65_536)
    #expect(configuration.limits.requestBytes == 1 << 20)
    #expect(configuration.limits.replyBytes == 2 << 20)
    #expect(configuration.limits.batchOperations == 11)
    #expect(configuration.limits.batchGetKeys == 12)
    #expect(configuration.limits.listLimit == 13)
    #expect(configuration.limits.inFlightPerConnection == 14)
    let key = try #require(configuration.security.apiKey)
    #expect(key.digest == Secret("open-sesame").digest)
    var agents = AgentLimitOptions()
    (agents.requestsPerSecond, agents.burst, agents.inFlight) = (30, 40, 50)
    #expect(configuration.resilience.agentLimits == agents)
    #expect(configuration.security.keyFile == "/etc/mfh/keys")
    #expect(configuration.security.curveKeyFile == "/etc/mfh/hub.curve")
    #expect(!configuration.security.allowRoutingIDs)
  }

  @Test("A file that gives every setting leaves none at its default")
  func completeness() throws {
    let settings = try Workshop().load(Self.everything).settings
    for name in SettingName.allCases { #expect(settings[name].origin != .builtIn, "\(name.rawValue)") }
  }

  @Test(
    "A file without settings changes nothing", arguments: ["", "\n", "# a comment\n", "---\n", "~", "{}", "server:\n"])
  func empty(text: String) throws {
    #expect(try Workshop().load(text).configuration.server.zmqPort == .number(5713))
  }

  @Test("The host's own file is merged over the file beside it, setting by setting")
  func hostOverride() throws {
    let workshop = try Workshop()
    var flags = ServerFlags()
    flags.config = try workshop.file("server: {zmq_port: 4001, grpc_port: 4002}\n")
    try workshop.file("\nserver:\n  grpc_port: 4003\n", name: "hub-7.yaml")
    try workshop.file("server: {zmq_port: 1}\n", name: "hub-8.yaml")
    let effective = try workshop.load(flags, hostName: "hub-7")
    #expect(effective.configuration.server.zmqPort == .number(4001))
    #expect(effective.configuration.server.grpcPort == .number(4003))
    #expect(effective.settings[.grpcPort].origin == .file(path: workshop.directory + "/hub-7.yaml", line: 3))
    #expect(try workshop.load(flags, hostName: "hub-9").configuration.server.grpcPort == .number(4002))
  }

  @Test("An error in the host's own file names that file")
  func hostOverrideError() throws {
    let workshop = try Workshop()
    var flags = ServerFlags()
    flags.config = try workshop.file("")
    try workshop.file("server:\n  zmq_port: x\n", name: "hub-7.yaml")
    let error = try workshop.error { try workshop.load(flags, hostName: "hub-7") }
    #expect(error.message.hasPrefix("hub-7.yaml:2: server.zmq_port: "))
  }

  @Test(
    "A host name that would lead out of the directory is not followed", arguments: ["../hub", "a/b", "..", "", "."])
  func hostileHostName(name: String) throws {
    let workshop = try Workshop()
    var flags = ServerFlags()
    flags.config = try workshop.file("logging: {level: error}")
    #expect(try workshop.load(flags, hostName: name).configuration.logLevel == .error)
  }

  @Test("A file named after the host is not merged over itself")
  func hostFileItself() throws {
    let workshop = try Workshop()
    var flags = ServerFlags()
    flags.config = try workshop.file("logging: {level: error}", name: "hub-7.yaml")
    #expect(try workshop.load(flags, hostName: "hub-7").configuration.logLevel == .error)
  }

  @Test(
    "Sizes and times may carry their unit",
    arguments: [
      ("segment_bytes: 33554432", 32 << 20), ("segment_bytes: 32MiB", 32 << 20), ("segment_bytes: 32768 KiB", 32 << 20),
      ("segment_bytes: 33_554_432", 32 << 20), ("segment_bytes: \"32 MiB\"", 32 << 20),
    ])
  func units(line: String, bytes: Int) throws {
    #expect(try Workshop().load("storage:\n  \(line)\n").configuration.storage.segmentBytes == bytes)
  }

  @Test(
    "The smallest and the largest value of every range are accepted",
    arguments: [
      "server: {max_workers: 1}", "server: {max_workers: 256}", "server: {zmq_port: 1}", "server: {zmq_port: 65535}",
      "storage: {interval_ms: 1}", "storage: {interval_ms: 60000}", "storage: {segment_bytes: 16777216}",
      "storage: {segment_bytes: 125829120}", "limits: {key_bytes: 1}", "limits: {request_bytes: 8388608}",
    ])
  func edges(text: String) throws {
    #expect(throws: Never.self) { try Workshop().load(text) }
  }

  @Test(
    "Addresses are understood in every usual form",
    arguments: [
      ("localhost", "127.0.0.1", "127.0.0.1"), ("'[::1]'", "::1", "[::1]"), ("'::1'", "::1", "[::1]"),
      ("127.8.9.1", "127.8.9.1", "127.8.9.1"), ("'::ffff:127.0.0.1'", "::ffff:127.0.0.1", "[::ffff:127.0.0.1]"),
    ])
  func addresses(given: String, bind: String, host: String) throws {
    let listeners = try Workshop().load("server: {bind: \(given)}").configuration.server
    #expect(listeners.bind == bind)
    #expect(listeners.hostInURL == host)
  }
}
