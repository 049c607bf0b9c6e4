/// What `mfh put` makes of a VALUE: an item as it is, or a memory with the value as its content.
internal import Bytes
internal import JSONText
internal import Programs

struct PutValue {
  /// Where the value came from, for messages.
  let source: String
  let isText: Bool
  let memoryType: String?
  let tags: [String]

  private enum Kind { case item, content, text }

  /// Appends the item as JSON text.
  ///
  /// - Throws: damaged for what begins like JSON and is none; usage for --type or --tag with a whole item.
  func appendItem(_ value: borrowing ByteBuffer, to buffer: inout ByteBuffer) throws(Failure) {
    let kind = try kind(value)
    if kind == .item {
      guard memoryType == nil, tags.isEmpty else {
        throw Failure(.usage, "--type and --tag go with a content; this value is a whole item: set them in it")
      }
      JSONWriter.appendMinified(value.bytes, to: &buffer)
      return
    }
    buffer.append("{\"content\":")
    if kind == .content {
      JSONWriter.appendMinified(value.bytes, to: &buffer)
    } else {
      JSONWriter.appendString(value.bytes, to: &buffer)
    }
    if let memoryType {
      buffer.append(",\"memory_type\":")
      JSONWriter.appendString(text: memoryType, to: &buffer)
    }
    for (index, tag) in tags.enumerated() {
      buffer.append(index == 0 ? ",\"tags\":[" : ",")
      JSONWriter.appendString(text: tag, to: &buffer)
    }
    if !tags.isEmpty { buffer.append("]") }
    buffer.append("}")
  }

  private func kind(_ value: borrowing ByteBuffer) throws(Failure) -> Kind {
    guard !isText, PutValue.looksLikeJSON(value.bytes) else { return .text }
    var tape = JSONTape()
    do {
      try tape.parse(value.bytes)
    } catch {
      throw Failure(.damaged, "\(source): it begins like JSON, but \(error.text); --text takes it as plain text")
    }
    let isItem = PutValue.isItem(tape, value.bytes)
    return isItem ? .item : .content
  }

  private static func looksLikeJSON(_ value: RawSpan) -> Bool {
    for position in 0..<value.byteCount {
      switch value.u8(position) {
      case 0x20, 0x09, 0x0A, 0x0D: continue
      case UInt8(ascii: "{"), UInt8(ascii: "["): return true
      default: return false
      }
    }
    return false
  }

  private static func isItem(_ tape: borrowing JSONTape, _ text: RawSpan) -> Bool {
    guard tape.kind(JSONTape.root) == .object else { return false }
    let names: [StaticString] = ["content", "session_id", "knowledge_id", "item_type"]
    return names.contains { tape.member($0, of: JSONTape.root, in: text) != nil }
  }
}
