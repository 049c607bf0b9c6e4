/// Removing, and joining what has become small.
internal import Bytes

extension KeyTree {
  /// Removes a key. Returns its value, nil when it was not there.
  @discardableResult
  package func remove(_ key: RawSpan) -> IndexValue? {
    let id = descend(key)
    let leaf = arena.node(id)
    let (index, found) = leaf.search(key)
    guard found else { return nil }
    changes &+= 1
    count -= 1
    let old = leaf.value(index)
    leaf.remove(at: index)
    if leaf.count == 0 {
      if id != root { unlink(id) } else { leaf.reset(level: 0) }
    } else if leaf.usedBytes < Node.capacity / 4 {
      join(id)
    }
    return old
  }

  /// Takes an empty leaf out of the list of leaves and out of its parent.
  private func unlink(_ id: NodeID) {
    let leaf = arena.node(id)
    if !leaf.previous.isNone { arena.node(leaf.previous).next = leaf.next }
    if !leaf.next.isNone { arena.node(leaf.next).previous = leaf.previous }
    arena.release(id)
    removeChild()
  }

  /// Removes the child that `path` leads to from its parent, and the parent too if that was its last.
  private func removeChild() {
    guard let step = path.popLast() else { preconditionFailure("the root is never removed") }
    let node = arena.node(step.node)
    if step.child >= 0 {
      node.remove(at: step.child)
    } else if node.count > 0 {
      node.firstChild = node.child(0)
      node.remove(at: 0)
    } else {
      arena.release(step.node)
      removeChild()
      return
    }
    if step.node == root {
      collapseRoot()
    } else if node.usedBytes < Node.capacity / 4 {
      join(step.node)
    }
  }

  /// A root with a single child is no root.
  private func collapseRoot() {
    while case let node = arena.node(root), !node.isLeaf, node.count == 0 {
      let child = node.firstChild
      arena.release(root)
      root = child
    }
  }

  /// Joins a small node with a neighbour under the same parent, if both fit into three quarters of one: then neither
  /// the next insert nor the next remove undoes it.
  private func join(_ id: NodeID) {
    guard let step = path.last else { return }
    let parent = arena.node(step.node)
    if step.child >= 0, join(parent.child(step.child - 1), id, separator: step.child, parent) {
      finishJoin(step.child)
    } else if step.child + 1 < parent.count,
      join(id, parent.child(step.child + 1), separator: step.child + 1, parent)
    {
      finishJoin(step.child + 1)
    }
  }

  /// The right one of two joined nodes is empty now and goes.
  private func finishJoin(_ separator: Int) {
    path[path.count - 1].child = separator
    removeChild()
  }

  private func join(_ leftID: NodeID, _ rightID: NodeID, separator: Int, _ parent: Node) -> Bool {
    let left = arena.node(leftID)
    let right = arena.node(rightID)
    let joined = left.isLeaf ? joinLeaves(left, right) : joinInner(left, right, separator, parent)
    guard joined else { return false }
    if left.isLeaf {
      left.next = right.next
      if !right.next.isNone { arena.node(right.next).previous = leftID }
    }
    arena.release(rightID)
    return true
  }

  private func joinLeaves(_ left: Node, _ right: Node) -> Bool {
    var first = ByteBuffer(capacity: 256)
    var last = ByteBuffer(capacity: 256)
    left.appendKey(0, to: &first)
    right.appendKey(right.count - 1, to: &last)
    let shared = KeyTree.commonBytes(first, last.bytes)
    let bytes =
      left.bytes(of: 0..<left.count, prefixBytes: shared) + right.bytes(of: 0..<right.count, prefixBytes: shared)
    guard bytes <= Node.capacity * 3 / 4 else { return false }
    arena.scratch.copy(from: left)
    left.rebuild(from: arena.scratch, 0..<left.count, prefixBytes: shared)
    appendAll(of: right, to: left)
    return true
  }

  private func appendAll(of right: Node, to left: Node) {
    var key = ByteBuffer(capacity: 256)
    for index in 0..<right.count {
      key.removeAll()
      right.appendKey(index, to: &key)
      left.append(key.bytes, right.value(index))
    }
  }

  private func joinInner(_ left: Node, _ right: Node, _ separator: Int, _ parent: Node) -> Bool {
    let between = parent.keyBytes(separator)
    let bytes =
      left.bytes(of: 0..<left.count, prefixBytes: 0) + right.bytes(of: 0..<right.count, prefixBytes: 0)
      + Node.entryBytes(suffix: between)
    guard bytes <= Node.capacity * 3 / 4 else { return false }
    left.compact(arena.scratch)
    var key = ByteBuffer(capacity: 256)
    parent.appendKey(separator, to: &key)
    left.append(key.bytes, KeyTree.childValue(right.firstChild))
    appendAll(of: right, to: left)
    return true
  }
}
