/// The keys of an encrypted connection (CURVE).
package import Access

package struct Encryption: Sendable {
  /// Who may read what is sent: a hub that has another key can not.
  package let hubKey: CurvePublicKey
  /// What this client shows the hub.
  package let ownKey: CurveKeyPair

  package init(hubKey: CurvePublicKey, ownKey: CurveKeyPair) {
    self.hubKey = hubKey
    self.ownKey = ownKey
  }
}
