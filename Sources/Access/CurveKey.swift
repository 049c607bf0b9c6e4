/// Keys of CURVE, the encryption of ZeroMQ: 32 bytes, written as 40 characters of Z85 (https://rfc.zeromq.org/spec/32).
internal import Bytes
internal import HistoryTree

/// The half that may be known to everybody.
package struct CurvePublicKey: Hashable, Sendable, CustomStringConvertible {
  private let bytes: Digest

  package static let byteCount = Digest.bytes

  /// The key whose bytes these are; nil when they are not 32.
  package init?(_ span: RawSpan) {
    guard span.byteCount == Digest.bytes else { return nil }
    bytes = Digest(span)
  }

  package init?(_ text: String) {
    guard let bytes = Z85.bytes(text) else { return nil }
    self.init(bytes.span.bytes)
  }

  package var description: String { Z85.text(bytes.array) }
}

/// Both halves. Nothing that prints or reflects it shows the secret one.
package struct CurveKeyPair: Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
  package let publicKey: CurvePublicKey
  /// As libzmq wants it.
  package let secretText: String

  package static func random() -> CurveKeyPair {
    let secret = Sodium.random(CurvePublicKey.byteCount)
    guard let pair = CurveKeyPair(secretText: Z85.text(secret)) else { preconditionFailure("32 bytes are a key") }
    return pair
  }

  /// The pair of a secret key; nil when the text is not one.
  package init?(secretText: String) {
    guard let secret = Z85.bytes(secretText), secret.count == CurvePublicKey.byteCount,
      let publicKey = CurvePublicKey(Sodium.curvePublicKey(ofSecret: secret).span.bytes)
    else { return nil }
    self.publicKey = publicKey
    self.secretText = secretText
  }

  package var description: String { publicKey.description }
  package var debugDescription: String { description }
  package var customMirror: Mirror { Mirror(self, children: []) }
}

/// The files in which CURVE keys are kept. CZMQ and pyzmq (`zmq.auth.load_certificate`) read the same.
package enum CurveCertificate {
  package static func publicText(_ key: CurvePublicKey) -> String {
    """
    #   A CURVE public key of Memory Fusion Hub. It may be given to everybody.

    metadata
    curve
        public-key = "\(key)"

    """
  }

  package static func secretText(_ pair: CurveKeyPair) -> String {
    """
    #   A CURVE secret key of Memory Fusion Hub. Nobody else may read it.

    metadata
    curve
        public-key = "\(pair.publicKey)"
        secret-key = "\(pair.secretText)"

    """
  }

  /// The public key that a file tells; nil when it tells none.
  package static func publicKey(in text: String) -> CurvePublicKey? {
    value(of: "public-key", in: text).flatMap { CurvePublicKey($0) }
  }

  /// The pair that a file holds; nil when it holds none, or two halves that do not belong together.
  package static func pair(in text: String) -> CurveKeyPair? {
    guard let pair = value(of: "secret-key", in: text).flatMap({ CurveKeyPair(secretText: $0) }) else { return nil }
    if let told = value(of: "public-key", in: text), told != pair.publicKey.description { return nil }
    return pair
  }

  private static func value(of name: String, in text: String) -> String? {
    for line in text.split(whereSeparator: \.isNewline) {
      let words = line.drop { $0 == " " || $0 == "\t" }
      guard words.hasPrefix(name) else { continue }
      let rest = words.dropFirst(name.count).drop { $0 == " " || $0 == "\t" }
      guard rest.first == "=" else { continue }
      let value = rest.dropFirst().drop { $0 == " " || $0 == "\t" }
      // The keys' own alphabet has no quotes.
      guard value.first == "\"", let end = value.dropFirst().firstIndex(of: "\"") else { return nil }
      return String(value[value.index(after: value.startIndex)..<end])
    }
    return nil
  }
}
