/// What is hashed, and how leaves, nodes and payloads are kept apart: by their first byte. See FORMAT.md, "History tree".
///
/// The tree is that of RFC 6962, section 2.1, with BLAKE2b-256 in the place of SHA-256.
package import Bytes

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

  /// The root of a perfect subtree, from its 2^n leaves or the roots of its 2^n subtrees.
  static func root(of subtrees: ArraySlice<Digest>) -> Digest {
    precondition(subtrees.count.nonzeroBitCount == 1, "a perfect subtree has 2^n leaves")
    var level = Array(subtrees)
    var nodes = Messages(capacity: (1 + 2 * Digest.bytes) * (level.count / 2))
    while level.count > 1 {
      for left in stride(from: 0, to: level.count, by: 2) {
        nodes.add { buffer in
          buffer.append(nodeDomain)
          level[left].append(to: &buffer)
          level[left + 1].append(to: &buffer)
        }
      }
      level.removeAll(keepingCapacity: true)
      nodes.hash(to: &level)
    }
    return level[0]
  }

  /// The hash of a leaf's contents.
  package static func leaf(_ contents: RawSpan) -> Digest {
    var domain = ByteBuffer(capacity: 16)
    beginLeaf(in: &domain)
    return Sodium.blake2b(domain.bytes, contents)
  }

  /// What is hashed for a leaf, before its contents.
  package static func beginLeaf(in message: inout ByteBuffer) { message.append(leafDomain) }

  /// What stands in a leaf for a payload. The salt keeps a short payload from being guessed from it.
  ///
  /// - Parameters:
  ///   - salt: 16 bytes.
  ///   - payload: as it was before any compression.
  package static func commitment(salt: RawSpan, payload: RawSpan) -> Digest {
    var head = ByteBuffer(capacity: 32)
    beginCommitment(salt: salt, payloadBytes: payload.byteCount, in: &head)
    return Sodium.blake2b(head.bytes, payload)
  }

  /// What is hashed for a commitment, before the payload.
  package static func beginCommitment(salt: RawSpan, payloadBytes: Int, in message: inout ByteBuffer) {
    precondition(salt.byteCount == saltBytes, "a salt has 16 bytes")
    message.append(commitmentDomain)
    message.append(salt)
    message.append(littleEndian: UInt32(payloadBytes))
  }
}
