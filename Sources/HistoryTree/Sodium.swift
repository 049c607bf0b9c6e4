/// The only place that calls libsodium: BLAKE2b-256, Ed25519, Curve25519, SHA-256 for ids and pins of keys, comparing secrets,
/// random numbers.
internal import Bytes
internal import CSodium

package enum Sodium {
  /// Picks the fastest code for this processor, once. Without it everything works, slower.
  private static let isReady = sodium_init() >= 0

  package static func blake2b(_ first: RawSpan, _ second: RawSpan = RawSpan()) -> Digest {
    precondition(isReady, "libsodium starts")
    var digest = Digest()
    unsafe withUnsafeMutableBytes(of: &digest) { out in
      unsafe first.withUnsafeBytes { first in
        unsafe second.withUnsafeBytes { second in
          unsafe mfh_blake2b_256(out.baseAddress, first.baseAddress, first.count, second.baseAddress, second.count)
        }
      }
    }
    return digest
  }

  static func node(domain: UInt8, _ left: Digest, _ right: Digest) -> Digest {
    precondition(isReady, "libsodium starts")
    var digest = Digest()
    unsafe withUnsafeMutableBytes(of: &digest) { out in
      unsafe withUnsafeBytes(of: left) { left in
        unsafe withUnsafeBytes(of: right) { right in
          unsafe mfh_blake2b_node(out.baseAddress, domain, left.baseAddress, right.baseAddress)
        }
      }
    }
    return digest
  }

  package static func sha256(_ bytes: [UInt8]) -> [UInt8] {
    var hash = [UInt8](repeating: 0, count: Int(crypto_hash_sha256_BYTES))
    crypto_hash_sha256(&hash, bytes, UInt64(bytes.count))
    return hash
  }

  /// Compares in a time that does not depend on where two digests differ.
  package static func isEqual(_ left: Digest, _ right: Digest) -> Bool {
    unsafe withUnsafeBytes(of: left) { left in
      unsafe withUnsafeBytes(of: right) { right in
        unsafe sodium_memcmp(left.baseAddress, right.baseAddress, left.count) == 0
      }
    }
  }

  /// The public key of Curve25519 that belongs to a secret one.
  package static func curvePublicKey(ofSecret secret: [UInt8]) -> [UInt8] {
    precondition(isReady && secret.count == Int(crypto_scalarmult_curve25519_SCALARBYTES), "a secret key has 32 bytes")
    var publicKey = [UInt8](repeating: 0, count: Int(crypto_scalarmult_curve25519_BYTES))
    crypto_scalarmult_curve25519_base(&publicKey, secret)
    return publicKey
  }

  // MARK: Ed25519

  static let seedBytes = Int(crypto_sign_ed25519_SEEDBYTES)
  static let publicKeyBytes = Int(crypto_sign_ed25519_PUBLICKEYBYTES)
  static let signatureBytes = Int(crypto_sign_ed25519_BYTES)

  /// The pair of keys that a seed stands for; the secret key holds the seed and the public key.
  static func keyPair(seed: [UInt8]) -> (publicKey: [UInt8], secretKey: [UInt8]) {
    precondition(isReady && seed.count == seedBytes, "a seed has 32 bytes")
    var publicKey = [UInt8](repeating: 0, count: publicKeyBytes)
    var secretKey = [UInt8](repeating: 0, count: Int(crypto_sign_ed25519_SECRETKEYBYTES))
    crypto_sign_ed25519_seed_keypair(&publicKey, &secretKey, seed)
    return (publicKey, secretKey)
  }

  static func sign(_ message: [UInt8], secretKey: [UInt8]) -> [UInt8] {
    var signature = [UInt8](repeating: 0, count: signatureBytes)
    crypto_sign_ed25519_detached(&signature, nil, message, UInt64(message.count), secretKey)
    return signature
  }

  static func isSigned(_ message: [UInt8], signature: [UInt8], publicKey: [UInt8]) -> Bool {
    precondition(isReady, "libsodium starts")
    guard signature.count == signatureBytes, publicKey.count == publicKeyBytes else { return false }
    return crypto_sign_ed25519_verify_detached(signature, message, UInt64(message.count), publicKey) == 0
  }

  package static func random(_ count: Int) -> [UInt8] {
    precondition(isReady, "libsodium starts")
    var bytes = [UInt8](repeating: 0, count: count)
    randombytes_buf(&bytes, count)
    return bytes
  }
}
