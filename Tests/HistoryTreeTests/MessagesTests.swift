/// Messages that are hashed together have the hashes that they have alone, whatever the processor can do at once.
import Bytes
import TestSupport
import Testing

@testable import HistoryTree

@Suite struct MessagesTests {
  /// All widths that this processor has; 1 is there everywhere.
  static let widths = [1, 4, 8].filter { $0 <= Messages.lanesMax }

  static func message(_ count: Int, _ number: Int) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ number) }
  }

  static func hashes(_ messages: [[UInt8]], lanes: Int) -> [Digest] {
    var together = Messages(capacity: 16, lanes: lanes)
    for message in messages { together.add { $0.append(message.span.bytes) } }
    #expect(together.count == messages.count && together.byteCount == messages.reduce(0) { $0 + $1.count })
    var digests: [Digest] = []
    together.hash(to: &digests)
    #expect(together.isEmpty && together.byteCount == 0)
    return digests
  }

  static func alone(_ message: [UInt8]) -> Digest { Sodium.blake2b(message.span.bytes) }

  @Test("Every length up to four blocks and a bit, in lanes beside longer and shorter ones", arguments: widths)
  func lengths(lanes: Int) {
    let rising = (0...520).map { Self.message($0, $0) }
    #expect(Self.hashes(rising, lanes: lanes) == rising.map(Self.alone))
    #expect(Self.hashes(rising.reversed(), lanes: lanes) == rising.reversed().map(Self.alone))
  }

  @Test("Every number of messages around the lanes, of one length and of two", arguments: widths)
  func counts(lanes: Int) {
    for count in 0...40 {
      for length in [0, 1, 64, 127, 128, 129, 256, 257] {
        let equal = (0..<count).map { Self.message(length, $0) }
        #expect(Self.hashes(equal, lanes: lanes) == equal.map(Self.alone))
        let mixed = (0..<count).map { Self.message($0 % 3 == 0 ? length * 3 : length, $0) }
        #expect(Self.hashes(mixed, lanes: lanes) == mixed.map(Self.alone))
      }
    }
  }

  @Test("Any messages, a batch behind the other in the same buffer", arguments: widths)
  func any(lanes: Int) {
    var generator = SeededGenerator.fromEnvironment("MessagesTests.any")
    var together = Messages(lanes: lanes)
    var digests: [Digest] = []
    var expected: [Digest] = []
    for _ in 0..<50 {
      for number in 0..<Int.random(in: 0..<60, using: &generator) {
        let most = Int.random(in: 0..<20, using: &generator) == 0 ? 20_000 : 700
        let message = Self.message(Int.random(in: 0...most, using: &generator), number)
        together.add { $0.append(message.span.bytes) }
        expected.append(Self.alone(message))
      }
      together.hash(to: &digests)
    }
    #expect(digests == expected)
  }

  @Test("A digest that comes later is the end of its message only", arguments: widths)
  func laterEnd(lanes: Int) {
    let digest = Self.alone([1, 2, 3])
    var together = Messages(lanes: lanes)
    let messages = (0..<9).map { Self.message(40 + $0, $0) }
    for message in messages { together.add { $0.append(message.span.bytes) } }
    together.end(4, with: digest)
    var digests: [Digest] = []
    together.hash(to: &digests)
    var expected = messages.map(Self.alone)
    expected[4] = Self.alone(Array(messages[4].dropLast(Digest.bytes)) + digest.array)
    #expect(digests == expected)
  }
}
