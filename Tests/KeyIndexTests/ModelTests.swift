/// The tree against a sorted array that does the same, over every small order and over millions of random changes.
import Bytes
import KeyIndex
import Testing
import TestSupport

@Suite struct ModelTests {
  static func value(_ number: Int) -> IndexValue { IndexValue(low: UInt64(number), high: ~UInt64(number)) }

  @Test("All orders of inserting and of deleting seven keys keep the tree right")
  func exhaustiveOrders() {
    let keys: [[UInt8]] = [[0], [0, 0], [1], [1, 0], [1, 255], [255], [255, 255]]
    for order in permutations(7) {
      let tree = KeyTree()
      for index in order { tree.insert(keys[index], Self.value(index)) }
      #expect(tree.violations() == [] && tree.allKeys == keys)
      for index in order.reversed() {
        #expect(tree.remove(keys[index]) == Self.value(index))
      }
      #expect(tree.violations() == [] && tree.count == 0)
    }
  }

  @Test("Random changes give what a sorted array gives", arguments: KeyShape.allCases)
  func random(_ shape: KeyShape) {
    var generator = SeededGenerator.fromEnvironment("ModelTests.random \(shape)")
    let tree = KeyTree()
    var model = SortedModel()
    for step in 0..<60_000 {
      let key = shape.key(&generator)
      let growing = step % 20_000 < 12_000
      if generator.next() % 100 < (growing ? 75 : 25) {
        let value = Self.value(step)
        #expect(tree.insert(key, value) == model.insert(key, value))
      } else {
        let victim =
          model.keys.isEmpty || generator.next() % 4 == 0 ? key : model.keys.randomElement(using: &generator)!
        #expect(tree.remove(victim) == model.remove(victim))
      }
      #expect(tree.get(key) == model.get(key))
      if step % 499 == 0 { #expect(tree.violations() == []) }
    }
    #expect(tree.violations() == [])
    #expect(tree.allKeys == model.keys)
    for key in model.keys { #expect(tree.get(key) == model.get(key)) }
  }

  @Test("After every single change of a small tree with long keys nothing is wrong")
  func invariantsAfterEveryChange() {
    var generator = SeededGenerator.fromEnvironment("ModelTests.invariantsAfterEveryChange")
    let tree = KeyTree()
    var model = SortedModel()
    for step in 0..<6_000 {
      let key = KeyShape.long.key(&generator)
      if step % 3_000 < 1_500, generator.next() % 4 != 0 {
        _ = tree.insert(key, Self.value(step)) == model.insert(key, Self.value(step))
      } else if let victim = model.keys.randomElement(using: &generator) {
        #expect(tree.remove(victim) == model.remove(victim))
      }
      #expect(tree.violations() == [])
    }
    #expect(tree.allKeys == model.keys)
  }

  @Test("Keys in ascending and descending order, and taken out in both", arguments: [false, true], [false, true])
  func ordered(insertBackward: Bool, removeBackward: Bool) {
    let keys = (0..<20_000).map { Array("agent-042/memory/\(1_000_000 + $0)".utf8) }
    let tree = KeyTree()
    for key in insertBackward ? keys.reversed() : keys { tree.insert(key, Self.value(1)) }
    #expect(tree.violations() == [])
    #expect(tree.allKeys == keys)
    for key in removeBackward ? keys.reversed() : keys { #expect(tree.remove(key) != nil) }
    #expect(tree.count == 0 && tree.violations() == [])
  }

  @Test("Ascending runs side by side, as agents write them, leave full leaves: under 40 bytes a key beyond the key")
  func runs() {
    let tree = KeyTree()
    var keys: [[UInt8]] = []
    for number in 0..<4_000 {
      for agent in 10..<60 { keys.append(Array("agent-\(agent)/memory/\(10_000_000 + number)".utf8)) }
    }
    for key in keys { tree.insert(key, Self.value(1)) }
    #expect(tree.violations() == [])
    #expect(tree.allKeys == keys.sorted { $0.lexicographicallyPrecedes($1) })
    #expect(tree.memoryBytes / keys.count - keys[0].count <= 40, "\(tree.memoryBytes / keys.count)")
    for key in keys.reversed() { #expect(tree.remove(key) != nil) }
    #expect(tree.count == 0 && tree.violations() == [])
  }

  @Test("Random keys take under 40 bytes beyond the key")
  func memory() {
    var generator = SeededGenerator.fromEnvironment("ModelTests.memory")
    let tree = KeyTree()
    for _ in 0..<300_000 {
      let number = String(generator.next() % 1_000_000_000_000, radix: 10)
      tree.insert(Array("memory/\(String(repeating: "0", count: 12 - number.count))\(number)/item".utf8), Self.value(1))
    }
    #expect(tree.violations() == [])
    #expect(tree.memoryBytes / tree.count - 24 <= 40, "\(tree.memoryBytes / tree.count)")
  }
}
