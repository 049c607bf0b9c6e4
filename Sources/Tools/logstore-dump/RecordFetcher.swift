/// Reads single records by their place, through a block that is kept for the next one nearby.
internal import Bytes
internal import LogStore

struct RecordFetcher: ~Copyable {
  /// Bytes read at once before and behind the record that is asked for.
  private let bytesBefore: Int
  private let bytesBehind: Int
  /// What was read last.
  private(set) var block = ByteBuffer(capacity: 4_096)
  private var blockSegment = -1
  private var blockStart = 0

  init(bytesBefore: Int, bytesBehind: Int) {
    self.bytesBefore = bytesBefore
    self.bytesBehind = bytesBehind
  }

  /// Reads and checks the record at `place`; nil when it is not there any more. `range` tells where in `block` it is.
  mutating func fetch(_ place: RecordPlace, in segments: [SegmentFile]) -> (header: RecordHeader, range: Range<Int>)? {
    let segment = segments[place.segmentIndex]
    guard load(place, Layout.RecordHeader.size, segment) else { return nil }
    let start = place.offset - blockStart
    let length = Int(block.bytes.u32(start + Layout.RecordHeader.recordBytes))
    guard length >= Layout.RecordHeader.size, place.offset + length <= Int(clamping: segment.header.capacity),
      load(place, length, segment)
    else { return nil }
    let range = (place.offset - blockStart)..<(place.offset - blockStart + length)
    let record = block.bytes.extracting(range)
    guard let header = try? RecordHeader.decode(record, seed: segment.seed, offset: place.offset),
      (try? header.checkPayload(record, seed: segment.seed, offset: place.offset)) != nil
    else { return nil }
    return (header, range)
  }

  private mutating func load(_ place: RecordPlace, _ length: Int, _ segment: SegmentFile) -> Bool {
    if place.segmentIndex == blockSegment, place.offset >= blockStart,
      place.offset + length <= blockStart + block.count
    {
      return true
    }
    block.removeAll()
    blockSegment = place.segmentIndex
    blockStart = max(Layout.SegmentHeader.blockBytes, place.offset - bytesBefore)
    let end = place.offset + max(length, bytesBehind)
    do {
      try segment.file.read(at: UInt64(blockStart), length: end - blockStart, into: &block)
    } catch {
      // A bad page nearby must not hide this record.
      block.removeAll()
      blockStart = place.offset
      guard (try? segment.file.read(at: UInt64(blockStart), length: length, into: &block)) != nil else { return false }
    }
    return block.count >= place.offset - blockStart + length
  }
}
