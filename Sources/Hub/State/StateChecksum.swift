/// The state checksum: the sum modulo 2^128 of a hash of every live key's block. CONTRACT: "State checksum".
package import Bytes
package import LogStore

package struct StateChecksum: Equatable, Sendable {
  package private(set) var sum: UInt128 = 0

  package init() {}

  init(sum: UInt128) { self.sum = sum }

  package mutating func add(_ block: UInt128) { sum &+= block }
  package mutating func remove(_ block: UInt128) { sum &-= block }

  /// 32 lower-case hexadecimal digits.
  package var text: String {
    let digits = String(sum, radix: 16)
    return String(repeating: "0", count: 32 - digits.utf8.count) + digits
  }

  /// XXH3-128 over key length (u32), key, revision (u64), item length (u32), item as stored. `scratch` is overwritten.
  package static func block(
    key: RawSpan, revision: Revision, item: RawSpan, scratch: inout ByteBuffer
  ) -> UInt128 {
    Checksum.stateBlock(key: key, revision: revision, item: item, scratch: &scratch)
  }
}
