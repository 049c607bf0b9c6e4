/// What the load consists of: which operations, and how many of a hundred requests each is.
internal import ArgumentParser

enum Operation: Int, CaseIterable {
  case get, put, delete, exists

  var name: StaticString {
    switch self {
    case .get: "get"
    case .put: "put"
    case .delete: "delete"
    case .exists: "exists"
    }
  }
}

/// Shares of operations; written as `get=70,put=30`.
struct Mix: ExpressibleByArgument, Equatable {
  /// By `Operation.rawValue`.
  private(set) var weights = [Int](repeating: 0, count: Operation.allCases.count)
  let total: Int

  init(_ only: Operation) {
    weights[only.rawValue] = 1
    total = 1
  }

  init?(argument: String) {
    for part in argument.split(separator: ",") {
      let sides = part.split(separator: "=", omittingEmptySubsequences: false)
      guard let operation = Operation.allCases.first(where: { "\($0.name)" == sides[0] }) else { return nil }
      guard sides.count == 2, let weight = Int(sides[1]), weight >= 0, weight <= 1_000_000 else { return nil }
      weights[operation.rawValue] = weight
    }
    let total = weights.reduce(0, +)
    guard total > 0 else { return nil }
    self.total = total
  }

  /// The operation that `place`, a number below `total`, falls on.
  func operation(at place: Int) -> Operation {
    var left = place
    for operation in Operation.allCases {
      if left < weights[operation.rawValue] { return operation }
      left -= weights[operation.rawValue]
    }
    preconditionFailure("a place is below the total")
  }

  var description: String {
    let parts = Operation.allCases.filter { weights[$0.rawValue] > 0 }
    if parts.count == 1 { return "\(parts[0].name)" }
    return parts.map { "\($0.name)=\(weights[$0.rawValue])" }.joined(separator: ",")
  }
}
