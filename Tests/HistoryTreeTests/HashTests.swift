/// The hash, its domains, and texts: against vectors that others have published, and against each other.
import Bytes
import Testing

@testable import HistoryTree

@Suite struct HashTests {
  static func hex(_ bytes: [UInt8]) -> String { Hex.text(bytes) }

  /// Made with Python's hashlib.blake2b(…, digest_size=32), which follows RFC 7693.
  @Test("BLAKE2b-256 gives the published digests")
  func vectors() {
    #expect(
      Self.hex(Sodium.blake2b(RawSpan()).array)
        == "0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8")
    #expect(
      Self.hex(Sodium.blake2b([UInt8]("abc".utf8).span.bytes).array)
        == "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319")
    let whole = Sodium.blake2b([UInt8]("abc".utf8).span.bytes)
    #expect(Sodium.blake2b([UInt8]("a".utf8).span.bytes, [UInt8]("bc".utf8).span.bytes) == whole)
  }

  /// The leaves of the reference tests of RFC 6962's implementations, whose structure is the same with any hash. The
  /// roots were computed with Python's hashlib by the definition.
  @Test("The eight leaves of the reference tests give these roots")
  func referenceTree() {
    let texts: [[UInt8]] = [
      [], [0x00], [0x10], [0x20, 0x21], [0x30, 0x31], [0x40, 0x41, 0x42, 0x43],
      [0x50, 0x51, 0x52, 0x53, 0x54, 0x55, 0x56, 0x57],
      [0x60, 0x61, 0x62, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69, 0x6a, 0x6b, 0x6c, 0x6d, 0x6e, 0x6f],
    ]
    var frontier = Frontier()
    for (text, root) in zip(texts, Self.referenceRoots) {
      frontier.append(TreeHash.leaf(text.span.bytes))
      #expect(Self.hex(frontier.root.array) == root)
    }
  }

  static let referenceRoots = [
    "03170a2e7597b7b7e3d84c05391d139a62b157e78786d8c082f29dcf4c111314",
    "607844f4b0299f5c45d63dd035de1f8d697711c7f092b8fa82325f670f6d386a",
    "6ee5d7ded74104b2316b73f9843e14d16d9c5f553a39cbd7da7c3c8238fe0b0e",
    "dad1013557a71536d36ab10db2ea4847bed7ded78aa9d2682ffc0e221e758444",
    "a69507075082f2f7bd0e3e23bd31d7082c4c78ce98d87d897f7990eecf7d6ec5",
    "76840409bd8cc8be20c053d9569472d0bbea7b4f483cd5ae0624ef253c64f227",
    "ae8349a901b95ac305157e4ff4f5cf486653fed085ea4dd59a59c9375682933e",
    "59cc7108743d34853ea37ea07558da3407712c7f0fdb76e59753eb243e0c438e",
  ]

  @Test("Leaves, nodes and commitments of the same bytes differ")
  func domains() {
    let left = NaiveTree.leaf(1)
    let right = NaiveTree.leaf(2)
    let both = left.array + right.array
    let salt = [UInt8](repeating: 7, count: 16)
    #expect(TreeHash.leaf(both.span.bytes) != TreeHash.node(left, right))
    #expect(TreeHash.node(left, right) != TreeHash.node(right, left))
    let commitment = TreeHash.commitment(salt: salt.span.bytes, payload: both.span.bytes)
    let input = salt + [64, 0, 0, 0] + both
    #expect(commitment == Sodium.blake2b(([2] + input).span.bytes))
    #expect(commitment != TreeHash.leaf(input.span.bytes))
  }

  @Test("Base64 goes there and back, and no second text stands for the same bytes")
  func base64() {
    for count in 0...70 {
      let bytes = (0..<count).map { UInt8(($0 * 37 + count) & 255) }
      let text = Base64.text(bytes)
      #expect(Base64.bytes(text) == bytes)
    }
    #expect(Base64.text(Array("foobar".utf8)) == "Zm9vYmFy" && Base64.text(Array("fooba".utf8)) == "Zm9vYmE=")
    for text in ["A", "AA", "AAA", "AB==", "AAB=", "A===", "====", "AA=A", "AA-_", "AAAA\n", " AAA", "AAAA="] {
      #expect(Base64.bytes(text) == nil, "\(text)")
    }
  }
}
