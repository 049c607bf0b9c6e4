/// Many messages that are hashed together: several at once, in the lanes of the processor's vectors, where it has them.
package import Bytes
internal import CBlake2b

package struct Messages: ~Copyable, Sendable {
  private var bytes: ByteBuffer
  private var messages: [mfh_message] = []
  private let lanes: Int

  /// As many as this processor has, 1 for one message after the other.
  package static let lanesMax = Int(mfh_blake2b_lanes())

  /// - Parameters:
  ///   - capacity: in bytes; there is room for more.
  ///   - lanes: how many messages are hashed at once: 8, 4 or 1, `lanesMax` at most.
  package init(capacity: Int = 4_096, lanes: Int = Messages.lanesMax) {
    precondition([1, 4, 8].contains(lanes) && lanes <= Messages.lanesMax, "the processor has so many lanes")
    bytes = ByteBuffer(capacity: capacity)
    self.lanes = lanes
  }

  package var count: Int { messages.count }
  package var isEmpty: Bool { messages.isEmpty }
  package var byteCount: Int { bytes.count }

  /// Adds the message that `write` appends to the buffer.
  package mutating func add(_ write: (inout ByteBuffer) -> Void) {
    let start = bytes.count
    write(&bytes)
    precondition(bytes.count <= Int(UInt32.max), "messages that are hashed together have less than 4 GiB")
    messages.append(mfh_message(start: UInt32(start), count: UInt32(bytes.count - start)))
  }

  /// Writes a digest over the last 32 bytes of a message.
  package mutating func end(_ message: Int, with digest: Digest) {
    precondition(messages[message].count >= UInt32(Digest.bytes), "the message has room for a digest")
    let offset = Int(messages[message].start + messages[message].count) - Digest.bytes
    bytes.store(littleEndian: digest.first, at: offset)
    bytes.store(littleEndian: digest.second, at: offset + 8)
    bytes.store(littleEndian: digest.third, at: offset + 16)
    bytes.store(littleEndian: digest.fourth, at: offset + 24)
  }

  /// Hashes the messages with BLAKE2b-256, appends what comes out in their order, and forgets them.
  package mutating func hash(to digests: inout [Digest]) {
    let first = digests.count
    digests.append(contentsOf: repeatElement(Digest(), count: messages.count))
    if lanes == 1 {
      for (index, message) in messages.enumerated() {
        let start = Int(message.start)
        digests[first + index] = Sodium.blake2b(bytes.bytes.extracting(start..<(start + Int(message.count))))
      }
    } else if !messages.isEmpty {
      hashTogether(to: &digests, from: first)
    }
    bytes.removeAll()
    messages.removeAll(keepingCapacity: true)
  }

  private func hashTogether(to digests: inout [Digest], from first: Int) {
    unsafe bytes.bytes.withUnsafeBytes { bytes in
      unsafe digests.withUnsafeMutableBytes { digests in
        let room = unsafe digests.baseAddress?.advanced(by: first * Digest.bytes)
        unsafe mfh_blake2b_many(Int32(lanes), bytes.baseAddress, messages, messages.count, room)
      }
    }
  }
}
