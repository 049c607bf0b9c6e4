/// The list of metrics in docs/operations.md against the program's own page.
import Testing

@Suite struct MetricsReferenceTests {
  @Test("The list names every metric that the page has, and no other")
  func list() throws {
    let page = try SourceTree.read("Sources/Server/Metrics/MetricsPage.swift")
    let made = Set(page.lines.flatMap { $0.matches(of: /"(mfh_[a-z_]+)"/).map { String($0.output.1) } })
    let document = try SourceTree.read("docs/operations.md")
    let told = Set(
      document.lines.filter { $0.hasPrefix("| `mfh_") }
        .flatMap { $0.split(separator: "|")[0].matches(of: /`(mfh_[a-z_]+)/).map { String($0.output.1) } })
    #expect(made.count > 40)
    #expect(made.subtracting(told).sorted() == [], "not in the document")
    #expect(told.subtracting(made).sorted() == [], "not in the program")
  }
}
