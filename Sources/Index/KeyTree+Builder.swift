/// Building a tree from keys that are sorted already: leaves come out full, and no key is looked for.
internal import Bytes

/// Takes keys in ascending order and gives the tree of them.
package struct KeyTreeBuilder: ~Copyable {
  package enum Failure: Error, Equatable, Sendable {
    /// The key is not above the one before it.
    case notAscending(at: Int)
    case badLength(at: Int)
  }

  private var tree = KeyTree()
  private var last = ByteBuffer(capacity: KeyTree.keyBytesMax)

  package init() {}

  package mutating func append(_ key: RawSpan, _ value: IndexValue) throws(Failure) {
    guard key.byteCount > 0, key.byteCount <= KeyTree.keyBytesMax else { throw .badLength(at: tree.count) }
    guard tree.count == 0 || KeyTreeBuilder.isBefore(last, key) else { throw .notAscending(at: tree.count) }
    tree.append(key, value)
    last.removeAll()
    last.append(key)
  }

  private static func isBefore(_ last: borrowing ByteBuffer, _ key: RawSpan) -> Bool { last.bytes.compare(key) < 0 }

  package consuming func finish() -> KeyTree { tree }

  /// The tree so far; the builder begins a new one.
  package mutating func takeTree() -> KeyTree {
    defer {
      tree = KeyTree()
      last.removeAll()
    }
    return tree
  }
}

extension KeyTree {
  /// Inserts a key above all others.
  fileprivate func append(_ key: RawSpan, _ value: IndexValue) {
    let leaf = arena.node(lastLeaf)
    guard leaf.next.isNone, leaf.count > 0, leaf.sharedPrefix(with: key) == leaf.prefixBytes,
      Node.entryBytes(suffix: key.byteCount - leaf.prefixBytes) <= leaf.freeBytes
    else {
      insert(key, value)
      while case let next = arena.node(lastLeaf).next, !next.isNone { lastLeaf = next }
      return
    }
    changes &+= 1
    leaf.insert(key, value, at: leaf.count, scratch: arena.scratch)
    count += 1
  }
}
