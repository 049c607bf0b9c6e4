/// Documents name what exists: links, headings, files, also those that comments in the code cite.
import Foundation
import Testing

@Suite struct DocumentTests {
  /// A file that this one speaks of, with where it does so.
  struct Citation {
    let place: String
    let target: String
  }

  @Test("Each relative link of a document leads to a file, and to a heading of it")
  func links() throws {
    let broken = try SourceTree.documents.flatMap { document -> [String] in
      try Self.links(document).filter { try !Self.resolves($0.target, from: document) }
        .map { "\($0.place): \($0.target) leads nowhere" }
    }
    #expect(broken == [])
    #expect(SourceTree.documents.count >= 10)
  }

  @Test("Each source path that a document writes in backquotes exists")
  func namedFiles() {
    let missing = SourceTree.documents.flatMap(Self.namedFiles).filter { !Self.isThere($0.target) }
    #expect(missing.map { "\($0.place): \($0.target) does not exist" } == [])
  }

  /// Documents of others, which a comment names beside the address of their project.
  static let foreign: Set<Substring> = ["doc/xxhash_spec.md"]

  @Test("Each document that a comment in the code cites exists")
  func citedByCode() {
    let missing = SourceTree.swift.flatMap { file in
      file.lines.enumerated().flatMap { index, line -> [String] in
        guard line.utf8.firstRange(of: ".md".utf8) != nil,
          let comment = line.range(of: "//").map({ line[$0.upperBound...] })
        else { return [] }
        return comment.matches(of: /(?:[A-Za-z0-9_\-]+\/)*[A-Za-z0-9_\-]+\.md\b/)
          .filter { !Self.foreign.contains($0.output) && !SourceTree.exists(String($0.output)) }
          .map { "\(file.path):\(index + 1): \($0.output) does not exist" }
      }
    }
    #expect(missing == [])
  }

  // MARK: Links

  private static func links(_ document: TextFile) -> [Citation] {
    prose(document).flatMap { number, line in
      line.matches(of: /\]\(([^)\s]+)\)/).map(\.output.1).filter { !$0.contains("://") }
        .map { Citation(place: "\(document.path):\(number)", target: String($0)) }
    }
  }

  /// Lines outside of code blocks, from 1.
  private static func prose(_ document: TextFile) -> [(Int, String)] {
    var isCode = false
    return document.lines.enumerated().compactMap { index, line in
      if line.hasPrefix("```") { isCode.toggle() }
      return isCode ? nil : (index + 1, line)
    }
  }

  private static func resolves(_ link: String, from document: TextFile) throws -> Bool {
    let parts = link.split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
    let path = parts[0].isEmpty ? document.path : joined(folder(of: document.path), parts[0])
    guard SourceTree.exists(path) else { return false }
    guard parts.count == 2 else { return true }
    return try headings(try SourceTree.read(path)).contains(parts[1])
  }

  private static func folder(of path: String) -> [Substring] { path.split(separator: "/").dropLast() }

  private static func joined(_ folder: [Substring], _ path: String) -> String {
    var parts = folder
    for part in path.split(separator: "/") where part != "." {
      if part == ".." { _ = parts.popLast() } else { parts.append(part) }
    }
    return parts.joined(separator: "/")
  }

  /// Headings as links name them: lower case, hyphens for spaces, nothing but letters, digits, `-` and `_`.
  private static func headings(_ document: TextFile) throws -> Set<String> {
    Set(
      prose(document).map(\.1).filter { $0.hasPrefix("#") }.map { line in
        String(
          line.drop { $0 == "#" || $0 == " " }.lowercased().map { $0 == " " ? "-" : $0 }
            .filter { $0.isLetter || $0.isNumber || $0 == "-" || $0 == "_" })
      })
  }

  // MARK: Names

  /// Words in backquotes that look like files of the tree. In a cell of a table a second one may be short for a file of
  /// the first one's folder.
  private static func namedFiles(_ document: TextFile) -> [Citation] {
    prose(document).flatMap { number, line in
      ImportTests.codeWords(line).filter(isFileName).map { Citation(place: "\(document.path):\(number)", target: $0) }
    }
  }

  private static let kinds = [".swift", ".md", ".py", ".jsonl", ".sh"]

  private static func isFileName(_ word: String) -> Bool {
    let isPlain = !word.contains(" ") && !word.contains("<") && !word.contains("*") && !word.hasPrefix(".")
    return isPlain
      && (kinds.contains { word.hasSuffix($0) } || word.hasPrefix("Sources/") || word.hasPrefix("scripts/"))
  }

  private static func isThere(_ target: String) -> Bool {
    if SourceTree.exists(target) || SourceTree.exists("Sources/" + target) { return true }
    guard !target.hasPrefix("Sources/") else { return false }
    return SourceTree.swift.contains { $0.path.hasSuffix("/" + target) }
  }
}
