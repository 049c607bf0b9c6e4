/// What the command reads from outside: text files and the environment.
internal import Glibc
internal import Programs

enum TextFile {
  /// The whole file; what is not UTF-8 is replaced.
  static func read(_ path: String) throws(LoadError) -> String {
    guard let file = fopen(path, "r") else { throw failure(path) }
    defer { fclose(file) }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 64 << 10)
    while true {
      let count = fread(&chunk, 1, chunk.count, file)
      if count == 0 { break }
      bytes.append(contentsOf: chunk[..<count])
    }
    // A directory opens and can not be read.
    guard ferror(file) == 0 else { throw failure(path) }
    guard !bytes.isEmpty else { throw LoadError(.noInput, "\(path): the file is empty") }
    return String(decoding: bytes, as: UTF8.self)
  }

  private static func failure(_ path: String) -> LoadError {
    LoadError(.noInput, "\(path): \(String(cString: strerror(errno)))")
  }
}

enum Environment {
  /// The variable; nil when it is not set or empty.
  static func value(_ name: String) -> String? {
    guard let value = getenv(name) else { return nil }
    let text = String(cString: value)
    return text.isEmpty ? nil : text
  }
}

extension String {
  /// Without the white space around it.
  var trimmed: String {
    let isSpace = { (character: Character) in character.isWhitespace }
    guard let first = firstIndex(where: { !isSpace($0) }), let last = lastIndex(where: { !isSpace($0) }) else {
      return ""
    }
    return String(self[first...last])
  }
}
