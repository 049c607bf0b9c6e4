/// What must be true of every tree at every moment; tests ask after each change.
internal import Bytes

extension KeyTree {
  /// Everything that is wrong with the tree; nothing when all is well.
  package func violations() -> [String] {
    var found: [String] = []
    var keys = 0
    var leaves: [NodeID] = []
    check(root, lower: nil, upper: nil, level: arena.node(root).level, &keys, &leaves, &found)
    if keys != count { found.append("count says \(count), there are \(keys) keys") }
    checkLinks(leaves, &found)
    return found
  }

  private func check(
    _ id: NodeID, lower: [UInt8]?, upper: [UInt8]?, level: Int, _ keys: inout Int, _ leaves: inout [NodeID],
    _ found: inout [String]
  ) {
    let node = arena.node(id)
    if node.level != level { found.append("node \(id.value) has level \(node.level), not \(level)") }
    if node.freeBytes < 0 { found.append("node \(id.value) is overfull") }
    let names = (0..<node.count).map { key(node, $0) }
    checkOrder(names, id, lower, upper, &found)
    if node.isLeaf {
      if node.count == 0, id != root { found.append("leaf \(id.value) is empty") }
      keys += node.count
      leaves.append(id)
      return
    }
    if node.prefixBytes != 0 { found.append("inner node \(id.value) has a prefix") }
    if id == root, node.count == 0 { found.append("the root has a single child") }
    for child in -1..<node.count {
      check(
        node.child(child), lower: child >= 0 ? names[child] : lower,
        upper: child + 1 < node.count ? names[child + 1] : upper, level: level - 1, &keys, &leaves, &found)
    }
  }

  private func key(_ node: Node, _ index: Int) -> [UInt8] {
    var key = ByteBuffer(capacity: 256)
    node.appendKey(index, to: &key)
    return key.bytes.array()
  }

  private func checkOrder(
    _ names: [[UInt8]], _ id: NodeID, _ lower: [UInt8]?, _ upper: [UInt8]?, _ found: inout [String]
  ) {
    for (left, right) in zip(names, names.dropFirst()) where !left.lexicographicallyPrecedes(right) {
      found.append("node \(id.value): \(left) does not come before \(right)")
    }
    if let lower, let first = names.first, first.lexicographicallyPrecedes(lower) {
      found.append("node \(id.value): \(first) is below its lower bound \(lower)")
    }
    if let upper, let last = names.last, !last.lexicographicallyPrecedes(upper) {
      found.append("node \(id.value): \(last) is not below its upper bound \(upper)")
    }
  }

  private func checkLinks(_ leaves: [NodeID], _ found: inout [String]) {
    for (index, id) in leaves.enumerated() {
      let leaf = arena.node(id)
      let previous = index > 0 ? leaves[index - 1] : .none
      let next = index + 1 < leaves.count ? leaves[index + 1] : .none
      if leaf.previous != previous { found.append("leaf \(id.value) has the wrong left neighbour") }
      if leaf.next != next { found.append("leaf \(id.value) has the wrong right neighbour") }
    }
  }
}
