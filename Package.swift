// swift-tools-version: 6.2
import PackageDescription

let swift: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
]
let spans = swift + [.enableExperimentalFeature("Lifetimes")]

let package = Package(
  name: "memory-fusion-hub",
  products: [
    .executable(name: "mfh-server", targets: ["mfh-server"]),
    .executable(name: "logstore-dump", targets: ["logstore-dump"]),
    .executable(name: "logstore-compact", targets: ["logstore-compact"]),
    .executable(name: "logstore-replay", targets: ["logstore-replay"]),
    .executable(name: "logstore-verify", targets: ["logstore-verify"]),
    .executable(name: "mfh", targets: ["mfh"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
    .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0", traits: []),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
    .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
    .package(url: "https://github.com/apple/swift-nio-extras", from: "1.33.0"),
    .package(url: "https://github.com/apple/swift-nio-http2.git", from: "1.46.0"),
    .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.0"),
    // Without their default traits these do without the full Foundation.
    .package(url: "https://github.com/apple/swift-protobuf", from: "1.39.0", traits: []),
    .package(url: "https://github.com/grpc/grpc-swift-2", from: "2.4.0"),
    .package(url: "https://github.com/grpc/grpc-swift-nio-transport", from: "2.9.0"),
    .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.0", traits: []),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.0"),
    .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
  ],
  targets: [
    .target(name: "CBlake2b"),
    .systemLibrary(name: "CLinux"),
    .systemLibrary(name: "CMalloc"),
    .systemLibrary(name: "CSodium"),
    .systemLibrary(name: "CXXHash"),
    .systemLibrary(name: "CZeroMQ"),
    .systemLibrary(name: "CZstd"),
    .target(name: "Programs", swiftSettings: swift),
    .target(name: "Bytes", swiftSettings: spans),
    .target(name: "Threads", dependencies: ["CLinux"], swiftSettings: spans),
    .target(name: "HistoryTree", dependencies: ["Bytes", "CBlake2b", "CSodium"], swiftSettings: spans),
    .target(
      name: "LogStore", dependencies: ["Bytes", "CXXHash", "CZstd", "HistoryTree", "Threads"], swiftSettings: spans),
    .testTarget(name: "HistoryTreeTests", dependencies: ["HistoryTree", "Bytes", "TestSupport"], swiftSettings: spans),
    .target(name: "Evidence", dependencies: ["Bytes", "HistoryTree", "LogStore", "Threads"], swiftSettings: spans),
    .testTarget(
      name: "EvidenceTests",
      dependencies: ["Evidence", "HistoryTree", "LogStore", "LogStoreTesting", "Bytes", "TestSupport", "Threads"],
      swiftSettings: spans),
    .target(name: "Access", dependencies: ["Bytes", "HistoryTree", "JSONText"], swiftSettings: spans),
    .testTarget(
      name: "AccessTests", dependencies: ["Access", "Bytes", "HistoryTree", "TestSupport"], swiftSettings: spans),
    .target(name: "KeyIndex", dependencies: ["Bytes"], path: "Sources/Index", swiftSettings: spans),
    .target(name: "JSONText", dependencies: ["Bytes"], swiftSettings: spans),
    .target(name: "Hub", dependencies: ["Bytes", "LogStore", "KeyIndex", "JSONText"], swiftSettings: spans),
    .target(name: "ZeroMQ", dependencies: ["Bytes", "CZeroMQ"], swiftSettings: spans),
    .target(
      name: "Server",
      dependencies: [
        "Access", "Bytes", "CMalloc", "Evidence", "HistoryTree", "Hub", "LogStore", "JSONText", "ZeroMQ", "Threads",
        "Programs", "Yams",
        .product(name: "Logging", package: "swift-log"),
      ], swiftSettings: spans),
    .target(
      name: "HubProtos", dependencies: [.product(name: "SwiftProtobuf", package: "swift-protobuf")],
      swiftSettings: swift),
    .target(
      name: "EdgeTLS",
      dependencies: [
        "Access", "Server",
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOSSL", package: "swift-nio-ssl"),
      ],
      swiftSettings: spans),
    // Bytes is there for scripts/seeded-bugs.
    .target(
      name: "EdgeLimits", dependencies: ["Bytes", .product(name: "NIOCore", package: "swift-nio")],
      swiftSettings: spans),
    .testTarget(
      name: "EdgeTests",
      dependencies: [
        "EdgeLimits", "GRPCEdge", "HTTPEdge", "TestSupport",
        .product(name: "HTTPTypes", package: "swift-http-types"),
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOEmbedded", package: "swift-nio"),
        .product(name: "NIOHPACK", package: "swift-nio-http2"),
        .product(name: "NIOHTTP2", package: "swift-nio-http2"),
        .product(name: "NIOHTTPTypes", package: "swift-nio-extras"),
      ], swiftSettings: spans),
    .target(
      name: "GRPCEdge",
      dependencies: [
        "Access", "Bytes", "EdgeLimits", "EdgeTLS", "Hub", "HubProtos", "JSONText", "Server", "Threads",
        .product(name: "GRPCCore", package: "grpc-swift-2"),
        .product(name: "GRPCNIOTransportHTTP2Posix", package: "grpc-swift-nio-transport"),
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOHPACK", package: "swift-nio-http2"),
        .product(name: "NIOHTTP2", package: "swift-nio-http2"),
        .product(name: "NIOPosix", package: "swift-nio"),
        .product(name: "NIOSSL", package: "swift-nio-ssl"),
        .product(name: "SwiftProtobuf", package: "swift-protobuf"),
      ], swiftSettings: spans),
    .target(
      name: "HTTPEdge",
      dependencies: [
        "Access", "EdgeLimits", "EdgeTLS", "Server",
        .product(name: "HTTPTypes", package: "swift-http-types"),
        .product(name: "HummingbirdCore", package: "hummingbird"),
        .product(name: "HummingbirdTLS", package: "hummingbird"),
        .product(name: "Logging", package: "swift-log"),
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOHTTPTypes", package: "swift-nio-extras"),
        .product(name: "NIOPosix", package: "swift-nio"),
        .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
      ], swiftSettings: spans),
    .executableTarget(
      name: "mfh-server",
      dependencies: [
        "GRPCEdge", "HTTPEdge", "Server", "Programs",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      path: "Sources/Tools/mfh-server", swiftSettings: spans),
    .target(name: "HubClient", dependencies: ["Access", "Bytes", "JSONText", "ZeroMQ"], swiftSettings: spans),
    .target(
      name: "ToolSupport",
      dependencies: ["Bytes", "Programs", .product(name: "ArgumentParser", package: "swift-argument-parser")],
      path: "Sources/Tools/ToolSupport", swiftSettings: spans),
    .executableTarget(
      name: "mfh",
      dependencies: [
        "Access", "Bytes", "Evidence", "HistoryTree", "Hub", "HubClient", "JSONText", "LogStore", "Programs",
        "StoreTools",
        "ToolSupport",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      path: "Sources/Tools/mfh", swiftSettings: spans),
    .target(
      name: "StoreTools",
      dependencies: [
        "Bytes", "Evidence", "LogStore", "Hub", "Programs",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      path: "Sources/Tools/StoreTools", swiftSettings: spans),
    .executableTarget(
      name: "logstore-replay",
      dependencies: [
        "Bytes", "LogStore", "Hub", "Programs", "StoreTools", "ToolSupport",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      path: "Sources/Tools/logstore-replay", swiftSettings: spans),
    .executableTarget(
      name: "logstore-verify",
      dependencies: [
        "Bytes", "Evidence", "HistoryTree", "LogStore", "Programs", "StoreTools", "ToolSupport",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      path: "Sources/Tools/logstore-verify", swiftSettings: spans),
    .executableTarget(
      name: "logstore-compact",
      dependencies: [
        "Bytes", "LogStore", "Programs", "ToolSupport",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      path: "Sources/Tools/logstore-compact", swiftSettings: spans),
    .testTarget(
      name: "CompactToolTests",
      dependencies: ["logstore-compact", "logstore-dump", "Bytes", "LogStore", "TestSupport"], swiftSettings: spans),
    .executableTarget(
      name: "logstore-dump",
      dependencies: [
        "Bytes", "LogStore", "Hub", "JSONText", "Programs", "StoreTools", "ToolSupport",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      path: "Sources/Tools/logstore-dump", swiftSettings: spans),
    .target(name: "TestSupport", path: "Tests/TestSupport", swiftSettings: spans),
    .testTarget(name: "KeyIndexTests", dependencies: ["KeyIndex", "Bytes", "TestSupport"], swiftSettings: spans),
    .target(name: "LogStoreTesting", dependencies: ["LogStore", "Bytes", "Threads"], swiftSettings: spans),
    .target(name: "HistoryChecker", swiftSettings: swift),
    .testTarget(
      name: "HistoryCheckerTests", dependencies: ["HistoryChecker", "TestSupport"], swiftSettings: swift),
    .testTarget(
      name: "LinearizabilityTests",
      dependencies: ["HistoryChecker", "mfh-server", "Bytes", "TestSupport", "Threads", "ZeroMQ"], swiftSettings: spans),
    .testTarget(
      name: "LogStoreTests", dependencies: ["LogStore", "LogStoreTesting", "Threads", "Bytes", "TestSupport"],
      swiftSettings: spans),
    .testTarget(name: "TidyTests", dependencies: ["Server"], swiftSettings: swift),
    .target(name: "JSONOracle", path: "Tests/JSONOracle"),
    .testTarget(
      name: "JSONTextTests", dependencies: ["JSONText", "Bytes", "JSONOracle", "TestSupport"], swiftSettings: spans),
    .testTarget(
      name: "HubTests",
      dependencies: [
        "Hub", "LogStore", "LogStoreTesting", "KeyIndex", "JSONText", "Bytes", "CXXHash", "Evidence", "HistoryTree",
        "StoreTools", "TestSupport",
      ],
      exclude: ["Fixtures"],
      swiftSettings: spans),
    .testTarget(name: "ZeroMQTests", dependencies: ["ZeroMQ", "Bytes", "Threads"], swiftSettings: spans),
    .testTarget(
      name: "ServerConfigurationTests",
      dependencies: [
        "Server", "HistoryTree", "Hub", "LogStore", "Bytes", .product(name: "Logging", package: "swift-log"),
      ],
      swiftSettings: spans),
    .testTarget(
      name: "ServerTests",
      dependencies: [
        "mfh-server", "Access", "Server", "Evidence", "HistoryTree", "Hub", "LogStore", "ZeroMQ", "Threads", "Bytes",
        "TestSupport",
        .product(name: "Logging", package: "swift-log"),
      ], swiftSettings: spans),
    .testTarget(
      name: "DumpToolTests",
      dependencies: [
        "logstore-dump", "Programs", "LogStore", "Hub", "Bytes", "TestSupport", "ToolSupport",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ], swiftSettings: spans),
    .testTarget(
      name: "ClientToolTests",
      dependencies: [
        "mfh", "mfh-server", "logstore-dump", "Bytes", "Evidence", "HistoryTree", "Hub", "HubClient", "Programs",
        "TestSupport", "Threads",
        "ToolSupport", "ZeroMQ",
      ],
      swiftSettings: spans),
    .target(name: "FuzzSupport", dependencies: ["Bytes"], path: "Fuzz/Support", swiftSettings: spans),
    .target(
      name: "FuzzText", dependencies: ["FuzzSupport", "Bytes", "JSONText", "HubClient"], path: "Fuzz/Text",
      swiftSettings: spans),
    .target(
      name: "FuzzLog", dependencies: ["FuzzSupport", "Bytes", "LogStore"], path: "Fuzz/Log", swiftSettings: spans),
    .target(
      name: "FuzzHub",
      dependencies: [
        "FuzzSupport", "FuzzLog", "FuzzText", "Bytes", "Hub", "KeyIndex", "JSONText", "LogStore", "Server",
        .product(name: "Logging", package: "swift-log"),
      ], path: "Fuzz/Hub", swiftSettings: spans),
    .testTarget(
      name: "FuzzCorpusTests", dependencies: ["FuzzSupport", "FuzzText", "FuzzLog", "FuzzHub", "Bytes"],
      swiftSettings: spans),
  ]
)

// The fuzzers themselves need libFuzzer, which only scripts/fuzz has linked: nobody else builds them.
if Context.environment["MFH_FUZZ"] != nil {
  let drivers = [
    "JSON": "FuzzText", "Reply": "FuzzText", "Record": "FuzzLog", "Manifest": "FuzzLog", "Segment": "FuzzLog",
    "Packed": "FuzzLog", "Snapshot": "FuzzHub", "Item": "FuzzHub", "Request": "FuzzHub",
  ]
  package.targets.append(.systemLibrary(name: "CFuzzer", path: "Fuzz/CFuzzer"))
  package.targets += drivers.map { name, module in
    .executableTarget(
      name: "fuzz-\(name.lowercased())", dependencies: ["CFuzzer", "FuzzSupport", .target(name: module)],
      path: "Fuzz/Drivers/\(name)", swiftSettings: swift)
  }
}
