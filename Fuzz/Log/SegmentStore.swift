/// A store of one or two segments on a disk in memory, from an input of a fuzzer.
internal import Bytes
internal import LogStore

package struct SegmentStore {
  package let disk = MemoryDisk()
  package let choices: Choices

  /// The first five bytes of an input.
  package struct Choices {
    private let mode: UInt8
    /// What the manifest says was durable.
    let durableThrough: UInt64
    /// Bytes of frames in the first segment, when there are two.
    let split: Int
    /// The first revision that the second segment may hold.
    let baseRevision: UInt64

    static let bytes = 5

    init(_ input: RawSpan) {
      mode = input.u8(0)
      durableThrough = UInt64(input.u8(1))
      split = Int(input.u16(2)) * Layout.alignment
      baseRevision = UInt64(input.u8(4))
    }

    var repairs: Bool { mode & 1 != 0 }
    var hasTwo: Bool { mode & 2 != 0 }
    /// The second segment's header says that the first one ends with its frames.
    var isCut: Bool { mode & 4 != 0 }
    package var recovers: Bool { mode & 8 != 0 }
    var repairsLengths: Bool { mode & 16 != 0 }
    /// The first segment is one of a row: its first frame need not be revision 1.
    var hasSpare: Bool { mode & 32 != 0 }
    /// The second segment's header can not be read.
    var losesHeader: Bool { mode & 128 != 0 }
  }

  private static let store = StoreIdentity(high: 1, low: 2)
  /// Zeros behind the frames of a segment.
  private static let spareBytes = 128

  static func seed(of number: UInt32) -> FrameSeed {
    FrameSeed(store: store, segment: SegmentNumber(number), generation: 0)
  }

  /// nil for an input that is too short.
  package init?(_ input: RawSpan) {
    guard input.byteCount >= Choices.bytes else { return nil }
    choices = Choices(input)
    let frames = input.extracting(Choices.bytes..<input.byteCount)
    let split = choices.hasTwo ? min(choices.split, frames.byteCount & ~7) : frames.byteCount
    var segments = [place(1, frames.extracting(0..<split), baseRevision: Revision(1))]
    if choices.hasTwo {
      segments.append(
        place(
          2, frames.extracting(split..<frames.byteCount),
          predecessorEnd: choices.isCut ? UInt64(Layout.SegmentHeader.blockBytes + split) : 0,
          baseRevision: Revision(choices.baseRevision), losesHeader: choices.losesHeader))
    }
    if choices.hasSpare { segments.append(place(UInt32(segments.count + 1), frames.extracting(0..<0))) }
    let manifest = Manifest(
      store: SegmentStore.store, lineage: SegmentStore.store, sequence: 2, epoch: 1,
      durableThrough: Revision(choices.durableThrough), writtenAt: 0, segments: segments)
    disk.place("MANIFEST-A", manifest.encode())
    disk.place("MANIFEST-B", manifest.encode())
  }

  private func place(
    _ number: UInt32, _ frames: RawSpan, predecessorEnd: UInt64 = 0, baseRevision: Revision = .none,
    losesHeader: Bool = false
  ) -> Manifest.Segment {
    let capacity = Layout.SegmentHeader.blockBytes + Layout.aligned(frames.byteCount) + SegmentStore.spareBytes
    let header = SegmentHeader(
      store: SegmentStore.store, lineage: SegmentStore.store, number: SegmentNumber(number), capacity: UInt64(capacity),
      predecessorEnd: predecessorEnd, baseRevision: baseRevision, epoch: 1, createdAt: Samples.time)
    var file = ByteBuffer(capacity: capacity)
    header.encode(into: &file)
    if losesHeader { file.store(littleEndian: UInt64(0), at: 0) }
    file.append(frames)
    if choices.repairs {
      ChecksumRepair.frames(
        &file, Layout.SegmentHeader.blockBytes..<file.count, seed: SegmentStore.seed(of: number),
        base: Layout.SegmentHeader.blockBytes, lengths: choices.repairsLengths)
    }
    file.append(zeros: capacity - file.count)
    disk.place(StoreNames.segment(SegmentNumber(number), generation: 0), file)
    return .init(number: SegmentNumber(number), generation: 0, capacity: UInt64(capacity))
  }
}
