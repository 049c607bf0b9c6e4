/// Walks: from every key and between all keys, both ways; by prefix; in chunks while the tree changes.
import Bytes
import KeyIndex
import Testing
import TestSupport

@Suite struct ScanTests {
  private func tree(_ keys: [[UInt8]]) -> KeyTree {
    let tree = KeyTree()
    for (index, key) in keys.enumerated() { tree.insert(key, ModelTests.value(index)) }
    return tree
  }

  @Test("A scan from any key, there or not, gives the keys behind it, and backwards those before it")
  func everyStart() {
    let keys = (0..<600).map { Array("k/\(1_000 + $0 * 2)".utf8) }
    let tree = tree(keys)
    for start in (999...2_202).map({ Array("k/\($0)".utf8) }) + [Array("a".utf8), Array("z".utf8), [0], [255]] {
      for inclusive in [true, false] {
        let behind = keys.filter { start.lexicographicallyPrecedes($0) || inclusive && $0 == start }
        #expect(tree.keys(from: start, inclusive: inclusive, limit: 5) == Array(behind.prefix(5)))
        let before = keys.filter { $0.lexicographicallyPrecedes(start) || inclusive && $0 == start }
        #expect(tree.keysBackward(from: start, inclusive: inclusive, limit: 5) == Array(before.reversed().prefix(5)))
      }
    }
    var all: [[UInt8]] = []
    tree.scanBackward { key, _ in
      all.append(key.array())
      return true
    }
    #expect(all == Array(keys.reversed()))
  }

  @Test("A prefix scan gives exactly the keys with the prefix, behind the given key")
  func prefixes() {
    var generator = SeededGenerator.fromEnvironment("ScanTests.prefixes")
    let keys = Set((0..<3_000).map { _ in KeyShape.nested.key(&generator) })
      .sorted { $0.lexicographicallyPrecedes($1) }
    let tree = tree(keys)
    for _ in 0..<2_000 {
      let prefix = Array(KeyShape.nested.key(&generator).prefix(Int.random(in: 0...3, using: &generator)))
      let after = Bool.random(using: &generator) ? [] : KeyShape.nested.key(&generator)
      let expected = keys.filter {
        $0.starts(with: prefix) && (after.isEmpty || after.lexicographicallyPrecedes($0))
      }
      #expect(tree.keys(prefix: prefix, after: after) == expected)
    }
  }

  @Test("A scan in chunks and the later changes together give the final state, whatever changes in between")
  func fuzzyCut() {
    var generator = SeededGenerator.fromEnvironment("ScanTests.fuzzyCut")
    for _ in 0..<60 {
      let tree = KeyTree()
      var model = SortedModel()
      for step in 0..<1_500 {
        let key = KeyShape.agent.key(&generator)
        tree.insert(key, ModelTests.value(step))
        _ = model.insert(key, ModelTests.value(step))
      }
      var image = SortedModel()
      var log: [([UInt8], IndexValue?)] = []
      var cursor = ScanCursor()
      while !cursor.isAtEnd {
        tree.scanChunk(&cursor, limit: Int.random(in: 1...200, using: &generator)) { key, value in
          _ = image.insert(key.array(), value)
        }
        for step in 0..<Int.random(in: 0...60, using: &generator) {
          let key = KeyShape.agent.key(&generator)
          let value = Bool.random(using: &generator) ? ModelTests.value(1_000_000 + step) : nil
          if let value { tree.insert(key, value) } else { tree.remove(key) }
          log.append((key, value))
        }
      }
      for (key, value) in log {
        if let value { _ = image.insert(key, value) } else { _ = image.remove(key) }
      }
      #expect(image.keys == tree.allKeys)
      for key in image.keys { #expect(image.get(key) == tree.get(key)) }
    }
  }

  @Test("A builder takes ascending keys and refuses all others")
  func builder() throws {
    var builder = KeyTreeBuilder()
    let keys = (0..<50_000).map { Array("session/\(100_000 + $0)".utf8) }
    for (index, key) in keys.enumerated() { try builder.append(key, ModelTests.value(index)) }
    let tree = builder.finish()
    #expect(tree.violations() == [] && tree.allKeys == keys)
    var second = KeyTreeBuilder()
    let (a, b): ([UInt8], [UInt8]) = ([2], [1])
    try second.append(a, ModelTests.value(0))
    #expect(throws: KeyTreeBuilder.Failure.notAscending(at: 1)) { try second.append(a, ModelTests.value(0)) }
    #expect(throws: KeyTreeBuilder.Failure.notAscending(at: 1)) { try second.append(b, ModelTests.value(0)) }
  }
}
