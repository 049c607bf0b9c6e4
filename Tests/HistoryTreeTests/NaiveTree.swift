/// The tree as RFC 6962, section 2.1, defines it, word for word: slow, and plainly right.
import Bytes

@testable import HistoryTree

enum NaiveTree {
  static func leaf(_ number: Int) -> Digest { TreeHash.leaf(Array("leaf \(number)".utf8).span.bytes) }

  static func split(_ count: Int) -> Int {
    var power = 1
    while power * 2 < count { power *= 2 }
    return power
  }

  /// MTH(D[n]).
  static func root(_ leaves: ArraySlice<Digest>) -> Digest {
    if leaves.isEmpty { return Sodium.blake2b(RawSpan()) }
    if leaves.count == 1 { return leaves.first! }
    let middle = leaves.startIndex + split(leaves.count)
    return hash([1], root(leaves[..<middle]), root(leaves[middle...]))
  }

  static func hash(_ domain: [UInt8], _ left: Digest, _ right: Digest) -> Digest {
    Sodium.blake2b((domain + left.array + right.array).span.bytes)
  }

  /// PATH(m, D[n]).
  static func path(_ leaf: Int, _ leaves: ArraySlice<Digest>) -> [Digest] {
    if leaves.count == 1 { return [] }
    let middle = split(leaves.count)
    let left = leaves.prefix(middle)
    let right = leaves.dropFirst(middle)
    return leaf < middle ? path(leaf, left) + [root(right)] : path(leaf - middle, right) + [root(left)]
  }

  /// SUBPROOF(m, D[n], b).
  static func subproof(_ old: Int, _ leaves: ArraySlice<Digest>, _ isWhole: Bool) -> [Digest] {
    if old == leaves.count { return isWhole ? [] : [root(leaves)] }
    let middle = split(leaves.count)
    let left = leaves.prefix(middle)
    let right = leaves.dropFirst(middle)
    return old <= middle
      ? subproof(old, left, isWhole) + [root(right)] : subproof(old - middle, right, false) + [root(left)]
  }
}
