/// The `event_id` of an event: the same from every reader, on every replica, and after every compaction.
package import Bytes
package import LogStore

package enum EventIdentity {
  /// Bytes of an event id as text.
  package static let textBytes = 36

  /// Appends the id as text in the form of a UUID of version 8 (RFC 9562: bits of the application's own choice). The
  /// bits are the XXH3-128 of lineage, revision and time. The time is in it because in the weaker durability modes a
  /// crash can take a revision back, and the event that gets its number later is another one.
  package static func append(
    lineage: StoreIdentity, revision: Revision, time: Int64, to buffer: inout ByteBuffer
  ) {
    let start = buffer.count
    buffer.append(identity: lineage)
    buffer.append(littleEndian: revision.value)
    buffer.append(littleEndian: time)
    let hash = Checksum.xxh128(buffer.bytes.extracting(start..<buffer.count))
    buffer.truncate(to: start)
    let high = UInt64(truncatingIfNeeded: hash >> 64) & ~0xF000 | 0x8000
    let low = UInt64(truncatingIfNeeded: hash) & ~(0b11 << 62) | (0b10 << 62)
    appendHex(high >> 32, digits: 8, to: &buffer)
    buffer.append(UInt8(ascii: "-"))
    appendHex(high >> 16, digits: 4, to: &buffer)
    buffer.append(UInt8(ascii: "-"))
    appendHex(high, digits: 4, to: &buffer)
    buffer.append(UInt8(ascii: "-"))
    appendHex(low >> 48, digits: 4, to: &buffer)
    buffer.append(UInt8(ascii: "-"))
    appendHex(low, digits: 12, to: &buffer)
  }

  private static func appendHex(_ value: UInt64, digits: Int, to buffer: inout ByteBuffer) {
    var shift = UInt64(digits) * 4
    while shift > 0 {
      shift -= 4
      let digit = UInt8(value >> shift & 15)
      buffer.append(digit < 10 ? 0x30 + digit : 0x57 + digit)
    }
  }
}
