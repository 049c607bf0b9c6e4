/// The keys of the benchmark: made before anything is measured, in one run of bytes, so that they cost no memory later.
import BenchSupport
import Bytes

/// Distinct keys of 25 bytes in byte order, and an order in which to visit them.
struct BenchKeys: ~Copyable {
  enum Shape: String, CaseIterable {
    /// `agent-042/memory/00012345`: what the hub sees.
    case agent
    /// Nothing in common: the worst case for a tree that strips what keys share.
    case random
  }

  static let keyBytes = 25
  let shape: Shape
  let count: Int
  private var text: ByteBuffer
  /// A fixed permutation of the keys' places.
  private(set) var shuffled: [UInt32]

  init(_ shape: Shape, count: Int) {
    self.shape = shape
    self.count = count
    text = ByteBuffer(capacity: count * BenchKeys.keyBytes)
    var generator = Generator(state: 42)
    switch shape {
    case .agent: BenchKeys.appendAgentKeys(count, to: &text)
    case .random: BenchKeys.appendRandomKeys(count, to: &text, &generator)
    }
    shuffled = (0..<UInt32(count)).shuffled(using: &generator)
  }

  borrowing func withKey<Result>(_ index: Int, _ body: (RawSpan) -> Result) -> Result {
    body(text.bytes.extracting(index * BenchKeys.keyBytes..<(index + 1) * BenchKeys.keyBytes))
  }

  private static func appendAgentKeys(_ count: Int, to text: inout ByteBuffer) {
    let perAgent = max(1, (count + 99) / 100)
    for index in 0..<count {
      text.append("agent-")
      appendDigits(index / perAgent, 3, to: &text)
      text.append("/memory/")
      appendDigits(index % perAgent, 8, to: &text)
    }
  }

  private static func appendDigits(_ number: Int, _ digits: Int, to text: inout ByteBuffer) {
    var power = 1
    for _ in 1..<digits { power *= 10 }
    while power > 0 {
      text.append(UInt8(48 + number / power % 10))
      power /= 10
    }
  }

  /// The first eight bytes ascend by random steps, so the keys come out sorted and distinct.
  private static func appendRandomKeys(_ count: Int, to text: inout ByteBuffer, _ generator: inout Generator) {
    let step = UInt64.max / UInt64(count)
    for index in 0..<count {
      let first = UInt64(index) * step + generator.next() % step
      text.append(littleEndian: first.bigEndian)
      for _ in 0..<2 { text.append(littleEndian: generator.next()) }
      text.append(UInt8(truncatingIfNeeded: generator.next()))
    }
  }
}
