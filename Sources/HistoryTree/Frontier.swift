/// The right edge of a growing tree: all that is needed to append leaves and to give the root.

package struct Frontier: Equatable, Sendable {
  package private(set) var size: UInt64 = 0
  /// The roots of the perfect subtrees that the leaves fall into, from the left, the largest first.
  package private(set) var roots: [Digest] = []

  package init() {}

  /// The frontier of `size` leaves whose perfect subtrees have these roots, the largest first.
  package init(size: UInt64, roots: [Digest]) {
    precondition(roots.count == size.nonzeroBitCount, "one root for each bit of the size")
    self.size = size
    self.roots = roots
  }

  package mutating func append(_ leaf: Digest) { append(subtree: leaf, level: 0) }

  /// Appends leaves: the same as one after the other, in less time.
  package mutating func append(leaves: ArraySlice<Digest>) {
    var rest = leaves
    while !rest.isEmpty {
      let level = min(size.trailingZeroBitCount, Int.bitWidth - 1 - rest.count.leadingZeroBitCount)
      append(subtree: TreeHash.root(of: rest.prefix(1 << level)), level: level)
      rest = rest.dropFirst(1 << level)
    }
  }

  /// Appends 2^level leaves that are known by the root of their subtree only. The size is a multiple of that number.
  package mutating func append(subtree: Digest, level: Int) {
    precondition(size.trailingZeroBitCount >= level, "a perfect subtree begins at a multiple of its size")
    var root = subtree
    var filled = size >> UInt64(level)
    while filled & 1 == 1 {
      root = TreeHash.node(roots.removeLast(), root)
      filled >>= 1
    }
    roots.append(root)
    size += 1 << UInt64(level)
  }

  package var root: Digest {
    guard let last = roots.last else { return TreeHash.empty }
    return roots.dropLast().reversed().reduce(last) { TreeHash.node($1, $0) }
  }
}
