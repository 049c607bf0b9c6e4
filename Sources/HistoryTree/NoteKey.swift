/// Keys that sign heads, in the texts of the signed-note format: https://c2sp.org/signed-note.

/// What signatures are checked with. Its text may be given to everybody.
package struct VerifierKey: Equatable, Sendable, CustomStringConvertible {
  package let name: String
  let id: [UInt8]
  let publicKey: [UInt8]

  static let idBytes = 4
  /// The format's number of Ed25519.
  private static let algorithm: UInt8 = 1
  package static let nameBytesMax = 64

  init(name: String, publicKey: [UInt8]) {
    self.name = name
    self.publicKey = publicKey
    id = Array(
      Sodium.sha256(Array(name.utf8) + [UInt8(ascii: "\n"), VerifierKey.algorithm] + publicKey)
        .prefix(VerifierKey.idBytes))
  }

  /// A key from its text; nil when it is not one, or its id is not that of its name and its bytes.
  package init?(text: String) {
    let parts = text.split(separator: "+", maxSplits: 2, omittingEmptySubsequences: false)
    guard parts.count == 3, VerifierKey.isName(String(parts[0])),
      let bytes = Base64.bytes(String(parts[2])), bytes.count == 1 + Sodium.publicKeyBytes,
      bytes[0] == VerifierKey.algorithm
    else { return nil }
    self.init(name: String(parts[0]), publicKey: Array(bytes.dropFirst()))
    guard parts[1] == idText else { return nil }
  }

  package var idText: String { Hex.text(id) }

  package var description: String { "\(name)+\(idText)+\(Base64.text([VerifierKey.algorithm] + publicKey))" }

  /// What a key can be called: visible ASCII without "+".
  package static func isName(_ name: String) -> Bool {
    !name.isEmpty && name.utf8.count <= nameBytesMax && name.utf8.allSatisfy { $0 > 32 && $0 < 127 && $0 != 43 }
  }
}

/// What heads are signed with. Its text is secret; printing it shows the public part.
package struct SignerKey: Sendable, CustomStringConvertible {
  package let verifier: VerifierKey
  private let seed: [UInt8]
  private let secretKey: [UInt8]

  private static let prefix = "PRIVATE+KEY+"
  private static let algorithm: UInt8 = 1

  private init(name: String, seed: [UInt8]) {
    let pair = Sodium.keyPair(seed: seed)
    verifier = VerifierKey(name: name, publicKey: pair.publicKey)
    secretKey = pair.secretKey
    self.seed = seed
  }

  package static func random(name: String) -> SignerKey {
    precondition(VerifierKey.isName(name), "a key's name is checked before it is made")
    return SignerKey(name: name, seed: Sodium.random(Sodium.seedBytes))
  }

  /// A key from its text, which may end with a line break; nil when it is not one.
  package init?(text: String) {
    let line = text.hasSuffix("\n") ? text.dropLast() : text[...]
    guard line.hasPrefix(SignerKey.prefix) else { return nil }
    let parts = line.dropFirst(SignerKey.prefix.count).split(
      separator: "+", maxSplits: 2, omittingEmptySubsequences: false)
    guard parts.count == 3, VerifierKey.isName(String(parts[0])), let bytes = Base64.bytes(String(parts[2])),
      bytes.count == 1 + Sodium.seedBytes, bytes[0] == SignerKey.algorithm
    else { return nil }
    self.init(name: String(parts[0]), seed: Array(bytes.dropFirst()))
    guard parts[1] == verifier.idText else { return nil }
  }

  /// The text for the key's file.
  package var secretText: String {
    "\(SignerKey.prefix)\(verifier.name)+\(verifier.idText)+\(Base64.text([SignerKey.algorithm] + seed))\n"
  }

  func sign(_ message: [UInt8]) -> [UInt8] { Sodium.sign(message, secretKey: secretKey) }

  package var description: String { verifier.description }
}

enum Hex {
  static func text(_ bytes: [UInt8]) -> String {
    bytes.map { $0 < 16 ? "0" + String($0, radix: 16) : String($0, radix: 16) }.joined()
  }
}
