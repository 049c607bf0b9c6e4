/// Figures of a hub for people: groups with a title, sizes and times in units, everything aligned.
internal import Bytes
internal import HubClient
internal import JSONText
internal import ToolSupport

enum StatusText {
  struct Group {
    let title: String
    var entries: [(name: String, node: Int)]
  }

  /// Appends the groups that have entries, a blank line before each.
  static func append(_ groups: [Group], of reply: borrowing HubReply, to buffer: inout ByteBuffer) {
    var lists: [(title: String, lines: [(name: String, value: String, isNumber: Bool)])] = []
    for group in groups where !group.entries.isEmpty {
      var lines = group.entries.map { line($0.name, $0.node, reply) }
      // Among words a number that stands flush right looks lost.
      if !lines.allSatisfy(\.isNumber) { lines = lines.map { ($0.name, $0.value, false) } }
      lists.append((group.title, lines))
    }
    let names = lists.flatMap { $0.lines.map(\.name.count) }.max() ?? 0
    let numbers = lists.flatMap { $0.lines.filter(\.isNumber).map(\.value.count) }.max() ?? 0
    for list in lists {
      buffer.append(text: "\n\(DisplayText.line(list.title))\n")
      var fields = FieldList(indent: "  ")
      for line in list.lines { fields.add(line.name, line.value, isNumber: line.isNumber) }
      fields.append(nameColumns: names, numberColumns: numbers, to: &buffer)
    }
  }

  private static func line(
    _ name: String, _ node: Int, _ reply: borrowing HubReply
  ) -> (name: String, value: String, isNumber: Bool) {
    let words = name.split(separator: "_").joined(separator: " ")
    guard let number = reply.tape.unsignedInteger(node, in: reply.text.bytes) else {
      return (words, value(node, reply), false)
    }
    if name.hasSuffix("_bytes") { return (words.withoutSuffix(" bytes"), ByteSize.text(number), true) }
    if name.hasSuffix("_seconds") {
      return (words.withoutSuffix(" seconds"), NumberText.duration(seconds: number), true)
    }
    return (words, NumberText.count(number), true)
  }

  /// A string as it is, anything else as JSON.
  static func value(_ node: Int, _ reply: borrowing HubReply) -> String {
    reply.tape.kind(node) == .string ? reply.string(node) : reply.json(node).text()
  }
}

extension String {
  fileprivate func withoutSuffix(_ suffix: String) -> String {
    hasSuffix(suffix) ? String(dropLast(suffix.count)) : self
  }
}
