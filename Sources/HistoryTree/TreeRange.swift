/// Which runs of leaves the hashes of a proof stand for, and how such a run falls into perfect subtrees. Numbers only.

/// A perfect subtree: the 2^level leaves from index * 2^level on.
package struct Subtree: Hashable, Sendable {
  package let level: Int
  package let index: UInt64
  package init(level: Int, index: UInt64) {
    self.level = level
    self.index = index
  }
  package var leaves: Range<UInt64> { (index << UInt64(level))..<((index + 1) << UInt64(level)) }
}

package enum TreeRange {
  /// The largest power of two that is less than `count`, which is at least 2.
  static func split(_ count: UInt64) -> UInt64 {
    1 << UInt64(UInt64.bitWidth - 1 - (count - 1).leadingZeroBitCount)
  }

  /// The perfect subtrees that a run of leaves is made of, from the left. The run begins at a multiple of the largest.
  package static func subtrees(_ leaves: Range<UInt64>) -> [Subtree] {
    var found: [Subtree] = []
    var start = leaves.lowerBound
    while start < leaves.upperBound {
      let fits = UInt64.bitWidth - 1 - (leaves.upperBound - start).leadingZeroBitCount
      let level = start == 0 ? fits : min(fits, start.trailingZeroBitCount)
      found.append(Subtree(level: level, index: start >> UInt64(level)))
      start += 1 << UInt64(level)
    }
    return found
  }

  /// The runs whose roots prove that leaf `leaf` is in the tree of `size` leaves, from the leaf upwards.
  /// Source: RFC 6962, section 2.1.1.
  package static func inclusion(_ leaf: UInt64, size: UInt64) -> [Range<UInt64>] {
    precondition(leaf < size, "the leaf is in the tree")
    var path: [Range<UInt64>] = []
    var run = 0..<size
    while run.upperBound - run.lowerBound > 1 {
      let middle = run.lowerBound + split(run.upperBound - run.lowerBound)
      if leaf < middle {
        path.append(middle..<run.upperBound)
        run = run.lowerBound..<middle
      } else {
        path.append(run.lowerBound..<middle)
        run = middle..<run.upperBound
      }
    }
    return path.reversed()
  }

  /// The runs whose roots prove that the tree of `old` leaves is the beginning of that of `size`.
  /// Source: RFC 6962, section 2.1.2.
  package static func consistency(_ old: UInt64, size: UInt64) -> [Range<UInt64>] {
    precondition(old > 0 && old <= size, "the older tree has leaves, and not more than the newer one")
    var path: [Range<UInt64>] = []
    var run = 0..<size
    // Whether `run` begins where the older tree does: then its root is known to whoever has the older head.
    var isWhole = true
    while old < run.upperBound {
      let middle = run.lowerBound + split(run.upperBound - run.lowerBound)
      if old <= middle {
        path.append(middle..<run.upperBound)
        run = run.lowerBound..<middle
      } else {
        path.append(run.lowerBound..<middle)
        run = middle..<run.upperBound
        isWhole = false
      }
    }
    if !isWhole { path.append(run) }
    return path.reversed()
  }

  /// The root of a run of leaves, from the roots of its perfect subtrees.
  package static func root<Failure: Error>(
    of leaves: Range<UInt64>, _ subtreeRoot: (Subtree) throws(Failure) -> Digest
  ) throws(Failure) -> Digest {
    var root: Digest?
    for subtree in subtrees(leaves).reversed() {
      let left = try subtreeRoot(subtree)
      root = root.map { TreeHash.node(left, $0) } ?? left
    }
    return root ?? TreeHash.empty
  }
}
