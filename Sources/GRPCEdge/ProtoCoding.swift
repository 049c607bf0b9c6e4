/// Protobuf messages as gRPC's bytes, and back.
internal import GRPCCore
internal import Hub
internal import Server
internal import SwiftProtobuf

/// Bytes of one kind as the other library wants to see them.
struct BytesBetween<Bytes: GRPCContiguousBytes>: SwiftProtobufContiguousBytes {
  var bytes: Bytes

  init(_ bytes: Bytes) { self.bytes = bytes }
  init(repeating byte: UInt8, count: Int) { bytes = Bytes(repeating: byte, count: count) }
  init<S: Sequence>(_ sequence: S) where S.Element == UInt8 { bytes = Bytes(sequence) }

  var count: Int { bytes.count }

  func withUnsafeBytes<R>(_ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R {
    try bytes.withUnsafeBytes(body)
  }

  mutating func withUnsafeMutableBytes<R>(_ body: (UnsafeMutableRawBufferPointer) throws -> R) rethrows -> R {
    try bytes.withUnsafeMutableBytes(body)
  }
}

struct ProtoReader<Message: SwiftProtobuf.Message>: MessageDeserializer {
  func deserialize<Bytes: GRPCContiguousBytes>(_ bytes: Bytes) throws -> Message {
    do {
      return try Message(serializedBytes: BytesBetween(bytes))
    } catch {
      throw RPCError(.invalidRequest, "the message is no \(Message.protoMessageName)")
    }
  }
}

struct ProtoWriter<Message: SwiftProtobuf.Message>: MessageSerializer {
  let bytesMax: Int

  func serialize<Bytes: GRPCContiguousBytes>(_ message: Message) throws -> Bytes {
    let encoded: BytesBetween<Bytes> = try message.serializedBytes()
    guard encoded.count <= bytesMax else {
      throw RPCError(
        .tooLarge, "the reply has \(encoded.count) bytes, the limit reply_bytes is \(bytesMax): ask for less")
    }
    return encoded.bytes
  }
}
