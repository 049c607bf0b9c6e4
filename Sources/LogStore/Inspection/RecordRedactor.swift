/// Shows records as they count, which is not always how they lie in the log: what is redacted and not yet erased shows
/// as it will once that is done.
package import Bytes

package final class RecordRedactor {
  // Unchecked exclusivity: one thread owns this object.
  @exclusivity(unchecked) private var editor: RecordEditor
  /// The record as it counts, after `redact` has given a header.
  @exclusivity(unchecked) package private(set) var record = ByteBuffer(capacity: 4_096)

  /// Nil when there is nothing to change.
  package init?(_ edits: RecordEdits) {
    if edits.isEmpty { return nil }
    editor = RecordEditor(edits)
  }

  /// Nil: the record counts as it is. `record` then says nothing.
  package func redact(
    _ header: RecordHeader, _ bytes: RawSpan, seed: FrameSeed, offset: Int
  ) throws(LogError) -> RecordHeader? {
    // Only what the retention lets go needs to know where it comes from.
    let origin = RecordOrigin(lineage: .none, epoch: 0)
    guard try editor.edit(header, bytes, origin, seed: seed, offset: offset) else { return nil }
    record.removeAll()
    RecordRedactor.append(editor.result, to: &record)
    do {
      return try RecordRedactor.decode(record, seed, offset)
    } catch {
      throw LogError(.unsupported, "a redacted record can not be read (\(error.text))")
    }
  }

  private static func append(_ result: borrowing ByteBuffer, to buffer: inout ByteBuffer) {
    buffer.append(result.bytes)
  }

  private static func decode(
    _ record: borrowing ByteBuffer, _ seed: FrameSeed, _ offset: Int
  ) throws(FormatError) -> RecordHeader {
    try RecordHeader.decode(record.bytes, seed: seed, offset: offset)
  }
}
