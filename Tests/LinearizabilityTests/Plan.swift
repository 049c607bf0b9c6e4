/// What one history is made of: everything that can be chosen follows from its seed.
import TestSupport

struct Plan: CustomStringConvertible {
  /// How the hub is ended and started again, and how often.
  enum Mode: String, CaseIterable {
    /// kill -9.
    case kills
    /// In good order, and kill -9 after it: it starts from a snapshot, and from the log behind it.
    case stops
    /// The hub lives on.
    case calm
    /// The weaker levels of durability; the hub lives on.
    case interval
    case none
  }

  let seed: UInt64
  let mode: Mode
  let operations: Int
  let clients: Int
  /// Connections of each client.
  let connections: Int
  /// Requests that a connection has under way.
  let depth: Int
  let keys: [String]
  /// After how many operations the hub is ended; killed, or else stopped.
  let ends: [(after: Int, isKill: Bool)]

  init(seed: UInt64, mode: Mode, operations: Int) {
    var random = SeededGenerator(seed: seed)
    self.seed = seed
    self.mode = mode
    self.operations = operations
    clients = .random(in: 3...8, using: &random)
    connections = mode == .calm ? .random(in: 2...3, using: &random) : .random(in: 1...2, using: &random)
    depth = [1, 2, 6].randomElement(using: &random) ?? 1
    keys = (0..<Int.random(in: 2...6, using: &random)).map { "k\($0)" }
    let count = Int.random(in: 2...4, using: &random)
    let places = (0..<count).map { _ in Int.random(in: 0..<operations, using: &random) }.sorted()
    switch mode {
    case .kills: ends = places.map { ($0, true) }
    case .stops: ends = places.enumerated().map { ($0.element, $0.offset % 2 == 1) }
    case .calm, .interval, .none: ends = []
    }
  }

  /// Flags of the hub.
  var options: [String] {
    switch mode {
    case .kills, .stops, .calm: []
    case .interval: ["--durability", "interval"]
    case .none: ["--durability", "none"]
    }
  }

  var description: String {
    "seed \(seed), \(mode.rawValue), \(operations) operations, \(clients) clients with \(connections) connections of "
      + "\(depth) requests under way, \(keys.count) keys"
  }
}
