/// Several writes at once, from a file or a pipe.
import Foundation
import TestSupport
import Testing

@Suite("Batches", .timeLimit(.minutes(10)))
struct BatchTests {
  let hub: TestHub

  init() throws { hub = try TestHub() }

  private let operations = """
    {"op":"put","key":"a","item":{"content":"x"}}

    {"op":"put","key":"k","item":{"content":"y"},"if_revision":1}
      {"op":"delete","key":"nothing"}\r
    {"op":"delete","key":"a"}
    """

  @Test("Every operation's result is shown, in order")
  func results() throws {
    try hub.ok("put", "k", "v")
    let dry = try hub.ok("batch", "-", "--dry-run", input: operations)
    #expect(
      dry.lines == [
        "OP      KEY      REVISION  WOULD", "put     a               -  create", "put     k               1  replace",
        "delete  nothing         -  nothing there", "delete  a               -  delete",
      ])
    #expect(try hub.ok("list").lines == ["k"])
    let run = try hub.ok("batch", "-", input: operations)
    #expect(
      run.lines == [
        "OP      KEY      REVISION  RESULT", "put     a               2  created",
        "put     k               3  replaced", "delete  nothing         -  nothing there",
        "delete  a               4  deleted",
      ])
    #expect(try hub.item("k")["content"] as? String == "y")
  }

  @Test("json is the hub's result, and a line for each operation in a dry run")
  func json() throws {
    try hub.ok("put", "k", "v")
    let dry = try hub.ok("batch", "-", "--dry-run", "--format", "json", input: operations).objects()
    #expect(dry.map { $0["would"] as? String } == ["create", "replace", "nothing there", "delete"])
    let run = try hub.ok("batch", "-", "--format", "json", input: operations).objects()
    #expect(run.count == 1 && run[0]["revision"] as? Int == 4)
    #expect((run[0]["results"] as? [Any])?.count == 4)
  }

  @Test("A file is read; a missing one is exit code 66")
  func file() throws {
    let scratch = try ScratchDirectory.made()
    let path = scratch.path + "/changes.jsonl"
    try scratch.write(Array(#"{"op":"put","key":"a","item":{"content":"x"}}"#.utf8), to: path)
    try hub.ok("batch", path)
    let missing = try hub.mfh("batch", path + ".not")
    #expect(missing.status == 66 && missing.errors.contains(path + ".not"))
    #expect(try hub.mfh("batch", scratch.path).status == 66)
  }

  private static let good = #"{"op":"put","key":"a","item":{"content":"x"}}"#
  private static let wrong: [(String, Int32, String)] = [
    ("", 65, "no operations"),
    (good + "\n\nnonsense", 65, "standard input, line 3"),
    (good + "\n[1]", 65, "line 2"),
    (good + "\n{\"op\":\"patch\",\"key\":\"b\"}", 65, "line 2"),
    (good + "\n{\"op\":\"delete\"}", 65, "line 2"),
    (good + "\n\n{\"op\":\"put\",\"key\":\"b\"}", 65, "standard input, line 3"),
    (good + "\n\n{\"op\":\"put\",\"key\":\"b\",\"item\":{\"content\":1}}", 65, "standard input, line 3"),
    (good + "\n\n{\"op\":\"delete\",\"key\":\"b\",\"if_revision\":7}", 73, "standard input, line 3"),
  ]

  @Test("One wrong line is named, and nothing is done", arguments: wrong)
  func refused(_ input: String, _ status: Int32, _ text: String) throws {
    let run = try hub.mfh("batch", "-", input: input)
    #expect(run.status == status && run.output.isEmpty)
    #expect(run.errorLines.count == 1 && run.errors.contains(text), "\(run.errors)")
    #expect(try hub.ok("list").output.isEmpty)
  }

  @Test("More operations than the hub takes are exit code 65")
  func tooMany() throws {
    let input = Array(repeating: BatchTests.good, count: 1_025).joined(separator: "\n")
    let run = try hub.mfh("batch", "-", input: input)
    #expect(run.status == 65 && run.errorLines.count == 1 && run.errors.contains("too_large"))
  }

  @Test("A dry run finds the conflicts")
  func dryConflict() throws {
    let input = BatchTests.good + "\n{\"op\":\"delete\",\"key\":\"b\",\"if_revision\":7}"
    let run = try hub.mfh("batch", "-", "--dry-run", input: input)
    #expect(run.status == 73 && run.lines.last?.hasSuffix("conflict") == true)
  }
}
