/// The sparse table of a segment: which revision and time lie at which byte. It is built as frames are written or
/// scanned, and stored in the segment's seal. See FORMAT.md, "Seal".
package import Bytes

package struct CommitTable: Equatable, Sendable {
  package struct Entry: Equatable, Sendable, BitwiseCopyable {
    package var firstRevision: Revision
    /// Microseconds since 1970.
    package var time: Int64
    package var offset: UInt64
    /// Bytes of the frame at `offset`.
    package var frameBytes: UInt32
  }

  /// A record inside of a long frame, so that nobody has to walk all of it.
  package struct Mark: Equatable, Sendable, BitwiseCopyable {
    package var revision: Revision
    package var offset: UInt64
  }

  package private(set) var entries: [Entry] = []
  package private(set) var marks: [Mark] = []

  package init() {}

  /// Notes a commit frame, unless the last noted one is less than a stride away.
  package mutating func note(_ header: FrameHeader, at offset: Int) {
    guard header.kind == .commit else { return }
    if let last = entries.last, UInt64(offset) < last.offset + UInt64(Layout.Seal.commitTableStrideBytes) { return }
    entries.append(
      Entry(
        firstRevision: header.firstRevision, time: header.time, offset: UInt64(offset),
        frameBytes: UInt32(header.frameBytes)))
  }

  /// Notes records of a long commit frame, a stride from each other. `body` is checked, or our own.
  package mutating func markRecords(_ header: FrameHeader, at offset: Int, _ body: RawSpan) {
    let stride = Layout.Seal.commitTableStrideBytes
    guard header.kind == .commit, header.frameBytes > stride else { return }
    var last = offset
    var position = 0
    while position < body.byteCount {
      let place = offset + Layout.FrameHeader.size + position
      let revision = Revision(body.u64(position + Layout.RecordHeader.revision))
      if place - last >= stride, revision != .none {
        marks.append(Mark(revision: revision, offset: UInt64(place)))
        last = place
      }
      position += Int(body.u32(position + Layout.RecordHeader.recordBytes))
    }
  }

  /// The last marked record within `frame`, the bytes of one, that is not behind `revision`.
  package func mark(before revision: Revision, in frame: Range<Int>) -> Mark? {
    var low = 0
    var high = marks.count
    while low < high {
      let middle = (low + high) / 2
      if marks[middle].revision <= revision { low = middle + 1 } else { high = middle }
    }
    guard low > 0, frame.contains(Int(clamping: marks[low - 1].offset)) else { return nil }
    return marks[low - 1]
  }

  /// The byte from which a scan meets `revision`, if this segment holds it; nil when the table is empty.
  package func offset(before revision: Revision) -> UInt64? {
    let behind = firstIndex { $0.firstRevision > revision }
    return entries.isEmpty ? nil : entries[max(behind - 1, 0)].offset
  }

  /// The byte from which a scan of what lies before byte `limit` meets the first frame later than `time`; nil when the
  /// table names none that is not later.
  package func offset(beforeEndOf time: Int64, limit: Int) -> UInt64? {
    let behind = firstIndex { $0.time > time || $0.offset >= UInt64(limit) }
    return behind == 0 ? nil : entries[behind - 1].offset
  }

  /// The first entry that `isBehind` holds for, as it does for all after it.
  private func firstIndex(where isBehind: (Entry) -> Bool) -> Int {
    var low = 0
    var high = entries.count
    while low < high {
      let middle = (low + high) / 2
      if isBehind(entries[middle]) { high = middle } else { low = middle + 1 }
    }
    return low
  }

  /// The most bytes that the seal of a segment of `capacity` bytes can take.
  package static func sealBytesMax(capacity: Int) -> Int {
    let entries = capacity / Layout.Seal.commitTableStrideBytes + 1
    return Layout.aligned(
      Layout.FrameHeader.size + Layout.Seal.sections + Layout.Seal.sectionHeaderBytes * 2
        + entries * (Layout.Seal.commitTableEntryBytes + Layout.Seal.markBytes))
  }

  /// Appends a seal's body: checksum, the section of version 1, and that of version 3 if there are marks.
  package func encodeSealBody(into buffer: inout ByteBuffer, seed: FrameSeed, offset: Int) {
    let start = buffer.count
    buffer.append(littleEndian: UInt64(0))
    buffer.append(littleEndian: Layout.Seal.commitTableSection)
    buffer.append(littleEndian: UInt32(entries.count * Layout.Seal.commitTableEntryBytes))
    for entry in entries {
      buffer.append(littleEndian: entry.firstRevision.value)
      buffer.append(littleEndian: entry.time)
      buffer.append(littleEndian: entry.offset)
      buffer.append(littleEndian: UInt64(entry.frameBytes))
    }
    if !marks.isEmpty {
      buffer.append(littleEndian: Layout.Seal.marksSection)
      buffer.append(littleEndian: UInt32(marks.count * Layout.Seal.markBytes))
      for mark in marks {
        buffer.append(littleEndian: mark.revision.value)
        buffer.append(littleEndian: mark.offset)
      }
    }
    let checksum = Checksum.xxh3(buffer.bytes.extracting((start + 8)..<buffer.count), seed: seed.at(offset))
    buffer.store(littleEndian: checksum, at: start)
  }

  /// Decodes a seal's body. Sections of unknown types are passed over: a later version may add some.
  package static func decodeSealBody(_ body: RawSpan, seed: FrameSeed, offset: Int) throws(FormatError) -> CommitTable {
    guard body.byteCount >= Layout.Seal.sections else { throw .truncated }
    let checksum = Checksum.xxh3(body.extracting(8..<body.byteCount), seed: seed.at(offset))
    guard checksum == body.u64(Layout.Seal.checksum) else { throw .badChecksum }
    var table = CommitTable()
    var position = Layout.Seal.sections
    while position < body.byteCount {
      guard position + Layout.Seal.sectionHeaderBytes <= body.byteCount else { throw .badLength }
      let type = body.u32(position)
      let length = Int(body.u32(position + 4))
      position += Layout.Seal.sectionHeaderBytes
      guard position + length <= body.byteCount else { throw .badLength }
      if type == Layout.Seal.commitTableSection {
        try table.decodeEntries(body.extracting(position..<(position + length)))
      } else if type == Layout.Seal.marksSection {
        try table.decodeMarks(body.extracting(position..<(position + length)))
      }
      position += Layout.aligned(length)
    }
    return table
  }

  private mutating func decodeMarks(_ bytes: RawSpan) throws(FormatError) {
    let size = Layout.Seal.markBytes
    guard bytes.byteCount % size == 0 else { throw .badLength }
    for start in stride(from: 0, to: bytes.byteCount, by: size) {
      marks.append(Mark(revision: Revision(bytes.u64(start)), offset: bytes.u64(start + 8)))
    }
  }

  private mutating func decodeEntries(_ bytes: RawSpan) throws(FormatError) {
    let size = Layout.Seal.commitTableEntryBytes
    guard bytes.byteCount % size == 0 else { throw .badLength }
    for start in stride(from: 0, to: bytes.byteCount, by: size) {
      guard let frameBytes = UInt32(exactly: bytes.u64(start + 24)) else { throw .badField("frame_bytes") }
      entries.append(
        Entry(
          firstRevision: Revision(bytes.u64(start)), time: bytes.i64(start + 8), offset: bytes.u64(start + 16),
          frameBytes: frameBytes))
    }
  }
}
