/// Which hub is loaded, and how it is reached.
internal import Access
internal import Programs
internal import ZeroMQ

struct LoadTarget {
  let endpoint: String
  let context: Context
  /// Nil: what is sent is not encrypted.
  var curve: (hub: CurvePublicKey, own: CurveKeyPair)?

  init(_ endpoint: String) throws(LoadError) {
    self.endpoint = endpoint
    do { context = try Context() } catch { throw LoadError(error) }
  }

  /// - Parameters:
  ///   - hubFile: the hub's public key, as mfh keys curve writes it.
  ///   - ownFile: both halves of this client's.
  mutating func encrypt(hubFile: String, ownFile: String) throws(LoadError) {
    guard let hub = CurveCertificate.publicKey(in: try TextFile.read(hubFile)) else {
      throw LoadError(.damaged, "\(hubFile): it holds no public key that mfh keys curve has made")
    }
    guard let own = CurveCertificate.pair(in: try TextFile.read(ownFile)) else {
      throw LoadError(.damaged, "\(ownFile): it holds no secret key that mfh keys curve has made")
    }
    curve = (hub, own)
  }
}
