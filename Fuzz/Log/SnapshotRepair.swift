/// Makes the checksums, ordinals and counts of a changed snapshot right again.
package import Bytes
@testable internal import LogStore

package enum SnapshotRepair {
  package static func repair(_ file: inout ByteBuffer) {
    typealias Tail = Layout.SnapshotTail
    guard file.count >= Layout.Snapshot.size + Tail.size else { return }
    file.store(
      littleEndian: Checksum.xxh3(file.bytes.extracting(8..<Layout.Snapshot.size), seed: 0), at: 0)
    let store = file.bytes.identity(Layout.Snapshot.store)
    let seed = SnapshotSeed(store: store, nonce: file.bytes.u64(Layout.Snapshot.nonce))
    let tail = file.count - Tail.size
    let blocks = repairBlocks(&file, Layout.Snapshot.size..<tail, seed)
    file.store(littleEndian: Tail.magic, at: tail + Tail.magicOffset)
    file.store(littleEndian: UInt64(blocks), at: tail + Tail.blockCount)
    file.store(littleEndian: UInt64(file.count), at: tail + Tail.totalBytes)
    let checksum = Checksum.xxh3(file.bytes.extracting((tail + 8)..<file.count), seed: seed.at(tail))
    file.store(littleEndian: checksum, at: tail)
  }

  /// Repairs blocks as far as their lengths lead; returns how many there are.
  private static func repairBlocks(_ file: inout ByteBuffer, _ range: Range<Int>, _ seed: SnapshotSeed) -> UInt32 {
    typealias Block = Layout.SnapshotBlock
    var start = range.lowerBound
    var ordinal: UInt32 = 0
    while start + Block.size <= range.upperBound {
      let payload = start + Block.size
      let length = Int(file.bytes.u32(start + Block.payloadBytes))
      if length <= range.upperBound - payload {
        let checksum = Checksum.xxh3(file.bytes.extracting(payload..<(payload + length)), seed: seed.at(payload))
        file.store(littleEndian: checksum, at: start + Block.payloadChecksum)
      }
      file.store(littleEndian: ordinal, at: start + Block.ordinal)
      let checksum = Checksum.xxh3(file.bytes.extracting((start + 8)..<payload), seed: seed.at(start))
      file.store(littleEndian: checksum, at: start)
      ordinal += 1
      guard length <= range.upperBound - payload else { break }
      start = payload + Layout.aligned(length)
    }
    return ordinal
  }
}
