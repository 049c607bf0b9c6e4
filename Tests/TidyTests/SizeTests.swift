/// Sizes of files and functions. A smoke alarm, not a goal: see CONTRIBUTING.md, "Style".
import Testing

@Suite struct SizeTests {
  static let fileLinesMax = 400
  static let functionLinesMax = 60

  @Test("No Swift file is longer than 400 lines")
  func fileLengths() {
    let long = SourceTree.swift.filter { $0.lines.count > Self.fileLinesMax }
    #expect(long.map { "\($0.path): \($0.lines.count) lines" } == [])
  }

  @Test("The median file of the product is short, and there is a product at all")
  func medianFile() {
    let lengths = SourceTree.sources.map(\.lines.count).sorted()
    #expect(lengths.count > 100)
    let median = lengths[lengths.count / 2]
    #expect((40...200).contains(median), "the median is \(median) lines")
  }

  @Test("No function is longer than 60 lines")
  func functionLengths() {
    let long = SourceTree.swift.flatMap { file in
      FunctionLengths.measure(file).filter { $0.length > Self.functionLinesMax }
        .map { "\(file.path):\($0.line): \($0.name) has \($0.length) lines" }
    }
    #expect(long == [])
  }

  @Test("The median function is short: most functions are a few lines")
  func medianFunction() {
    let lengths = SourceTree.sources.flatMap(FunctionLengths.measure).map(\.length).sorted()
    #expect(lengths.count > 500)
    let median = lengths[lengths.count / 2]
    #expect((2...12).contains(median), "the median is \(median) lines")
  }

  @Test("The measure of functions counts from the declaration to its brace, past strings, comments and closures")
  func theMeasureItself() {
    let text = """
      func short() { run() }
      func brace() -> String {
        // }
        let text = "}" + #"}"#
        return [1].map { $0 }.description + text.replacing(of: /\\{"a\\//)
      }
      struct Thing {
        init(_ a: Int) {
          b = Thing(a)
        }
        func broken(
          over: Int
        ) {
          func inner() {
          }
        }
      }
      """
    let file = TextFile(path: "x.swift", lines: text.split(separator: "\n").map(String.init))
    let found = FunctionLengths.measure(file).map { "\($0.name) \($0.line) \($0.length)" }
    #expect(found == ["short 1 1", "brace 2 5", "init 8 3", "inner 14 2", "broken 11 6"])
  }
}
