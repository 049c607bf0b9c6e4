/// Walking through the keys in byte order, forwards and backwards.
///
/// A visitor is given each key, assembled in memory that is used again for the next one, and its value; it returns
/// whether to go on. It must not change the tree.
internal import Bytes

extension KeyTree {
  /// Visits the keys from `start` on; without `inclusive`, those behind it. An empty `start` is before every key.
  package func scan(from start: RawSpan, inclusive: Bool, _ visit: (RawSpan, IndexValue) -> Bool) {
    var (id, index) = position(start)
    if !inclusive, index < arena.node(id).count, isKey(start, id, index) { index += 1 }
    walk(&id, &index, visit)
  }

  /// Visits all keys that begin with `prefix`, behind `after` if that is not empty.
  package func scan(prefix: RawSpan, after: RawSpan, _ visit: (RawSpan, IndexValue) -> Bool) {
    let startsBehind = after.byteCount > 0 && after.compare(prefix) >= 0
    if startsBehind {
      scan(from: after, inclusive: false) { key, value in key.hasPrefix(prefix) && visit(key, value) }
    } else {
      scan(from: prefix, inclusive: true) { key, value in key.hasPrefix(prefix) && visit(key, value) }
    }
  }

  /// Visits the keys from `start` down; without `inclusive`, those before it.
  package func scanBackward(from start: RawSpan, inclusive: Bool, _ visit: (RawSpan, IndexValue) -> Bool) {
    var (id, index) = position(start)
    if !(inclusive && index < arena.node(id).count && isKey(start, id, index)) { index -= 1 }
    walkBackward(&id, &index, visit)
  }

  /// Visits all keys from the last one down.
  package func scanBackward(_ visit: (RawSpan, IndexValue) -> Bool) {
    var id = root
    while case let node = arena.node(id), !node.isLeaf { id = node.child(node.count - 1) }
    var index = arena.node(id).count - 1
    walkBackward(&id, &index, visit)
  }

  /// The leaf and entry of the first key not below `key`; the entry may be the one behind the leaf's last.
  private func position(_ key: RawSpan) -> (NodeID, Int) {
    var id = root
    while case let node = arena.node(id), !node.isLeaf {
      id = node.child(key.byteCount == 0 ? -1 : KeyTree.childIndex(node, key))
    }
    return (id, key.byteCount == 0 ? 0 : arena.node(id).search(key).index)
  }

  private func isKey(_ key: RawSpan, _ id: NodeID, _ index: Int) -> Bool {
    let (found, isThere) = arena.node(id).search(key)
    return isThere && found == index
  }

  private func walk(_ id: inout NodeID, _ index: inout Int, _ visit: (RawSpan, IndexValue) -> Bool) {
    var key = ByteBuffer(capacity: KeyTree.keyBytesMax)
    let seen = changes
    while !id.isNone {
      let leaf = arena.node(id)
      key.removeAll()
      leaf.appendPrefix(to: &key)
      while index < leaf.count {
        key.truncate(to: leaf.prefixBytes)
        leaf.appendSuffix(index, to: &key)
        guard visit(key.bytes, leaf.value(index)) else { return }
        precondition(changes == seen, "a tree is not changed while it is scanned")
        index += 1
      }
      id = leaf.next
      index = 0
    }
  }

  private func walkBackward(_ id: inout NodeID, _ index: inout Int, _ visit: (RawSpan, IndexValue) -> Bool) {
    var key = ByteBuffer(capacity: KeyTree.keyBytesMax)
    let seen = changes
    while true {
      let leaf = arena.node(id)
      key.removeAll()
      leaf.appendPrefix(to: &key)
      while index >= 0 {
        key.truncate(to: leaf.prefixBytes)
        leaf.appendSuffix(index, to: &key)
        guard visit(key.bytes, leaf.value(index)) else { return }
        precondition(changes == seen, "a tree is not changed while it is scanned")
        index -= 1
      }
      id = leaf.previous
      guard !id.isNone else { return }
      index = arena.node(id).count - 1
    }
  }
}
