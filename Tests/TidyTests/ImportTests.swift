/// Who may import whom: the table in ARCHITECTURE.md is the rule, the import lines are held to it.
import Testing

@Suite struct ImportTests {
  /// One row of the table: a target, and what it may import.
  struct Row {
    let folder: String
    let module: String
    let allowed: Set<String>
  }

  static let forAll: Set<String> = ["Glibc", "Synchronization"]

  /// The rows of the table with the columns folder, what it is for, may import.
  static func rows() throws -> [Row] {
    let document = try SourceTree.read("ARCHITECTURE.md")
    guard let head = document.lines.firstIndex(where: { $0.hasPrefix("| folder in") }) else { return [] }
    return document.lines[(head + 2)...].prefix { $0.hasPrefix("|") }.flatMap { line -> [Row] in
      let cells = line.split(separator: "|", omittingEmptySubsequences: false).map(String.init)
      guard cells.count >= 4 else { return [] }
      let folders = Self.codeWords(cells[1])
      let module = cells[1].contains("(module") ? folders.last : nil
      return (module == nil ? folders : [folders[0]]).map {
        Row(folder: $0, module: module ?? $0, allowed: Set(Self.codeWords(cells[3])))
      }
    }
  }

  /// The words that stand in backquotes.
  static func codeWords(_ text: String) -> [String] {
    text.split(separator: "`", omittingEmptySubsequences: false).enumerated()
      .filter { $0.offset % 2 == 1 }.map { String($0.element) }
  }

  static func imports(_ file: TextFile) -> [(line: Int, module: String)] {
    file.code.enumerated().compactMap { index, line in
      guard line.utf8.firstRange(of: "import ".utf8) != nil else { return nil }
      let pattern =
        /(?:@\w+ )*(?:(?:public|package|internal|fileprivate|private) )?import (?:(?:struct|class|enum|func|var|protocol) )?(\w+).*/
      guard let match = line.wholeMatch(of: pattern) else { return nil }
      return (index + 1, String(match.output.1))
    }
  }

  static func row(of file: TextFile, in rows: [Row]) -> Row? {
    rows.first { file.path.hasPrefix("Sources/\($0.folder)/") }
  }

  @Test("Each file imports only what the table in ARCHITECTURE.md allows its folder")
  func direction() throws {
    let rows = try Self.rows()
    let wrong = SourceTree.sources.flatMap { file -> [String] in
      guard let row = Self.row(of: file, in: rows) else { return ["\(file.path): its folder is not in the table"] }
      return Self.imports(file).filter { !row.allowed.contains($0.module) && !Self.forAll.contains($0.module) }
        .map { "\(file.path):\($0.line): \(row.folder) may not import \($0.module)" }
    }
    #expect(wrong == [])
  }

  @Test("The table names only folders that exist, and allows nothing that nobody uses")
  func theTableIsTrue() throws {
    let rows = try Self.rows()
    #expect(rows.count >= 14)
    for row in rows {
      #expect(SourceTree.exists("Sources/\(row.folder)"), "Sources/\(row.folder) does not exist")
      let used = Set(
        SourceTree.sources.filter { $0.path.hasPrefix("Sources/\(row.folder)/") }
          .flatMap { Self.imports($0).map(\.module) })
      #expect(row.allowed.subtracting(used).sorted() == [], "\(row.folder) does not use what it may import")
    }
  }

  @Test(
    "The table itself points one way: LogStore and KeyIndex are strangers, only tools and transports know the server")
  func theTableIsSound() throws {
    let rows = try Self.rows()
    func allowed(_ module: String) -> Set<String> { rows.first { $0.module == module }?.allowed ?? [] }
    #expect(!allowed("LogStore").contains("KeyIndex") && !allowed("KeyIndex").contains("LogStore"))
    for row in rows where row.allowed.contains("Server") {
      #expect(row.folder.hasPrefix("Tools/") || row.folder.contains("Edge"), "\(row.folder) imports Server")
    }
    // Rows stand below what they import: so there is no circle either.
    for (index, row) in rows.enumerated() {
      let above = Set(rows[..<index].map(\.module))
      let known = Set(rows.map(\.module))
      #expect(row.allowed.intersection(known).subtracting(above).sorted() == [], "\(row.folder) imports from below")
    }
  }

  @Test("No file of the product imports Foundation")
  func foundation() {
    let found = SourceTree.sources.filter { Self.imports($0).contains { $0.module.hasPrefix("Foundation") } }
    #expect(found.map(\.path) == [])
  }
}
