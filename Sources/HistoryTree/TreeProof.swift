/// Checks proofs against roots. Source of both: RFC 9162, sections 2.1.3.2 and 2.1.4.2.

package enum TreeProof {
  /// Whether `path` proves that the leaf with this hash is number `leaf` of the tree of `size` leaves with this root.
  package static func includes(
    _ hash: Digest, leaf: UInt64, size: UInt64, root: Digest, path: [Digest]
  ) -> Bool {
    guard leaf < size else { return false }
    var place = leaf
    var last = size - 1
    var result = hash
    for step in path {
      guard last != 0 else { return false }
      if place & 1 == 1 || place == last {
        result = TreeHash.node(step, result)
        while place & 1 == 0, place != 0 {
          place >>= 1
          last >>= 1
        }
      } else {
        result = TreeHash.node(result, step)
      }
      place >>= 1
      last >>= 1
    }
    return last == 0 && result == root
  }

  /// Whether `path` proves that the tree of `old` leaves with `oldRoot` is the beginning of that of `size` leaves.
  package static func isConsistent(
    old: UInt64, oldRoot: Digest, size: UInt64, root: Digest, path: [Digest]
  ) -> Bool {
    guard old > 0, old <= size else { return old == 0 && path.isEmpty && oldRoot == TreeHash.empty }
    guard old < size else { return path.isEmpty && oldRoot == root }
    var steps = path[...]
    if old.nonzeroBitCount == 1 { steps = [oldRoot] + steps }
    guard let first = steps.popFirst() else { return false }
    var place = old - 1
    var last = size - 1
    while place & 1 == 1 {
      place >>= 1
      last >>= 1
    }
    var older = first
    var newer = first
    for step in steps {
      guard last != 0 else { return false }
      if place & 1 == 1 || place == last {
        older = TreeHash.node(step, older)
        newer = TreeHash.node(step, newer)
        while place & 1 == 0, place != 0 {
          place >>= 1
          last >>= 1
        }
      } else {
        newer = TreeHash.node(newer, step)
      }
      place >>= 1
      last >>= 1
    }
    return last == 0 && older == oldRoot && newer == root
  }
}
