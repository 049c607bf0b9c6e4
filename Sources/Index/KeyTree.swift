/// The index: an in-memory B+tree from byte keys to 16-byte values, in byte order.
///
/// One thread owns it. Leaves keep their keys without the prefix that those share and are linked both ways; inner nodes
/// keep the shortest separators. See docs/decisions/0002-index-structure-and-consistent-cut.md.
internal import Bytes

package final class KeyTree {
  let arena = NodeArena()
  // Unchecked exclusivity: one thread owns this object, and asking at every access costs a tenth of a write.
  @exclusivity(unchecked) var root: NodeID
  /// Counts changes, so that a scan notices a change under its feet.
  @exclusivity(unchecked) var changes: UInt64 = 0
  /// The way from the root to the node that is looked at, filled by `descend`.
  @exclusivity(unchecked) var path: [Step] = []
  @exclusivity(unchecked) var keyScratch = ByteBuffer(capacity: 1_100)
  /// The leaf that a builder appends to; when keys come in order, the last one.
  @exclusivity(unchecked) var lastLeaf: NodeID
  /// Keys in the tree.
  @exclusivity(unchecked) package internal(set) var count = 0

  /// The longest key: room for the hub's 1,024 and eight bytes before them.
  package static let keyBytesMax = 1_032

  struct Step {
    var node: NodeID
    /// Which child was taken: the one right of this separator, -1 for the first.
    var child: Int
  }

  package init() {
    root = arena.allocate(level: 0)
    lastLeaf = root
  }

  /// Memory held for nodes, in bytes.
  package var memoryBytes: Int { arena.memoryBytes }

  /// The value of a key. Allocates nothing.
  package func get(_ key: RawSpan) -> IndexValue? {
    var node = arena.node(root)
    while !node.isLeaf { node = arena.node(node.child(KeyTree.childIndex(node, key))) }
    let (index, found) = node.search(key)
    return found ? node.value(index) : nil
  }

  /// The child that a key belongs to: keys equal to a separator lie right of it.
  static func childIndex(_ node: Node, _ key: RawSpan) -> Int {
    let (index, found) = node.search(key)
    return found ? index : index - 1
  }

  /// Goes down to the leaf of a key and notes the way in `path`.
  func descend(_ key: RawSpan) -> NodeID {
    path.removeAll(keepingCapacity: true)
    var id = root
    while true {
      let node = arena.node(id)
      if node.isLeaf { return id }
      let child = KeyTree.childIndex(node, key)
      path.append(Step(node: id, child: child))
      id = node.child(child)
    }
  }
}
