/// What the tree is compared with, and the keys that it is tried with.
import Bytes
import KeyIndex

/// A map that is a sorted array.
struct SortedModel {
  private(set) var keys: [[UInt8]] = []
  private var values: [IndexValue] = []

  private func find(_ key: [UInt8]) -> (index: Int, found: Bool) {
    var low = 0
    var high = keys.count
    while low < high {
      let middle = (low + high) / 2
      if keys[middle].lexicographicallyPrecedes(key) { low = middle + 1 } else { high = middle }
    }
    return (low, low < keys.count && keys[low] == key)
  }

  func get(_ key: [UInt8]) -> IndexValue? {
    let (index, found) = find(key)
    return found ? values[index] : nil
  }

  mutating func insert(_ key: [UInt8], _ value: IndexValue) -> IndexValue? {
    let (index, found) = find(key)
    if found {
      defer { values[index] = value }
      return values[index]
    }
    keys.insert(key, at: index)
    values.insert(value, at: index)
    return nil
  }

  mutating func remove(_ key: [UInt8]) -> IndexValue? {
    let (index, found) = find(key)
    guard found else { return nil }
    keys.remove(at: index)
    return values.remove(at: index)
  }
}

/// Families of keys that are hard in different ways.
enum KeyShape: CaseIterable {
  /// Long shared prefixes with a number behind.
  case agent
  /// Few different bytes: many keys are prefixes of others.
  case nested
  /// 1 to 1,032 bytes.
  case long
  /// Any bytes.
  case random

  func key(_ generator: inout some RandomNumberGenerator) -> [UInt8] {
    switch self {
    case .agent:
      let agent = UInt64.random(in: 0..<20, using: &generator)
      return Array("agent-\(agent)/memory/\(UInt64.random(in: 0..<3_000, using: &generator))".utf8)
    case .nested:
      let length = Int.random(in: 1...9, using: &generator)
      return (0..<length).map { _ in [0, 1, 127, 255][Int.random(in: 0..<4, using: &generator)] }
    case .long:
      let length = [1, 2, 100, 600, 1_024, 1_032][Int.random(in: 0..<6, using: &generator)]
      let filler = UInt8([0x61, 0x62][Int.random(in: 0..<2, using: &generator)])
      var key = [UInt8](repeating: filler, count: length)
      for _ in 0..<3 {
        key[Int.random(in: 0..<length, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
      }
      return key
    case .random:
      return (0..<Int.random(in: 1...16, using: &generator)).map { _ in UInt8.random(in: 0...255, using: &generator) }
    }
  }
}

/// All orders of `0..<count`.
func permutations(_ count: Int) -> [[Int]] {
  guard count > 0 else { return [[]] }
  return permutations(count - 1).flatMap { order in
    (0...order.count).map { place in Array(order[..<place]) + [count - 1] + Array(order[place...]) }
  }
}

extension KeyTree {
  var allKeys: [[UInt8]] {
    var keys: [[UInt8]] = []
    let start: [UInt8] = []
    scan(from: start.span.bytes, inclusive: true) { key, _ in
      keys.append(key.array())
      return true
    }
    return keys
  }
}

/// The same calls with arrays.
extension KeyTree {
  @discardableResult
  func insert(_ key: [UInt8], _ value: IndexValue) -> IndexValue? { insert(key.span.bytes, value) }
  @discardableResult
  func remove(_ key: [UInt8]) -> IndexValue? { remove(key.span.bytes) }
  func get(_ key: [UInt8]) -> IndexValue? { get(key.span.bytes) }

  /// The first `limit` keys from `start` on.
  func keys(from start: [UInt8], inclusive: Bool, limit: Int) -> [[UInt8]] {
    var keys: [[UInt8]] = []
    scan(from: start.span.bytes, inclusive: inclusive) { key, _ in
      keys.append(key.array())
      return keys.count < limit
    }
    return keys
  }

  func keysBackward(from start: [UInt8], inclusive: Bool, limit: Int) -> [[UInt8]] {
    var keys: [[UInt8]] = []
    scanBackward(from: start.span.bytes, inclusive: inclusive) { key, _ in
      keys.append(key.array())
      return keys.count < limit
    }
    return keys
  }

  func keys(prefix: [UInt8], after: [UInt8]) -> [[UInt8]] {
    var keys: [[UInt8]] = []
    scan(prefix: prefix.span.bytes, after: after.span.bytes) { key, _ in
      keys.append(key.array())
      return true
    }
    return keys
  }
}

extension KeyTreeBuilder {
  mutating func append(_ key: [UInt8], _ value: IndexValue) throws(Failure) { try append(key.span.bytes, value) }
}
