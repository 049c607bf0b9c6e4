/// The project's files as the tidy tests see them: found from where this file stands, read once.
import Foundation

struct TextFile {
  /// From the project's folder, with `/`.
  let path: String
  let lines: [String]
  /// The same without comments, strings and patterns; only of Swift files.
  let code: [String]

  init(path: String, lines: [String]) {
    self.path = path
    self.lines = lines
    var stripper = CodeStripper()
    code = path.hasSuffix(".swift") ? lines.map { stripper.code(of: $0) } : []
  }
}

enum SourceTree {
  static let root = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

  /// All Swift files of the product, its tests, its fuzzers and its benchmarks.
  static let swift = files(in: ["Sources", "Tests", "Fuzz", "Benchmarks"]) { $0.hasSuffix(".swift") }
  static let sources = swift.filter { $0.path.hasPrefix("Sources/") }
  static let documents =
    files(in: ["docs", "examples", "Benchmarks", "Tests"]) { $0.hasSuffix(".md") }
    + filesAtRoot { $0.hasSuffix(".md") }

  static func exists(_ path: String) -> Bool {
    FileManager.default.fileExists(atPath: root.appendingPathComponent(path).path)
  }

  static func read(_ path: String) throws -> TextFile {
    let text = try String(contentsOf: root.appendingPathComponent(path), encoding: .utf8)
    var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    if lines.last == "" { lines.removeLast() }
    return TextFile(path: path, lines: lines)
  }

  private static func filesAtRoot(_ isWanted: (String) -> Bool) -> [TextFile] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: root.path)) ?? []
    return names.sorted().filter(isWanted).compactMap { try? read($0) }
  }

  private static func files(in folders: [String], _ isWanted: (String) -> Bool) -> [TextFile] {
    folders.flatMap { folder -> [TextFile] in
      let paths = FileManager.default.enumerator(atPath: root.appendingPathComponent(folder).path)?.allObjects ?? []
      return paths.compactMap { $0 as? String }.filter { isWanted($0) && !isBuilt($0) }.sorted()
        .compactMap { try? read(folder + "/" + $0) }
    }
  }

  /// What a build, a generator or a virtual environment puts beside the sources.
  private static func isBuilt(_ path: String) -> Bool {
    path.split(separator: "/").contains { $0.hasPrefix(".") || $0 == "__pycache__" || $0 == "Generated" }
  }
}
