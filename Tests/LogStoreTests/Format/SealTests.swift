/// The seal's body and the commit table in it.
import Bytes
import LogStore
import Testing

@Suite("A seal")
struct SealTests {
  private let offset = 8_192

  private static func table(frames: Int, apart stride: Int) -> CommitTable {
    var table = CommitTable()
    for index in 0..<frames {
      var header = Sample.header(body: 64)
      header.firstRevision = Revision(UInt64(index + 1))
      header.time = Sample.time + Int64(index)
      table.note(header, at: 4096 + index * stride)
    }
    return table
  }

  private func encode(_ table: CommitTable) -> [UInt8] {
    var buffer = ByteBuffer()
    table.encodeSealBody(into: &buffer, seed: Sample.seed, offset: offset)
    return buffer.bytes.array()
  }

  private func decode(_ body: [UInt8], at place: Int? = nil) throws(FormatError) -> CommitTable {
    try CommitTable.decodeSealBody(body.span.bytes, seed: Sample.seed, offset: place ?? offset)
  }

  private func resealed(_ body: [UInt8]) -> [UInt8] {
    body.with(body[8], at: 8, sealing: 8..<body.count, seed: Sample.seed.at(offset))
  }

  @Test("What is encoded is decoded again, and fits into what is kept free for it")
  func roundTrip() throws {
    for frames in [0, 1, 2, 100] {
      let table = SealTests.table(frames: frames, apart: 16_384)
      #expect(table.entries.count == frames)
      let body = encode(table)
      #expect(try decode(body) == table)
      let capacity = 4096 + frames * 16_384
      #expect(Layout.FrameHeader.size + body.count <= CommitTable.sealBytesMax(capacity: capacity))
    }
  }

  /// A commit of so many records of `size` bytes, as far as marks look at it.
  private static func longCommit(_ records: Int, of size: Int, first: UInt64) -> (FrameHeader, [UInt8]) {
    var body: [UInt8] = []
    for index in 0..<records {
      var record = [UInt8](repeating: 0, count: size)
      for (offset, value) in [
        (Layout.RecordHeader.recordBytes, UInt64(size)), (Layout.RecordHeader.revision, first + UInt64(index)),
      ] {
        for byte in 0..<(offset == Layout.RecordHeader.recordBytes ? 4 : 8) {
          record[offset + byte] = UInt8(value >> UInt64(byte * 8) & 0xFF)
        }
      }
      body += record
    }
    return (Sample.header(body: body.count, records: records), body)
  }

  @Test("Marks name a record in every 16 KiB of a long commit, survive encoding, and lead to every revision")
  func marks() throws {
    for size in [136, 200, 4_096, 20_000] {
      var table = CommitTable()
      let (header, body) = Self.longCommit(500, of: size, first: 41)
      table.note(header, at: 4_096)
      table.markRecords(header, at: 4_096, body.span.bytes)
      let frame = 4_096..<(4_096 + header.frameBytes)
      let start = 4_096 + Layout.FrameHeader.size
      #expect(table.marks.count >= body.count / (16_384 + size) - 1 && table.marks.count <= body.count / 16_384 + 1)
      for revision in 41..<UInt64(541) {
        let mark = table.mark(before: Revision(revision), in: frame)
        guard let mark else {
          #expect(Int(revision - 41) * size < 16_384 + size)
          continue
        }
        #expect(mark.revision.value <= revision && Int(mark.offset) == start + Int(mark.revision.value - 41) * size)
        #expect(Int(revision - mark.revision.value) * size < 16_384 + size)
      }
      #expect(table.mark(before: Revision(600), in: 0..<4_096) == nil)
      #expect(try decode(encode(table)) == table)
      #expect(encode(table).count + Layout.FrameHeader.size <= CommitTable.sealBytesMax(capacity: frame.upperBound))
    }
    var short = CommitTable()
    let (header, body) = Self.longCommit(20, of: 136, first: 1)
    short.markRecords(header, at: 4_096, body.span.bytes)
    #expect(short.marks.isEmpty)
  }

  @Test("The table names the first frame of every 16 KiB, of commits only")
  func stride() {
    let table = SealTests.table(frames: 1000, apart: 100)
    #expect(table.entries.map(\.offset) == [4096, 20_496, 36_896, 53_296, 69_696, 86_096, 102_496])
    var stamps = CommitTable()
    stamps.note(Sample.header(.stamp, body: 0), at: 4096)
    stamps.note(Sample.header(.seal, body: 0), at: 4096)
    #expect(stamps.entries.isEmpty)
    #expect(stamps.offset(before: Revision(1)) == nil)
  }

  @Test("The table finds the byte from which a scan meets a revision, for every revision")
  func lookUp() {
    let table = SealTests.table(frames: 1000, apart: 100)
    for revision in 1...1000 {
      let expected = table.entries.last { $0.firstRevision.value <= UInt64(revision) }
      #expect(table.offset(before: Revision(UInt64(revision))) == expected?.offset)
    }
    #expect(table.offset(before: Revision(0)) == 4096)
  }

  @Test("A body that is cut off, changed or moved is refused")
  func damaged() {
    let body = encode(SealTests.table(frames: 2, apart: 16_384))
    for length in 0..<body.count {
      #expect(throws: length < 8 ? FormatError.truncated : .badChecksum) { try decode(Array(body[..<length])) }
    }
    #expect(throws: FormatError.badChecksum) { try decode(body, at: offset + 8) }
    var noticed = 0
    for bit in 0..<(body.count * 8) {
      do { _ = try decode(body.flipping(bit: bit)) } catch { noticed += 1 }
    }
    #expect(noticed == body.count * 8)
  }

  @Test("Lengths that do not add up are refused, unknown sections are passed over")
  func sections() throws {
    let table = SealTests.table(frames: 2, apart: 16_384)
    let body = encode(table)
    var wrong = body
    wrong.set(UInt32(65), at: 12)
    #expect(throws: FormatError.badLength) { try decode(resealed(wrong)) }
    wrong.set(UInt32(63), at: 12)
    #expect(throws: FormatError.badLength) { try decode(resealed(wrong)) }
    wrong.set(UInt32.max, at: 12)
    #expect(throws: FormatError.badLength) { try decode(resealed(wrong)) }
    #expect(throws: FormatError.badLength) { try decode(resealed(body + [0, 0, 0, 0])) }
    wrong = body
    wrong.set(UInt64(1) << 32, at: 8 + 8 + 24)
    #expect(throws: FormatError.badField("frame_bytes")) { try decode(resealed(wrong)) }
    // Type 99 with five bytes, padded.
    let extra: [UInt8] = [99, 0, 0, 0, 5, 0, 0, 0, 1, 2, 3, 4, 5, 0, 0, 0]
    #expect(try decode(resealed(body + extra)) == table)
  }
}
