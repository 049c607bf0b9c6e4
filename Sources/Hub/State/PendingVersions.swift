/// The newest versions that are decided and not yet acknowledged. Writes are decided against these first; reads do not
/// see them.
package import LogStore

package struct PendingVersions {
  package struct Pending: Sendable {
    /// The commit that will make it durable.
    package var ticket: UInt64
    /// The revision of the newest event of the key.
    package var revision: Revision
    /// nil when that event removed the key.
    package var version: Version?
  }

  private var byKey: [KeyHash: Pending] = [:]

  package init() {}

  package var count: Int { byKey.count }

  package func newest(_ key: KeyHash) -> Pending? { byKey.isEmpty ? nil : byKey[key] }

  package mutating func set(_ key: KeyHash, _ pending: Pending) { byKey[key] = pending }

  /// The commit `ticket` is acknowledged: forgets the key's version, unless a newer one is under way.
  package mutating func settle(_ key: KeyHash, ticket: UInt64) {
    if let pending = byKey[key], pending.ticket <= ticket { byKey.removeValue(forKey: key) }
  }

  package mutating func removeAll() { byKey.removeAll() }
}
