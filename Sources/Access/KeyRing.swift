/// The keys that count now, as requests look for them. It never changes: other keys are another ring.
internal import Bytes
internal import HistoryTree

package final class KeyRing: Sendable {
  /// What a key that counts stands for.
  package struct Holder: Sendable {
    let credential: KeyEntry.Credential
    /// Nil for a CURVE key that only lets a client connect.
    package let principal: Principal?
  }

  private let holders: [KeyID: Holder]
  private let byCurveKey: [CurvePublicKey: KeyID]
  package let tokenCount: Int

  package var curveKeyCount: Int { byCurveKey.count }

  /// - Parameter previous: the ring before it. Who has the same rights as there stays the same object.
  package init(_ entries: [KeyEntry], after previous: KeyRing? = nil) {
    var holders: [KeyID: Holder] = [:]
    var byCurveKey: [CurvePublicKey: KeyID] = [:]
    for entry in entries where entry.revoked == nil {
      var principal = entry.principal
      if let before = previous?.holders[entry.id]?.principal, let now = principal, before.hasSameRights(as: now) {
        principal = before
      }
      holders[entry.id] = Holder(credential: entry.credential, principal: principal)
      if case .curve(let key) = entry.credential { byCurveKey[key] = entry.id }
    }
    self.holders = holders
    self.byCurveKey = byCurveKey
    tokenCount = holders.count - byCurveKey.count
  }

  /// Whose API key this is; nil for nobody's.
  package func bearer(of token: RawSpan) -> Principal? {
    guard let id = AccessToken.id(of: token), let holder = holders[id], case .token(let digest) = holder.credential,
      Sodium.isEqual(digest, AccessToken.digest(token))
    else { return nil }
    return holder.principal
  }

  /// The id of the client with this CURVE key; nil when it is not on the list.
  package func id(of key: CurvePublicKey) -> KeyID? { byCurveKey[key] }

  /// What the CURVE key of that id stands for; nil when it counts no more.
  package func curveHolder(_ id: KeyID) -> Holder? {
    guard let holder = holders[id], case .curve = holder.credential else { return nil }
    return holder
  }

  /// Whether the principal is one of this ring's.
  package func has(_ principal: Principal) -> Bool {
    guard let id = principal.id else { return true }
    return self.principal(id) === principal
  }

  func principal(_ id: KeyID) -> Principal? { holders[id]?.principal }
}
