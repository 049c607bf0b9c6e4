/// The newest versions that are decided and not yet acknowledged. Writes are decided against these first; reads do not
/// see them.
internal import Bytes
package import LogStore

package struct PendingVersions {
  package struct Pending: Sendable {
    /// The commit that will make it durable.
    package var ticket: UInt64
    /// The revision of the newest event of the key.
    package var revision: Revision
    /// How that event links to earlier ones.
    package var link = ChainLink()
    /// nil when that event removed the key.
    package var version: Version?
  }

  private var byKey: [KeyHash: Pending] = [:]
  /// The keys of versions that expire, in order of their commits: a key may come due before it is acknowledged.
  private var expiring: [(ticket: UInt64, key: [UInt8])] = []

  package init() {}

  package var count: Int { byKey.count }

  package func newest(_ key: KeyHash) -> Pending? { byKey.isEmpty ? nil : byKey[key] }

  package mutating func set(_ hash: KeyHash, _ key: RawSpan, _ pending: Pending) {
    byKey[hash] = pending
    if let version = pending.version, version.expiry != 0 { expiring.append((pending.ticket, key.array())) }
  }

  /// The keys of pending versions that expire; some may come twice, and some may be gone again.
  var expiringKeys: [[UInt8]] { expiring.map(\.key) }

  /// The commit `ticket` is acknowledged: forgets the key's version, unless a newer one is under way.
  package mutating func settle(_ key: KeyHash, ticket: UInt64) {
    if let pending = byKey[key], pending.ticket <= ticket { byKey.removeValue(forKey: key) }
  }

  /// All commits up to `ticket` are acknowledged.
  package mutating func settle(through ticket: UInt64) {
    guard let first = expiring.first, first.ticket <= ticket else { return }
    let left = expiring.firstIndex { $0.ticket > ticket } ?? expiring.count
    expiring.removeFirst(left)
  }
}
