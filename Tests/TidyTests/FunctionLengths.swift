/// A simple measure of functions: from the line with `func`, `init` or `deinit` to the brace that closes it.

struct MeasuredFunction {
  let name: String
  /// From 1.
  let line: Int
  let length: Int
}

enum FunctionLengths {
  static func measure(_ file: TextFile) -> [MeasuredFunction] {
    var found: [MeasuredFunction] = []
    var open: [(name: String, line: Int, depth: Int)] = []
    var pending: (name: String, line: Int)?
    var depth = 0
    for (index, code) in file.code.enumerated() {
      if let name = declaredName(code) { pending = (name, index + 1) }
      for byte in code.utf8 {
        if byte == UInt8(ascii: "{") {
          if let declared = pending { open.append((declared.name, declared.line, depth)) }
          pending = nil
          depth += 1
        } else if byte == UInt8(ascii: "}") {
          depth -= 1
          guard let last = open.last, last.depth == depth else { continue }
          open.removeLast()
          found.append(MeasuredFunction(name: last.name, line: last.line, length: index + 2 - last.line))
        }
      }
    }
    return found
  }

  /// What stands before the name of a declaration.
  private static let modifiers: Set<Substring> = [
    "package", "public", "private", "fileprivate", "internal", "static", "mutating", "borrowing", "consuming",
    "nonmutating", "override", "convenience", "required", "nonisolated",
  ]

  /// The name of the function that a line declares; nil for a line that declares none.
  private static func declaredName(_ code: String) -> String? {
    guard code.utf8.count > 6 else { return nil }
    let words = code.split(separator: " ").drop { modifiers.contains($0) || $0.hasPrefix("@") }
    guard let first = words.first else { return nil }
    if first == "func" { return words.dropFirst().first.map { String($0.prefix { $0 != "(" && $0 != "<" }) } }
    let name = first.prefix { $0.isLetter }
    return name == "init" || name == "deinit" ? String(name) : nil
  }
}
