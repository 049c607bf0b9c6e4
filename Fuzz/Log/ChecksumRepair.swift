/// Makes the checksums of changed bytes right again. Without it a fuzzer never gets past them: a change that it makes would
/// be noticed at once, and what lies behind would stay untested.
package import Bytes
package import LogStore

package enum ChecksumRepair {
  /// Repairs every record in `range` of `buffer`, as far as their lengths lead.
  ///
  /// - Parameters:
  ///   - base: the byte of the segment at which `range` begins.
  ///   - lengths: whether `record_bytes` is made to fit the other lengths too.
  package static func records(
    _ buffer: inout ByteBuffer, _ range: Range<Int>, seed: FrameSeed, base: Int, lengths: Bool
  ) {
    typealias Field = Layout.RecordHeader
    var start = range.lowerBound
    while start + Field.size <= range.upperBound {
      var payload = start + Field.size
      for length in [Field.keyBytes, Field.agentBytes, Field.correlationBytes, Field.requestBytes] {
        payload += Int(buffer.bytes.u16(start + length))
      }
      guard payload <= range.upperBound else { return }
      let end = payload + Int(buffer.bytes.u32(start + Field.storedBytes))
      let place = seed.at(base + start - range.lowerBound)
      if end <= range.upperBound {
        let checksum = Checksum.xxh3(buffer.bytes.extracting(payload..<end), seed: place)
        buffer.store(littleEndian: checksum, at: start + Field.payloadChecksum)
        if lengths { buffer.store(littleEndian: UInt32(Layout.aligned(end - start)), at: start + Field.recordBytes) }
      }
      let checksum = Checksum.xxh3(buffer.bytes.extracting((start + 8)..<payload), seed: place)
      buffer.store(littleEndian: checksum, at: start + Field.checksum)
      let length = Int(buffer.bytes.u32(start + Field.recordBytes))
      guard length > 0, length <= range.upperBound - start else { return }
      start += length
    }
  }

  /// Repairs the row of frames in `range` of `buffer`, with what is in them, as far as their lengths lead. What has no
  /// magic number is left as it is, and ends the row.
  package static func frames(
    _ buffer: inout ByteBuffer, _ range: Range<Int>, seed: FrameSeed, base: Int, lengths: Bool
  ) {
    typealias Field = Layout.FrameHeader
    var start = range.lowerBound
    while start + Field.size <= range.upperBound, buffer.bytes.u32(start + Field.magicOffset) == Field.magic {
      let place = base + start - range.lowerBound
      let body = start + Field.size
      let length = Int(buffer.bytes.u32(start + Field.bodyBytes))
      let isWhole = length <= range.upperBound - body
      if isWhole, buffer.bytes.u8(start + Field.kind) == FrameKind.seal.rawValue, length >= 8 {
        let checksum = Checksum.xxh3(
          buffer.bytes.extracting((body + 8)..<(body + length)), seed: seed.at(place + Field.size))
        buffer.store(littleEndian: checksum, at: body)
      } else if isWhole {
        records(&buffer, body..<(body + length), seed: seed, base: place + Field.size, lengths: lengths)
      }
      let header = (start + 8)..<(start + Field.size)
      let checksum = Checksum.xxh3(buffer.bytes.extracting(header), seed: seed.at(place))
      buffer.store(littleEndian: checksum, at: start)
      guard isWhole else { return }
      start = body + length
    }
  }

  package static func manifest(_ buffer: inout ByteBuffer) {
    guard buffer.count >= Layout.Manifest.size else { return }
    buffer.store(littleEndian: UInt32(buffer.count), at: Layout.Manifest.totalBytes)
    let checksum = Checksum.xxh3(buffer.bytes.extracting(8..<buffer.count), seed: 0)
    buffer.store(littleEndian: checksum, at: Layout.Manifest.checksum)
  }
}
