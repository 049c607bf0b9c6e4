/// The standard rows: what the project's figures are made of.

enum Suite {
  private static let shapes: [(connections: Int, inFlight: Int)] = [(1, 1), (64, 1), (8, 32)]

  /// get and put, each by one client, by many, and by few that do not wait for each reply.
  static func loads(_ length: Load.Length) -> [Load] {
    [Operation.get, .put].flatMap { operation in
      shapes.map { shape in
        Load(
          name: "\(operation.name) \(shape.connections) x \(shape.inFlight)", mix: Mix(operation),
          connections: shape.connections, inFlight: shape.inFlight, length: length)
      }
    }
  }
}
