/// Who asks, as far as that was shown, and what he may do. Made when keys are read, shared by all requests of one.
internal import Bytes

package final class Principal: Sendable {
  /// The key that showed it; nil for the hub's one key.
  package let id: KeyID?
  /// The name that the log has for what it does; nil: it may call itself what it likes.
  package let agent: [UInt8]?
  package let permissions: [Permission]

  package init(id: KeyID?, agent: [UInt8]?, permissions: [Permission]) {
    self.id = id
    self.agent = agent
    self.permissions = permissions
  }

  /// The bearer of the hub's one key: everything, under any name.
  package static func unlimited() -> Principal {
    Principal(id: nil, agent: nil, permissions: [Permission(all: .all)])
  }

  package func may(_ operation: Operations, _ name: RawSpan) -> Bool {
    for permission in permissions where permission.opens(name, for: operation) { return true }
    return false
  }

  /// Whether it may do this to all names, those that do not exist yet among them.
  package func mayEverywhere(_ operation: Operations) -> Bool {
    permissions.contains { $0.prefix.isEmpty && $0.operations.isSuperset(of: operation) }
  }

  /// Which part of the names that begin with a prefix may be seen.
  package enum Scope: Equatable, Sendable {
    case all
    /// Those that begin with one of these, which are in byte order and do not overlap. There is at least one.
    case within([[UInt8]])
    case nothing
  }

  package func scope(of operation: Operations, under prefix: RawSpan) -> Scope {
    var parts: [[UInt8]] = []
    for permission in permissions where permission.operations.isSuperset(of: operation) {
      let own = permission.prefix
      if prefix.hasPrefix(own.span.bytes) { return .all }
      if own.span.bytes.hasPrefix(prefix) { parts.append(own) }
    }
    return parts.isEmpty ? .nothing : .within(Principal.withoutOverlaps(parts))
  }

  private static func withoutOverlaps(_ parts: [[UInt8]]) -> [[UInt8]] {
    var result: [[UInt8]] = []
    // In byte order a prefix stands before all that begins with it.
    for part in parts.sorted(by: { $0.lexicographicallyPrecedes($1) }) {
      if let last = result.last, part.starts(with: last) { continue }
      result.append(part)
    }
    return result
  }

  package func hasSameRights(as other: Principal) -> Bool {
    id == other.id && agent == other.agent && permissions == other.permissions
  }
}
