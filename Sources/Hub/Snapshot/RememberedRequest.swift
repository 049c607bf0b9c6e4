/// A remembered request as a snapshot keeps it.
internal import Bytes
internal import LogStore

struct RememberedRequest {
  let name: KeyHash
  let remembered: RequestMemory.Remembered

  static let bytes = 16 + 8 + 12 + 4 + 8 + 8 + 8 + 8

  func encode(into block: SnapshotBlock) {
    block.payload.append(littleEndian: name.value)
    block.payload.append(littleEndian: remembered.fingerprint)
    block.payload.append(littleEndian: remembered.firstRecord.segment.value)
    block.payload.append(littleEndian: remembered.firstRecord.offset)
    block.payload.append(littleEndian: remembered.firstRecord.length)
    block.payload.append(littleEndian: remembered.recordCount)
    block.payload.append(littleEndian: remembered.time)
    block.payload.append(littleEndian: remembered.revision.value)
    block.payload.append(littleEndian: UInt64(remembered.operation.rawValue))
    block.payload.append(littleEndian: remembered.commitStart.value)
    block.count += 1
  }

  static func forEach(
    in payload: RawSpan, count: Int, _ visit: (RememberedRequest) -> Void
  ) throws(FormatError) {
    guard payload.byteCount == count * bytes else { throw .badLength }
    for start in stride(from: 0, to: payload.byteCount, by: bytes) {
      visit(try decode(payload.extracting(start..<(start + bytes))))
    }
  }

  private static func decode(_ entry: RawSpan) throws(FormatError) -> RememberedRequest {
    guard let raw = UInt8(exactly: entry.u64(56)), let operation = Operation(rawValue: raw) else {
      throw .badField("operation")
    }
    let position = RecordPosition(
      segment: SegmentNumber(entry.u32(24)), offset: entry.u32(28), length: entry.u32(32))
    return RememberedRequest(
      name: KeyHash(value: entry.u128(0)),
      remembered: .init(
        fingerprint: entry.u64(16), ticket: 0, firstRecord: position, recordCount: entry.u32(36),
        time: entry.i64(40), operation: operation, revision: Revision(entry.u64(48)),
        commitStart: Revision(entry.u64(64))))
  }
}
