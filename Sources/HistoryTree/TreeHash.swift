/// What is hashed, and how leaves, nodes and payloads are kept apart: by their first byte. See FORMAT.md, "History tree".
///
/// The tree is that of RFC 6962, section 2.1, with BLAKE2b-256 in the place of SHA-256.
internal import Bytes

package enum TreeHash {
  static let leafDomain: UInt8 = 0
  static let nodeDomain: UInt8 = 1
  static let commitmentDomain: UInt8 = 2
  package static let saltBytes = 16

  /// The root of a tree without leaves.
  package static let empty = Sodium.blake2b(RawSpan())

  package static func node(_ left: Digest, _ right: Digest) -> Digest {
    Sodium.node(domain: nodeDomain, left, right)
  }

  /// The hash of a leaf's contents.
  package static func leaf(_ contents: RawSpan) -> Digest {
    var domain = ByteBuffer(capacity: 16)
    domain.append(leafDomain)
    return Sodium.blake2b(domain.bytes, contents)
  }

  /// What stands in a leaf for a payload. The salt keeps a short payload from being guessed from it.
  ///
  /// - Parameters:
  ///   - salt: 16 bytes.
  ///   - payload: as it was before any compression.
  package static func commitment(salt: RawSpan, payload: RawSpan) -> Digest {
    precondition(salt.byteCount == saltBytes, "a salt has 16 bytes")
    var head = ByteBuffer(capacity: 32)
    head.append(commitmentDomain)
    head.append(salt)
    head.append(littleEndian: UInt32(payload.byteCount))
    return Sodium.blake2b(head.bytes, payload)
  }
}
