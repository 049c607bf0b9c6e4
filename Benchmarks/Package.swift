// swift-tools-version: 6.2
// A package of its own, so that building and testing the hub needs nothing of what only measuring needs. Why it
// compiles the hub's modules through the link `MainSources`: docs/decisions/0008-benchmarks-package.md.
import PackageDescription

let swift: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableExperimentalFeature("Lifetimes"),
]

let package = Package(
  name: "memory-fusion-hub-benchmarks",
  products: [
    .executable(name: "mfh-bench", targets: ["mfh-bench"]),
    .executable(name: "index-bench", targets: ["index-bench"]),
    .executable(name: "zmq-echo", targets: ["zmq-echo"]),
    .executable(name: "key-timing", targets: ["key-timing"]),
  ],
  dependencies: [
    .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift", from: "0.2.0"),
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
  ],
  targets: [
    .systemLibrary(name: "CZeroMQ", path: "MainSources/CZeroMQ"),
    .target(name: "Bytes", path: "MainSources/Bytes", swiftSettings: swift),
    .target(name: "KeyIndex", dependencies: ["Bytes"], path: "MainSources/Index", swiftSettings: swift),
    .target(name: "JSONText", dependencies: ["Bytes"], path: "MainSources/JSONText", swiftSettings: swift),
    .target(name: "Programs", path: "MainSources/Programs", swiftSettings: swift),
    .target(name: "ZeroMQ", dependencies: ["Bytes", "CZeroMQ"], path: "MainSources/ZeroMQ", swiftSettings: swift),
    .systemLibrary(name: "CSodium", path: "MainSources/CSodium"),
    .target(name: "CBlake2b", path: "MainSources/CBlake2b"),
    .target(
      name: "HistoryTree", dependencies: ["Bytes", "CBlake2b", "CSodium"], path: "MainSources/HistoryTree",
      swiftSettings: swift),
    .target(
      name: "Access", dependencies: ["Bytes", "HistoryTree", "JSONText"], path: "MainSources/Access",
      swiftSettings: swift),
    .executableTarget(
      name: "key-timing", dependencies: ["Access", "BenchSupport", "Bytes", "HistoryTree"], swiftSettings: swift),
    .systemLibrary(name: "CLinux", path: "MainSources/CLinux"),
    .systemLibrary(name: "CXXHash", path: "MainSources/CXXHash"),
    .systemLibrary(name: "CZstd", path: "MainSources/CZstd"),
    .target(name: "Threads", dependencies: ["CLinux"], path: "MainSources/Threads", swiftSettings: swift),
    .target(
      name: "LogStore", dependencies: ["Bytes", "CXXHash", "CZstd", "HistoryTree", "Threads"],
      path: "MainSources/LogStore", swiftSettings: swift),
    .target(
      name: "Hub", dependencies: ["Bytes", "LogStore", "KeyIndex", "JSONText"], path: "MainSources/Hub",
      swiftSettings: swift),
    .executableTarget(
      name: "read-bench", dependencies: ["BenchSupport", "Bytes", "Hub", "LogStore"], swiftSettings: swift),
    .systemLibrary(name: "CEpoll"),
    .target(name: "BenchSupport", swiftSettings: swift),
    .executableTarget(
      name: "index-bench", dependencies: ["BenchSupport", "Bytes", "KeyIndex"], swiftSettings: swift),
    .executableTarget(
      name: "mfh-bench",
      dependencies: [
        "Access", "BenchSupport", "Bytes", "CEpoll", "JSONText", "Programs", "ZeroMQ",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "Histogram", package: "hdrhistogram-swift"),
      ], swiftSettings: swift),
    .executableTarget(name: "zmq-echo", linkerSettings: [.linkedLibrary("zmq")]),
  ]
)
