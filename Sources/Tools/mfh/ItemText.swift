/// An item as people read it: what it says, then what else is known of it.
internal import Bytes
internal import HubClient
internal import JSONText
internal import ToolSupport

enum ItemText {
  /// Appends the item of a `get` that found something.
  static func append(_ item: Int, revision: UInt64, of reply: borrowing HubReply, to buffer: inout ByteBuffer) {
    if let content = reply.member("content", of: item) {
      append(content: content, of: reply, to: &buffer)
      buffer.append("\n\n")
    }
    var fields = FieldList()
    var name = reply.tape.firstChild(item)
    for _ in 0..<reply.tape.count(item) {
      let value = name + 1
      let label = reply.string(name)
      if label != "content", let text = text(of: value, reply) { fields.add(label, text) }
      name = reply.tape.after(value)
    }
    fields.add("revision", String(revision))
    fields.append(to: &buffer)
  }

  private static func append(content: Int, of reply: borrowing HubReply, to buffer: inout ByteBuffer) {
    guard reply.tape.kind(content) == .string else {
      PrettyJSON.append(content, of: reply, to: &buffer)
      return
    }
    var text = ByteBuffer(capacity: reply.tape.range(content).count)
    reply.tape.appendString(content, in: reply.text.bytes, to: &text)
    DisplayText.appendLines(text.bytes, to: &buffer)
  }

  /// nil for what says nothing: null, {} and [].
  private static func text(of node: Int, _ reply: borrowing HubReply) -> String? {
    switch reply.tape.kind(node) {
    case .null: nil
    case .string: reply.string(node)
    case .object, .array:
      reply.tape.count(node) == 0
        ? nil : strings(node, reply)?.joined(separator: ", ") ?? reply.json(node).text()
    case .number, .true, .false: reply.json(node).text()
    }
  }

  /// The elements of an array of strings that can be told apart when they are set side by side.
  private static func strings(_ node: Int, _ reply: borrowing HubReply) -> [String]? {
    guard reply.tape.kind(node) == .array else { return nil }
    var elements: [String] = []
    var element = reply.tape.firstChild(node)
    for _ in 0..<reply.tape.count(node) {
      guard reply.tape.kind(element) == .string else { return nil }
      elements.append(reply.string(element))
      element = reply.tape.after(element)
    }
    return elements.contains { $0.isEmpty || $0.contains(",") } ? nil : elements
  }
}
