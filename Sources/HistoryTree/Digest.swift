/// 32 bytes that a hash function gave.
package import Bytes

@usableFromInline package struct Digest: Hashable, Sendable, BitwiseCopyable, CustomStringConvertible {
  // Four words instead of an array: a digest is copied without touching the heap.
  var first: UInt64 = 0
  var second: UInt64 = 0
  var third: UInt64 = 0
  var fourth: UInt64 = 0

  package static let bytes = 32

  /// 32 zeros.
  package init() {}

  /// The digest that stands at `offset`.
  package init(_ span: RawSpan, at offset: Int = 0) {
    first = span.u64(offset)
    second = span.u64(offset + 8)
    third = span.u64(offset + 16)
    fourth = span.u64(offset + 24)
  }

  package func append(to buffer: inout ByteBuffer) {
    for word in words { buffer.append(littleEndian: word) }
  }

  /// The bytes as four numbers, little-endian.
  package var words: [UInt64] { [first, second, third, fourth] }

  package var array: [UInt8] {
    var buffer = ByteBuffer(capacity: Digest.bytes)
    append(to: &buffer)
    return buffer.bytes.array()
  }

  package var base64: String { Base64.text(array) }

  /// A digest from its text; nil when it is not one.
  package init?(base64 text: String) {
    guard let bytes = Base64.bytes(text), bytes.count == Digest.bytes else { return nil }
    self.init(bytes.span.bytes)
  }

  @usableFromInline package var description: String { base64 }
}
