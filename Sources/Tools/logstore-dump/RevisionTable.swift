/// Where each revision lies: 8 bytes a revision, filled in while the log is read, in chunks so that a gap costs nothing.
internal import LogStore

/// A place in the log: the index of the segment in the order of reading, and the byte at which the record begins.
struct RecordPlace: Equatable {
  let packed: UInt64
  /// No record lies at byte 0 of a segment.
  static let none = RecordPlace(packed: 0)

  init(packed: UInt64) { self.packed = packed }
  init(segmentIndex: Int, offset: Int) { packed = UInt64(segmentIndex) << 32 | UInt64(UInt32(offset)) }

  var segmentIndex: Int { Int(packed >> 32) }
  var offset: Int { Int(packed & 0xFFFF_FFFF) }
}

struct RevisionTable {
  private static let chunkBits: UInt64 = 16
  private static let chunkCount = 1 << 16
  private var chunks: [[UInt64]] = []
  private var chunkIndex: [UInt64: Int] = [:]
  /// The chunk that was used last: revisions come in order.
  private var lastChunk: (number: UInt64, index: Int) = (.max, 0)

  mutating func note(_ revision: Revision, at place: RecordPlace) {
    let number = revision.value >> RevisionTable.chunkBits
    if number != lastChunk.number {
      let index = chunkIndex[number] ?? chunks.count
      if index == chunks.count {
        chunks.append([UInt64](repeating: 0, count: RevisionTable.chunkCount))
        chunkIndex[number] = index
      }
      lastChunk = (number, index)
    }
    chunks[lastChunk.index][Int(revision.value & 0xFFFF)] = place.packed
  }

  /// `RecordPlace.none` for a revision that was not met.
  func place(of revision: Revision) -> RecordPlace {
    let number = revision.value >> RevisionTable.chunkBits
    let index = number == lastChunk.number ? lastChunk.index : chunkIndex[number]
    guard let index else { return .none }
    return RecordPlace(packed: chunks[index][Int(revision.value & 0xFFFF)])
  }
}
