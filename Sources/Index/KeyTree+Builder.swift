/// Building a tree from keys that are sorted already: leaves come out full.
internal import Bytes

/// Takes keys in ascending order and gives the tree of them.
package struct KeyTreeBuilder: ~Copyable {
  package enum Failure: Error, Equatable, Sendable {
    /// The key is not above the one before it.
    case notAscending(at: Int)
    case badLength(at: Int)
  }

  private let tree = KeyTree()
  private var last: [UInt8] = []

  package init() {}

  package mutating func append(_ key: RawSpan, _ value: IndexValue) throws(Failure) {
    guard key.byteCount > 0, key.byteCount <= KeyTree.keyBytesMax else { throw .badLength(at: tree.count) }
    let previous = last
    guard tree.count == 0 || previous.span.bytes.compare(key) < 0 else { throw .notAscending(at: tree.count) }
    tree.insert(key, value)
    last.removeAll(keepingCapacity: true)
    key.withUnsafeBytes { last.append(contentsOf: $0) }
  }

  package consuming func finish() -> KeyTree { tree }
}
