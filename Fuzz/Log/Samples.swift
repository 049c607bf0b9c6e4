/// Frames with records in them, for seeds.
internal import Bytes
internal import LogStore

enum Samples {
  struct Record {
    var fields: RecordFields
    var key = ""
    var request = ""
    var payload = ""
  }

  static let time: Int64 = 1_754_587_800_000_000

  static func put(
    _ key: String, _ payload: String, revision: UInt64, request: String = "", continues: Bool = false
  ) -> Record {
    var fields = RecordFields(operation: .create, revision: Revision(revision), time: time)
    fields.itemKind = 1
    fields.creationTime = time
    fields.continues = continues
    fields.stateHash = 5
    return Record(fields: fields, key: key, request: request, payload: payload)
  }

  static func delete(_ key: String, revision: UInt64) -> Record {
    var fields = RecordFields(operation: .delete, revision: Revision(revision), time: time)
    fields.previousRevision = Revision(revision - 1)
    return Record(fields: fields, key: key)
  }

  static func epoch() -> Record { Record(fields: RecordFields(operation: .epoch, revision: .none, time: time)) }

  static func frame(first: UInt64, durableOffset: UInt64 = 0, _ records: [Record]) -> Frame {
    let revisions = UInt64(records.count { $0.fields.operation.takesRevision })
    return Frame(
      header: FrameHeader(
        kind: .commit, durability: .fsync, recordCount: UInt32(records.count), firstRevision: Revision(first),
        lastRevision: Revision(first + revisions - 1), epoch: 1, time: time, durableThrough: Revision(first - 1),
        durableOffset: durableOffset), records: records)
  }

  static func stamp(after last: UInt64, isCleanClose: Bool = false) -> Frame {
    Frame(
      header: FrameHeader(
        kind: .stamp, durability: .fsync, isCleanClose: isCleanClose, firstRevision: Revision(last + 1),
        lastRevision: Revision(last), epoch: 1, time: time, durableThrough: Revision(last)), records: [])
  }

  static func seal(after last: UInt64) -> Frame {
    var frame = stamp(after: last)
    frame.header.kind = .seal
    return frame
  }

  struct Frame {
    var header: FrameHeader
    var records: [Record]

    /// As it lies at byte `offset` of a segment.
    func bytes(seed: FrameSeed, at offset: Int) -> [UInt8] {
      var buffer = ByteBuffer()
      buffer.append(zeros: Layout.FrameHeader.size)
      for record in records { Samples.append(record, &buffer, seed, offset) }
      if header.kind == .seal {
        CommitTable().encodeSealBody(into: &buffer, seed: seed, offset: offset + Layout.FrameHeader.size)
      }
      var header = header
      header.bodyBytes = UInt32(buffer.count - Layout.FrameHeader.size)
      header.encode(over: &buffer, seed: seed, offset: offset)
      return buffer.bytes.array()
    }
  }

  private static func append(_ record: Record, _ buffer: inout ByteBuffer, _ seed: FrameSeed, _ offset: Int) {
    let key = Array(record.key.utf8)
    let agent = Array("agent".utf8)
    let request = Array(record.request.utf8)
    let payload = Array(record.payload.utf8)
    let none: [UInt8] = []
    RecordEncoder.append(
      record.fields,
      RecordNames(
        key: key.span.bytes, agent: agent.span.bytes, correlation: none.span.bytes, request: request.span.bytes),
      payload: payload.span.bytes, seed: seed, offset: offset + buffer.count, to: &buffer)
  }

  /// Frames one behind the other, the first one at byte `offset`.
  static func row(_ frames: [Frame], seed: FrameSeed, at offset: Int = Layout.SegmentHeader.blockBytes) -> [UInt8] {
    frames.reduce(into: []) { $0 += $1.bytes(seed: seed, at: offset + $0.count) }
  }
}
