/// What is kept of a TLS client's key: the SHA-256 of the public key as certificates hold it (RFC 5280,
/// SubjectPublicKeyInfo). A renewed certificate for the same key is the same client; RFC 7469 pins keys this way.
internal import Bytes
internal import HistoryTree

package struct PublicKeyPin: Hashable, Sendable, CustomStringConvertible {
  private let digest: Digest

  /// - Parameter publicKey: a SubjectPublicKeyInfo in DER.
  private init(publicKey: RawSpan) { digest = Digest(Sodium.sha256(publicKey.array()).span.bytes) }

  /// The pin of a certificate's key; nil for what is no certificate.
  package init?(certificate: RawSpan) {
    guard let key = PublicKeyPin.publicKey(of: certificate) else { return nil }
    self.init(publicKey: certificate.extracting(key))
  }

  package init?(_ text: String) {
    guard let digest = Digest(base64: text) else { return nil }
    self.digest = digest
  }

  package var description: String { digest.base64 }

  /// The pin of a PEM file's first certificate, which is the client's own, or of its bare public key; nil for neither.
  package init?(pem text: String) {
    if let certificate = PublicKeyPin.block("CERTIFICATE", in: text) {
      self.init(certificate: certificate.span.bytes)
    } else if let key = PublicKeyPin.block("PUBLIC KEY", in: text), PublicKeyPin.isPublicKey(key.span.bytes) {
      self.init(publicKey: key.span.bytes)
    } else {
      return nil
    }
  }

  // MARK: PEM and DER

  /// RFC 7468.
  private static func block(_ label: String, in text: String) -> [UInt8]? {
    var letters: String?
    for line in text.split(whereSeparator: \.isNewline) {
      if line == "-----BEGIN \(label)-----" {
        letters = ""
      } else if line == "-----END \(label)-----", let letters {
        return Base64.bytes(letters)
      } else if letters != nil {
        letters? += line.filter { !$0.isWhitespace }
      }
    }
    return nil
  }

  /// Where a certificate has its public key.
  private static func publicKey(of certificate: RawSpan) -> Range<Int>? {
    guard let whole = DERValue(certificate, .sequence), whole.range.upperBound == certificate.byteCount,
      let signed = DERValue(certificate, .sequence, in: whole.contents)
    else { return nil }
    var rest = signed.contents
    // A first certificate has no version: X.509 v1.
    if let version = DERValue(certificate, .version, in: rest) { rest = version.after(in: rest) }
    for tag in [DERTag.integer, .sequence, .sequence, .sequence, .sequence] {
      // Serial number, algorithm, issuer, validity, subject.
      guard let field = DERValue(certificate, tag, in: rest) else { return nil }
      rest = field.after(in: rest)
    }
    guard let key = DERValue(certificate, .sequence, in: rest), isPublicKey(certificate.extracting(key.range)) else {
      return nil
    }
    return key.range
  }

  /// An algorithm and the key's bits.
  private static func isPublicKey(_ bytes: RawSpan) -> Bool {
    guard let whole = DERValue(bytes, .sequence), whole.range.upperBound == bytes.byteCount,
      let algorithm = DERValue(bytes, .sequence, in: whole.contents),
      let bits = DERValue(bytes, .bitString, in: algorithm.after(in: whole.contents))
    else { return false }
    return bits.range.upperBound == whole.contents.upperBound
  }
}

private enum DERTag: UInt8 {
  case integer = 0x02
  case bitString = 0x03
  case sequence = 0x30
  /// The version of a certificate, the first of its fields: context-specific, constructed, 0.
  case version = 0xA0
}

/// One value of DER (X.690): tag, length, contents.
private struct DERValue {
  let range: Range<Int>
  let contents: Range<Int>

  /// The value that `place` begins with; nil when it has another tag, reaches beyond it, or its length is not written in
  /// the one way that there is.
  init?(_ bytes: RawSpan, _ tag: DERTag, in place: Range<Int>) {
    guard place.count >= 2, bytes.u8(place.lowerBound) == tag.rawValue else { return nil }
    var start = place.lowerBound + 2
    var length = Int(bytes.u8(start - 1))
    if length >= 0x80 {
      let digits = length - 0x80
      guard (1...3).contains(digits), start + digits <= place.upperBound, bytes.u8(start) != 0 else { return nil }
      length = 0
      for position in start..<start + digits { length = length << 8 | Int(bytes.u8(position)) }
      guard length >= 0x80 else { return nil }
      start += digits
    }
    guard length <= place.upperBound - start else { return nil }
    contents = start..<start + length
    range = place.lowerBound..<contents.upperBound
  }

  init?(_ bytes: RawSpan, _ tag: DERTag) { self.init(bytes, tag, in: 0..<bytes.byteCount) }

  func after(in place: Range<Int>) -> Range<Int> { range.upperBound..<place.upperBound }
}
