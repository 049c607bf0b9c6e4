/// The event view of a record: what the log tells, as the JSON of a MemoryEvent. CONTRACT: "Items".
package import Bytes
internal import JSONText
package import LogStore

package struct MemoryEventEncoder: ~Copyable {
  private var tape = JSONTape()

  package init() {}

  /// Appends the members of the event, without the braces, so that a caller can add its own.
  ///
  /// - Parameters:
  ///   - record: a record that takes a revision.
  ///   - bytes: the whole record, checked.
  ///   - isRedacted: the payload is not told of, also when it is still there.
  ///   - previousItem: the item before the event, as stored; empty when there was none. A CREATE has none anyway.
  /// - Returns: whether the payload is what it should be: a JSON object in a codec that is known. If not it is null.
  package mutating func appendMembers(
    of record: RecordHeader, _ bytes: RawSpan, lineage: StoreIdentity, isRedacted: Bool = false,
    previousItem: RawSpan, to buffer: inout ByteBuffer
  ) -> Bool {
    let fields = record.fields
    let isRedacted = isRedacted || record.codec == .redacted
    buffer.append("\"event_id\":\"")
    EventIdentity.append(lineage: lineage, revision: fields.revision, time: fields.time, to: &buffer)
    buffer.append("\",\"event_type\":\"")
    buffer.append(fields.operation.eventName)
    buffer.append("\",\"target_key\":")
    EventText.appendString(bytes.extracting(record.keyRange), to: &buffer)
    buffer.append(",\"timestamp\":\"")
    Timestamp.append(fields.time, to: &buffer)
    buffer.append("\",\"agent_id\":")
    EventText.appendOptional(bytes.extracting(record.agentRange), to: &buffer)
    buffer.append(",\"payload\":")
    let isSound = isRedacted || appendPayload(of: record, bytes, to: &buffer)
    if isRedacted { buffer.append("null,\"redacted\":true") }
    buffer.append(",\"previous_value\":")
    if fields.operation == .create || !appendItem(previousItem, to: &buffer) { buffer.append("null") }
    buffer.append(",\"sequence_number\":")
    buffer.append(decimal: fields.revision.value)
    buffer.append(",\"correlation_id\":")
    EventText.appendOptional(bytes.extracting(record.correlationRange), to: &buffer)
    return isSound
  }

  private mutating func appendPayload(
    of record: RecordHeader, _ bytes: RawSpan, to buffer: inout ByteBuffer
  ) -> Bool {
    guard record.fields.operation.isPut else {
      buffer.append("null")
      return true
    }
    if record.codec == .plain, appendItem(bytes.extracting(record.payloadRange), to: &buffer) { return true }
    buffer.append("null")
    return false
  }

  /// Appends an item as it is stored, if it is a JSON object; appends nothing and returns false if not.
  private mutating func appendItem(_ item: RawSpan, to buffer: inout ByteBuffer) -> Bool {
    guard item.byteCount > 0, item.u8(0) == UInt8(ascii: "{") else { return false }
    do { try tape.parse(item) } catch { return false }
    if EventText.hasControl(item) {
      // Only white space between tokens can be one: it would break a line in two.
      JSONWriter.appendMinified(item, to: &buffer)
    } else {
      buffer.append(item)
    }
    return true
  }
}

extension Operation {
  /// Whether it is something that happened to a key, and so is told of.
  package var isEvent: Bool {
    switch self {
    case .create, .update, .delete, .expire: true
    case .void, .dropped, .epoch, .gap, .redaction: false
    }
  }

  /// `event_type`, without making a `String`.
  package var eventName: StaticString {
    switch self {
    case .create: "CREATE"
    case .update: "UPDATE"
    case .delete: "DELETE"
    case .expire: "EXPIRE"
    case .void: "VOID"
    case .dropped: "DROPPED"
    case .epoch: "EPOCH"
    case .gap: "GAP"
    case .redaction: "REDACTION"
    }
  }
}
