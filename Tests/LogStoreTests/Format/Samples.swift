/// Encoded things with fixed identities, and ways to spoil them.
import Bytes
import LogStore

enum Sample {
  static let store = StoreIdentity(high: 0x0011_2233_4455_4677, low: 0x8899_AABB_CCDD_EEFF)
  static let lineage = StoreIdentity(high: 0xA0A1_A2A3_A4A5_46A7, low: 0xA8A9_AAAB_ACAD_AEAF)
  static let time: Int64 = 1_754_587_800_000_000
  /// Behind the opening stamp.
  static let frameOffset = Layout.SegmentHeader.blockBytes + Layout.FrameHeader.size
  static let bodyOffset = frameOffset + Layout.FrameHeader.size
  static let seed = FrameSeed(store: store, segment: SegmentNumber(1), generation: 0)

  static let segmentHeader = SegmentHeader(
    store: store, lineage: lineage, number: SegmentNumber(7), generation: 2, capacity: 65_536, predecessorEnd: 9_000,
    baseRevision: Revision(41), epoch: 3, createdAt: time)

  static var segmentBlock: [UInt8] {
    var buffer = ByteBuffer()
    segmentHeader.encode(into: &buffer)
    return buffer.bytes.array()
  }

  static var manifest: Manifest {
    var manifest = Manifest(
      store: store, lineage: lineage, sequence: 9, epoch: 2, durableThrough: Revision(77), writtenAt: time,
      segments: (1...3).map { .init(number: SegmentNumber($0), generation: 0, capacity: 65_536) })
    manifest.parentLineage = StoreIdentity(high: 5, low: 6)
    manifest.parentRevision = Revision(12)
    return manifest
  }

  static var manifestBytes: [UInt8] { manifest.encode().bytes.array() }

  /// The one record of the worked example.
  static var fields: RecordFields {
    var fields = RecordFields(operation: .create, revision: Revision(1), time: time)
    fields.itemKind = 1
    fields.creationTime = time
    fields.salt = 0x1F1E_1D1C_1B1A_1918_1716_1514_1312_1110
    fields.stateHash = 0x0001_0203_0405_0607_0809_0A0B_0C0D_0E0F
    return fields
  }

  static func record(
    _ fields: RecordFields = Sample.fields, key: String = "greeting", agent: String = "planner",
    correlation: String = "", request: String = "", payload: String = #"{"content":"hello"}"#,
    at offset: Int = Sample.bodyOffset
  ) -> [UInt8] {
    var buffer = ByteBuffer()
    let key = Array(key.utf8)
    let agent = Array(agent.utf8)
    let correlation = Array(correlation.utf8)
    let request = Array(request.utf8)
    let payload = Array(payload.utf8)
    let names = RecordNames(
      key: key.span.bytes, agent: agent.span.bytes, correlation: correlation.span.bytes, request: request.span.bytes)
    RecordEncoder.append(fields, names, payload: payload.span.bytes, seed: seed, offset: offset, to: &buffer)
    return buffer.bytes.array()
  }

  static func header(_ kind: FrameKind = .commit, body: Int, records: Int = 1) -> FrameHeader {
    FrameHeader(
      kind: kind, durability: .fsync, bodyBytes: UInt32(body), recordCount: UInt32(records),
      firstRevision: Revision(1), lastRevision: Revision(UInt64(records)), epoch: 1, time: time,
      durableThrough: .none, durableOffset: UInt64(frameOffset))
  }

  static func frame(_ header: FrameHeader, _ body: [UInt8], at offset: Int = Sample.frameOffset) -> [UInt8] {
    var buffer = ByteBuffer()
    buffer.append(zeros: Layout.FrameHeader.size)
    buffer.append(body.span.bytes)
    header.encode(over: &buffer, seed: seed, offset: offset)
    return buffer.bytes.array()
  }

  /// The frame of the worked example.
  static var commit: [UInt8] {
    let body = record()
    return frame(header(body: body.count), body)
  }
}

extension [UInt8] {
  mutating func set<Value: FixedWidthInteger>(_ value: Value, at offset: Int) {
    for index in 0..<MemoryLayout<Value>.size {
      self[offset + index] = UInt8(truncatingIfNeeded: value >> (8 * index))
    }
  }

  /// A copy with one field changed and the checksum made right again, so that only the field itself is wrong.
  func with<Value: FixedWidthInteger>(
    _ value: Value, at offset: Int, sealing covered: Range<Int>, seed: UInt64 = 0
  ) -> [UInt8] {
    var copy = self
    copy.set(value, at: offset)
    let checksum = Checksum.xxh3(copy.span.bytes.extracting(covered), seed: seed)
    copy.set(checksum, at: 0)
    return copy
  }

  /// A copy with one bit inverted.
  func flipping(bit: Int) -> [UInt8] {
    var copy = self
    copy[bit / 8] ^= 1 << UInt8(bit % 8)
    return copy
  }
}
