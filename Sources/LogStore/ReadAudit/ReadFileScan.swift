/// Finds the sound records of one file of the stream of reads, also behind damage.
internal import Bytes

struct ReadFileScan {
  /// Where the sound records begin.
  private(set) var offsets: [Int] = []
  /// What can not be read and has a sound record behind it.
  private(set) var damages: [Range<Int>] = []
  /// Where the last sound record ends.
  private(set) var end = Layout.ReadFile.size

  /// - Parameter bytes: the whole file, as far as it counts.
  init(_ bytes: RawSpan, seed: FrameSeed) {
    var offset = end
    while offset < bytes.byteCount {
      if let record = ReadFileScan.record(bytes, offset, seed) {
        if offset > end { damages.append(end..<offset) }
        offsets.append(offset)
        offset += record.recordBytes
        end = offset
      } else {
        // The length may be what is wrong: a record begins at any byte.
        offset += 1
      }
    }
  }

  private static func record(_ bytes: RawSpan, _ offset: Int, _ seed: FrameSeed) -> ReadRecord? {
    try? ReadRecord.decode(bytes.extracting(offset..<bytes.byteCount), seed: seed.at(offset))
  }
}
