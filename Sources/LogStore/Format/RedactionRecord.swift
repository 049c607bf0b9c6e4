/// The payload of a redaction record: which revisions have lost their payload, and why. When and by whom, the record
/// itself says. See FORMAT.md, "Redaction record".
package import Bytes

package struct RedactionRecord: Equatable, Sendable {
  /// In rising order.
  package var revisions: [Revision]
  /// For people.
  package var reason: String

  package static let reasonBytesMax = 1_024
  /// So that a record stays far below what a commit can hold.
  package static let revisionsMax = 16_384

  package init(revisions: [Revision], reason: String) {
    precondition(revisions.count <= RedactionRecord.revisionsMax && reason.utf8.count <= RedactionRecord.reasonBytesMax)
    self.revisions = revisions
    self.reason = reason
  }

  package func encode() -> ByteBuffer {
    var buffer = ByteBuffer(capacity: Layout.Redaction.size + revisions.count * 8 + reason.utf8.count)
    buffer.append(littleEndian: UInt32(revisions.count))
    buffer.append(littleEndian: UInt32(reason.utf8.count))
    for revision in revisions { buffer.append(littleEndian: revision.value) }
    buffer.append(text: reason)
    return buffer
  }

  package static func decode(_ payload: RawSpan) throws(FormatError) -> RedactionRecord {
    typealias Field = Layout.Redaction
    guard payload.byteCount >= Field.size else { throw .truncated }
    let count = Int(payload.u32(Field.revisionCount))
    let reasonBytes = Int(payload.u32(Field.reasonBytes))
    guard count <= revisionsMax, reasonBytes <= reasonBytesMax,
      payload.byteCount == Field.size + count * 8 + reasonBytes
    else { throw .badLength }
    var revisions: [Revision] = []
    for index in 0..<count {
      let value = payload.u64(Field.size + index * 8)
      guard Layout.revisions.contains(value), revisions.last.map({ $0.value < value }) ?? true else {
        throw .badField("revisions")
      }
      revisions.append(Revision(value))
    }
    let reason = payload.extracting((Field.size + count * 8)..<payload.byteCount).text()
    return RedactionRecord(revisions: revisions, reason: reason)
  }
}
