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

  /// What a certificate's key stands for.
  package enum CertificateStanding: Sendable {
    case agent(Principal)
    case revoked
    /// It is not on the list: whom the authority has signed for may connect, and is nobody in particular.
    case unlisted
  }

  private let holders: [KeyID: Holder]
  private let byCurveKey: [CurvePublicKey: KeyID]
  private let certificates: [PublicKeyPin: CertificateStanding]
  package let tokenCount: Int
  package let certificateCount: Int

  package var curveKeyCount: Int { byCurveKey.count }

  /// - Parameter previous: the ring before it. Who has the same rights as there stays the same object.
  package init(_ entries: [KeyEntry], after previous: KeyRing? = nil) {
    var holders: [KeyID: Holder] = [:]
    var byCurveKey: [CurvePublicKey: KeyID] = [:]
    var certificates: [PublicKeyPin: CertificateStanding] = [:]
    var tokens = 0
    for entry in entries {
      // One that counts may stand before or behind a revoked one of the same certificate.
      if entry.revoked != nil, case .certificate(let pin) = entry.credential, certificates[pin] == nil {
        certificates[pin] = .revoked
      }
      guard entry.revoked == nil else { continue }
      var principal = entry.principal
      if let before = previous?.holders[entry.id]?.principal, let now = principal, before.hasSameRights(as: now) {
        principal = before
      }
      holders[entry.id] = Holder(credential: entry.credential, principal: principal)
      switch entry.credential {
      case .token: tokens += 1
      case .curve(let key): byCurveKey[key] = entry.id
      case .certificate(let pin): certificates[pin] = principal.map { .agent($0) }
      }
    }
    self.holders = holders
    self.byCurveKey = byCurveKey
    self.certificates = certificates
    tokenCount = tokens
    certificateCount = holders.count - tokens - byCurveKey.count
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

  package func standing(of certificate: PublicKeyPin) -> CertificateStanding { certificates[certificate] ?? .unlisted }

  /// Whether the principal is one of this ring's.
  package func has(_ principal: Principal) -> Bool {
    guard let id = principal.id else { return true }
    return self.principal(id) === principal
  }

  func principal(_ id: KeyID) -> Principal? { holders[id]?.principal }
}
