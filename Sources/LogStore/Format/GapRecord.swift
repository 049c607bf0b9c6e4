/// The payload of a gap record: which revisions a salvage found lost, why, and when. See FORMAT.md, "Gap record".
package import Bytes

package struct GapRecord: Equatable, Sendable {
  package var first: Revision
  package var last: Revision
  /// `last` is only the highest revision that was known to have existed.
  package var isAtLeast: Bool
  /// When the salvage ran, in microseconds since 1970. The record's own time is that of its place in the log.
  package var recordedAt: Int64
  /// For people.
  package var reason: String

  package static let reasonBytesMax = 512

  package init(first: Revision, last: Revision, isAtLeast: Bool, recordedAt: Int64, reason: String) {
    self.first = first
    self.last = last
    self.isAtLeast = isAtLeast
    self.recordedAt = recordedAt
    self.reason = reason
    while self.reason.utf8.count > GapRecord.reasonBytesMax { self.reason.removeLast() }
  }

  package func encode() -> ByteBuffer {
    var buffer = ByteBuffer(capacity: Layout.Gap.size + reason.utf8.count)
    buffer.append(littleEndian: first.value)
    buffer.append(littleEndian: last.value)
    buffer.append(littleEndian: recordedAt)
    buffer.append(littleEndian: UInt32(isAtLeast ? 1 : 0))
    buffer.append(littleEndian: UInt32(reason.utf8.count))
    buffer.append(text: reason)
    return buffer
  }

  package static func decode(_ payload: RawSpan) throws(FormatError) -> GapRecord {
    typealias Field = Layout.Gap
    guard payload.byteCount >= Field.size else { throw .truncated }
    guard Int(payload.u32(Field.reasonBytes)) == payload.byteCount - Field.size else { throw .badLength }
    guard payload.u32(Field.reasonBytes) <= UInt32(reasonBytesMax) else { throw .badLength }
    guard payload.u32(Field.flags) & ~1 == 0 else { throw .badField("flags") }
    let (first, last) = (payload.u64(Field.firstRevision), payload.u64(Field.lastRevision))
    guard Layout.revisions.contains(first), Layout.revisions.contains(last), first <= last else {
      throw .badField("last_revision")
    }
    return GapRecord(
      first: Revision(first), last: Revision(last), isAtLeast: payload.u32(Field.flags) & 1 == 1,
      recordedAt: payload.i64(Field.recordedAt), reason: payload.extracting(Field.size..<payload.byteCount).text())
  }
}
