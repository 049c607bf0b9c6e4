/// The key file as a whole: its keys, and the lines of its owner (comments, empty ones), which stay where they are.

package struct KeyFileText: Sendable {
  private var lines: [Line]

  private enum Line: Sendable {
    case other(String)
    case key(KeyEntry)
  }

  /// More than any fleet needs, little enough to read in a moment.
  package static let bytesMax = 16 << 20

  /// - Throws: what is wrong, with its line, and without a word of what stands there.
  package init(_ text: String) throws(AccessTextError) {
    lines = []
    var ids: Set<KeyID> = []
    var clients: Set<String> = []
    for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
      let isKey = line.contains { !$0.isWhitespace } && !line.hasPrefix("#")
      guard isKey else {
        lines.append(.other(String(line)))
        continue
      }
      do throws(AccessTextError) {
        let entry = try KeyEntry(line: String(line))
        guard ids.insert(entry.id).inserted else { throw AccessTextError("the key \(entry.id) is there twice") }
        if entry.revoked == nil, let client = entry.credential.client {
          guard clients.insert(client).inserted else {
            throw AccessTextError("the CURVE key or certificate of \(entry.id) is there twice")
          }
        }
        lines.append(.key(entry))
      } catch {
        throw AccessTextError("line \(index + 1): \(error.message)")
      }
    }
    // What follows the last line's end is no line.
    if case .other("") = lines.last { lines.removeLast() }
  }

  package var entries: [KeyEntry] {
    lines.compactMap { line in
      switch line {
      case .key(let entry): entry
      case .other: nil
      }
    }
  }

  package var text: String {
    lines.map { line in
      switch line {
      case .key(let entry): entry.line + "\n"
      case .other(let text): text + "\n"
      }
    }.joined()
  }

  /// - Throws: when its id, its CURVE key or its certificate is there.
  package mutating func add(_ entry: KeyEntry) throws(AccessTextError) {
    let changed = try KeyFileText(text + entry.line)
    lines = changed.lines
  }

  /// Takes a key's rights away; its line stays, so that the log's past can be understood. Returns whether it had any.
  package mutating func revoke(_ id: KeyID, at time: String) -> Bool {
    for (index, line) in lines.enumerated() {
      guard case .key(var entry) = line, entry.id == id, entry.revoked == nil else { continue }
      entry.revoked = time
      lines[index] = .key(entry)
      return true
    }
    return false
  }
}
