/// Flag, then environment, then file, then default: every pair of them, for every setting that has them all.
import Hub
import LogStore
import Logging
import Testing

@testable import Server

@Suite("Precedence")
struct PrecedenceTests {
  /// A setting that can be given in every way, with a value for each way.
  struct Case: CustomTestStringConvertible, Sendable {
    let name: SettingName
    let values: (flag: String, environment: String, file: String)
    let variable: String
    let set: @Sendable (inout ServerFlags, String) -> Void
    var testDescription: String { name.rawValue }
  }

  static let cases = [
    Case(name: .bind, values: ("127.0.0.4", "127.0.0.3", "127.0.0.2"), variable: "MFH_BIND") { $0.bind = $1 },
    Case(name: .zmqPort, values: ("4001", "4002", "4003"), variable: "MFH_ZMQ_PORT") { $0.zmqPort = $1 },
    Case(name: .grpcPort, values: ("4001", "auto", "0"), variable: "MFH_GRPC_PORT") { $0.grpcPort = $1 },
    Case(name: .metricsPort, values: ("0", "4002", "auto"), variable: "MFH_METRICS_PORT") { $0.metricsPort = $1 },
    Case(name: .dataDirectory, values: ("/a", "/b", "/c"), variable: "MFH_DATA_DIR") { $0.dataDirectory = $1 },
    Case(name: .durability, values: ("none", "interval", "none"), variable: "MFH_DURABILITY") { $0.durability = $1 },
    Case(name: .logLevel, values: ("trace", "error", "debug"), variable: "MFH_LOG_LEVEL") { $0.logLevel = $1 },
  ]

  @Test("The strongest of the ways in which a value is given wins, in all eight combinations", arguments: cases)
  func combinations(_ one: Case) throws {
    let workshop = try Workshop()
    for mask in 0..<8 {
      var flags = ServerFlags()
      var environment: [String: String] = [:]
      if mask & 1 != 0 {
        let parts = one.name.rawValue.split(separator: ".")
        flags.config = try workshop.file("# first\n\(parts[0]):\n  \(parts[1]): \(one.values.file)\n")
      }
      if mask & 2 != 0 { environment[one.variable] = one.values.environment }
      if mask & 4 != 0 { one.set(&flags, one.values.flag) }
      let entry = try workshop.load(flags, environment: environment).settings[one.name]
      let setting = Setting[one.name]
      switch mask {
      case 4...:
        #expect(entry.origin == .flag(try #require(setting.flag)))
        #expect(entry.value == (try value(one, one.values.flag)))
      case 2...:
        #expect(entry.origin == .environment(one.variable))
        #expect(entry.value == (try value(one, one.values.environment)))
      case 1:
        #expect(entry.origin == .file(path: workshop.directory + "/hub.yaml", line: 3))
        #expect(entry.value == (try value(one, one.values.file)))
      default:
        #expect(entry.origin == .builtIn)
        #expect(entry.value == setting.builtIn)
      }
    }
  }

  private func value(_ one: Case, _ text: String) throws -> SettingValue {
    try Setting[one.name].kind.value(of: ScalarText(text: text, form: .free))
  }

  @Test("The flag for the file wins over its variable")
  func fileOfFlag() throws {
    let workshop = try Workshop()
    var flags = ServerFlags()
    flags.config = try workshop.file("logging: {level: error}", name: "flag.yaml")
    let other = try workshop.file("logging: {level: trace}", name: "environment.yaml")
    let environment = ["MFH_CONFIG": other]
    #expect(try workshop.load(flags, environment: environment).configuration.logLevel == .error)
    flags.config = nil
    #expect(try workshop.load(flags, environment: environment).configuration.logLevel == .trace)
  }

  @Test("With nothing given, everything is as the contract says")
  func defaults() throws {
    let configuration = try Workshop().load(ServerFlags()).configuration
    #expect(configuration.server.bind == "127.0.0.1")
    #expect(configuration.server.zmqPort == .number(5713))
    #expect(configuration.server.grpcPort == .number(5714))
    #expect(configuration.server.metricsPort == .number(8080))
    #expect(configuration.storage.dataDirectory == "./mfh-data")
    #expect(configuration.storage.durability == .fsync)
    #expect(configuration.storage.intervalMilliseconds == 100)
    #expect(configuration.storage.segmentBytes == 64 << 20)
    #expect(configuration.resilience.bulkheadMaxConcurrent == 4_096)
    #expect(configuration.resilience.bulkheadMaxQueueSize == 16_384)
    #expect(configuration.resilience.breakerFailureThreshold == 5)
    #expect(configuration.resilience.breakerResetSeconds == 30)
    #expect(!configuration.security.allowAnonymous)
    #expect(configuration.security.apiKey == nil)
    #expect(configuration.logLevel == .info)
    #expect(configuration.limits.keyBytes == 1_024)
    #expect(configuration.limits.itemBytes == 1 << 20)
    #expect(configuration.limits.requestBytes == 4 << 20)
    #expect(configuration.limits.replyBytes == 8 << 20)
    #expect(configuration.limits.batchOperations == 1_024)
    #expect(configuration.limits.batchGetKeys == 1_024)
    #expect(configuration.limits.listLimit == 10_000)
    #expect(configuration.limits.inFlightPerConnection == 4_096)
  }
}
