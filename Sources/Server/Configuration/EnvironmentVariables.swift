/// The environment as a function, so that a test can bring its own.
internal import Glibc

package struct EnvironmentVariables: Sendable {
  private let lookUp: @Sendable (String) -> String?

  package init(_ values: [String: String]) { lookUp = { values[$0] } }

  private init(lookUp: @escaping @Sendable (String) -> String?) { self.lookUp = lookUp }

  /// The variables of this process.
  package static let process = EnvironmentVariables(lookUp: { name in
    guard let value = getenv(name) else { return nil }
    return String(cString: value)
  })

  subscript(name: String) -> String? { lookUp(name) }
}

/// What this machine is called.
enum HostName {
  static func current() -> String? {
    var name = [CChar](repeating: 0, count: 256)
    guard gethostname(&name, name.count - 1) == 0 else { return nil }
    return String(decoding: name.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
  }
}
