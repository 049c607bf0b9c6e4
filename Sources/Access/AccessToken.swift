/// API keys: `mfh_` and the key's id, then `_` and 256 random bits as letters. The hub keeps a digest of it only.
internal import Bytes
package import HistoryTree

package enum AccessToken {
  /// Says what it is to people and to programs that look for secrets in places where none should be.
  package static let prefix = "mfh_"
  /// Five bits each.
  static let secretLetters = 52
  static let byteCount = prefix.utf8.count + KeyID.letterCount + 1 + secretLetters

  package static func random(_ id: KeyID) -> String { "\(prefix)\(id)_\(RandomText.letters(secretLetters))" }

  /// The id that `token` says it has; nil for what does not look like one of ours.
  package static func id(of token: RawSpan) -> KeyID? {
    guard token.byteCount == byteCount, token.extracting(0..<prefix.utf8.count).equals("mfh_") else { return nil }
    return KeyID(token, at: prefix.utf8.count)
  }

  /// What is kept of a token. 256 random bits can not be guessed from a digest, so it needs neither salt nor effort.
  package static func digest(_ token: RawSpan) -> Digest {
    let domain = domain
    return Sodium.blake2b(domain.span.bytes, token)
  }

  /// So that a digest of a key is the digest of nothing else.
  private static let domain = Array("mfh api key\n".utf8)
}

enum RandomText {
  /// Random letters of the alphabet of ids.
  static func letters(_ count: Int) -> String {
    // 256 is a multiple of 32: every letter is as likely as another.
    let letters = Sodium.random(count).map { KeyID.alphabet[Int($0) % KeyID.alphabet.count] }
    return String(decoding: letters, as: UTF8.self)
  }
}
