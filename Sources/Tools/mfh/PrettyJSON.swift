/// JSON on several lines for people: two spaces a level, short containers on one line.
internal import Bytes
internal import HubClient
internal import JSONText
internal import ToolSupport

enum PrettyJSON {
  private static let lineBytesMax = 72

  /// Appends the node's value; the first line begins where the buffer ends.
  static func append(_ node: Int, of reply: borrowing HubReply, depth: Int = 0, to buffer: inout ByteBuffer) {
    let isObject = reply.tape.kind(node) == .object
    guard isObject || reply.tape.kind(node) == .array, reply.tape.range(node).count > lineBytesMax - depth * 2 else {
      appendLine(node, of: reply, to: &buffer)
      return
    }
    buffer.append(isObject ? "{\n" : "[\n")
    var child = reply.tape.firstChild(node)
    for index in 0..<reply.tape.count(node) {
      if index > 0 { buffer.append(",\n") }
      indent(depth + 1, &buffer)
      if isObject {
        appendLine(child, of: reply, to: &buffer)
        buffer.append(": ")
        child += 1
      }
      append(child, of: reply, depth: depth + 1, to: &buffer)
      child = reply.tape.after(child)
    }
    buffer.append("\n")
    indent(depth, &buffer)
    buffer.append(isObject ? "}" : "]")
  }

  /// Appends the node's JSON text on one line.
  static func appendLine(_ node: Int, of reply: borrowing HubReply, to buffer: inout ByteBuffer) {
    DisplayText.appendJSON(reply.json(node), to: &buffer)
  }

  private static func indent(_ depth: Int, _ buffer: inout ByteBuffer) {
    for _ in 0..<depth { buffer.append("  ") }
  }
}
