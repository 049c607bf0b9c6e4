/// Inserting, and splitting what is full.
internal import Bytes

extension KeyTree {
  /// Sets the value of a key. Returns the one that it replaces.
  ///
  /// - Parameter key: 1 to `keyBytesMax` bytes.
  @discardableResult
  package func insert(_ key: RawSpan, _ value: IndexValue) -> IndexValue? {
    precondition(key.byteCount > 0 && key.byteCount <= KeyTree.keyBytesMax, "a key has 1 to 1,032 bytes")
    changes &+= 1
    while true {
      let id = descend(key)
      let leaf = arena.node(id)
      let (index, found) = leaf.search(key)
      if found {
        let old = leaf.value(index)
        leaf.setValue(index, value)
        return old
      }
      if place(key, value, at: index, in: leaf) {
        count += 1
        return nil
      }
      // Something was split; the key's leaf is looked for anew.
      split(id, at: index, for: key)
    }
  }

  /// Inserts into a leaf if it fits, under a shorter or longer prefix if need be.
  private func place(_ key: RawSpan, _ value: IndexValue, at index: Int, in leaf: Node) -> Bool {
    let shared = leaf.count == 0 ? 0 : leaf.sharedPrefix(with: key)
    if shared < leaf.prefixBytes {
      let needed = leaf.bytes(of: 0..<leaf.count, prefixBytes: shared) + Node.entryBytes(suffix: key.byteCount - shared)
      guard needed <= Node.capacity else { return false }
      rebuild(leaf, prefixBytes: shared)
    } else if Node.entryBytes(suffix: key.byteCount - shared) > leaf.freeBytes {
      guard lengthenPrefix(leaf, for: key) else { return false }
    }
    leaf.insert(key, value, at: index, scratch: arena.scratch)
    return true
  }

  private func rebuild(_ leaf: Node, prefixBytes: Int) {
    arena.scratch.copy(from: leaf)
    leaf.rebuild(from: arena.scratch, 0..<leaf.count, prefixBytes: prefixBytes)
  }

  /// A full leaf whose keys share more than its prefix says has room to win.
  private func lengthenPrefix(_ leaf: Node, for key: RawSpan) -> Bool {
    var common = leaf.commonPrefix(of: 0..<leaf.count)
    keyScratch.removeAll()
    leaf.appendKey(0, to: &keyScratch)
    common = min(common, KeyTree.commonBytes(keyScratch, key))
    guard common > leaf.prefixBytes else { return false }
    let needed = leaf.bytes(of: 0..<leaf.count, prefixBytes: common) + Node.entryBytes(suffix: key.byteCount - common)
    // Not for a few keys more: then the same work would come again at once.
    guard needed <= Node.capacity * 7 / 8 else { return false }
    rebuild(leaf, prefixBytes: common)
    return true
  }

  static func commonBytes(_ left: borrowing ByteBuffer, _ right: RawSpan) -> Int {
    let left = left.bytes
    let limit = min(left.byteCount, right.byteCount)
    var count = 0
    while count < limit, left.u8(count) == right.u8(count) { count += 1 }
    return count
  }

  // MARK: Splitting leaves

  /// Splits the leaf at the end of `path`, into which `key` belongs at `index` and does not fit.
  private func split(_ id: NodeID, at index: Int, for key: RawSpan) {
    let leaf = arena.node(id)
    if leaf.sharedPrefix(with: key) < leaf.prefixBytes {
      // The key stands before or behind all others, and would cost them their prefix: it gets a leaf of its own.
      divide(id, at: index == 0 ? 0 : leaf.count, for: key)
    } else if leaf.goesOnRun(at: index) || index == leaf.count && leaf.next.isNone {
      // Keys that come in order leave full leaves behind: at the tree's end, and in its middle, where each agent writes
      // the next of its own.
      divide(id, at: index, for: key)
    } else {
      divide(id, at: halfway(leaf), for: key)
    }
  }

  /// The entry before which half of a node's bytes lie; at least one entry stays on each side.
  private func halfway(_ node: Node) -> Int {
    var bytes = 0
    let half = node.usedBytes / 2
    for index in 0..<node.count {
      bytes += Node.entryBytes(suffix: node.suffixBytes(index))
      if bytes >= half { return min(max(index, 1), node.count - 1) }
    }
    return node.count / 2
  }

  /// Moves the entries from `middle` on to a new leaf at the right. At either end, `key` tells the border.
  private func divide(_ id: NodeID, at middle: Int, for key: RawSpan) {
    let leaf = arena.node(id)
    let rightID = arena.allocate(level: 0)
    let right = arena.node(rightID)
    right.next = leaf.next
    right.previous = id
    if !leaf.next.isNone { arena.node(leaf.next).previous = rightID }
    leaf.next = rightID
    let source = arena.scratch
    source.copy(from: leaf)
    let count = source.count
    right.rebuild(from: source, middle..<count, prefixBytes: source.commonPrefix(of: middle..<count))
    leaf.rebuild(from: source, 0..<middle, prefixBytes: source.commonPrefix(of: 0..<middle))
    addSeparator(leaf, right, key: key, child: rightID)
  }

  private func addSeparator(_ left: Node, _ right: Node, key: RawSpan, child: NodeID) {
    var lower = ByteBuffer(capacity: 256)
    var upper = ByteBuffer(capacity: 256)
    if left.count > 0 { left.appendKey(left.count - 1, to: &lower) } else { lower.append(key) }
    if right.count > 0 { right.appendKey(0, to: &upper) } else { upper.append(key) }
    let length = KeyTree.commonBytes(lower, upper.bytes) + 1
    addChild(child, separator: upper.bytes.extracting(0..<length))
  }

  // MARK: Inner nodes

  /// Inserts a new child right of the one that `path` leads to.
  private func addChild(_ child: NodeID, separator: RawSpan) {
    guard let step = path.popLast() else {
      let level = arena.node(root).level + 1
      let newRoot = arena.allocate(level: level)
      let node = arena.node(newRoot)
      node.firstChild = root
      node.insert(separator, KeyTree.childValue(child), at: 0, scratch: arena.scratch)
      root = newRoot
      return
    }
    let node = arena.node(step.node)
    let position = step.child + 1
    if Node.entryBytes(suffix: separator.byteCount) <= node.freeBytes {
      node.insert(separator, KeyTree.childValue(child), at: position, scratch: arena.scratch)
    } else {
      splitInner(step.node, inserting: child, separator, at: position)
    }
  }

  static func childValue(_ child: NodeID) -> IndexValue { IndexValue(low: UInt64(child.value), high: 0) }

  private func splitInner(_ id: NodeID, inserting child: NodeID, _ separator: RawSpan, at position: Int) {
    let node = arena.node(id)
    let middle = position == node.count ? node.count - 1 : min(halfway(node), node.count - 1)
    let rightID = arena.allocate(level: node.level)
    let right = arena.node(rightID)
    let source = arena.scratch
    source.copy(from: node)
    var raised = ByteBuffer(capacity: 256)
    source.appendKey(middle, to: &raised)
    right.firstChild = source.child(middle)
    right.rebuild(from: source, (middle + 1)..<source.count, prefixBytes: 0)
    node.rebuild(from: source, 0..<middle, prefixBytes: 0)
    if position <= middle {
      node.insert(separator, KeyTree.childValue(child), at: position, scratch: arena.scratch)
    } else {
      right.insert(separator, KeyTree.childValue(child), at: position - middle - 1, scratch: arena.scratch)
    }
    addChild(rightID, separator: raised.bytes)
  }
}
