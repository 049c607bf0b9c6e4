/// Exit codes, usage errors, and the manners of a tool in a pipe.
import Foundation
import LogStore
import TestSupport
import Testing

@Suite("The command line")
struct CommandLineTests {
  private static let wrong: [[String]] = [
    [], ["--format", "xml"], ["--limit", "0"], ["--limit", "-3"], ["--limit", "many"], ["--type", "PATCH"],
    ["--since", "yesterday"], ["--since", "2025-02-30T00:00:00Z"], ["--from-revision", "-1"], ["--key", " "],
    ["--stats", "--records"], ["--stats", "--limit", "3"], ["--nonsense"], ["another"],
  ]

  @Test("A wrong command line is exit code 64, with one line that says what to do next", arguments: wrong)
  func usage(_ options: [String]) throws {
    let run = try ToolRun(options.isEmpty ? [] : ["/nonexistent"] + options)
    #expect(run.status == 64)
    #expect(run.output.isEmpty)
    #expect(run.errorLines.count == 1, "\(run.errors)")
    #expect(run.errors.hasPrefix("logstore-dump: ") && run.errors.hasSuffix(" See logstore-dump --help.\n"))
  }

  @Test(
    "So it is with the other tools on stores, and their help has examples",
    arguments: [
      (
        "logstore-replay",
        [[], ["a"], ["a", "--target"], ["a", "--target", "b", "--to-revision", "x"], ["--nonsense"]]
      ),
      ("logstore-verify", [[], ["a", "--format", "xml"], ["a", "b"], ["a", "--public-key", "x"], ["--nonsense"]]),
      ("logstore-compact", [[], ["a", "--retention", "5x"], ["a", "b"], ["a", "--format", "xml"], ["--nonsense"]]),
      ("logstore-dump", []),
    ])
  func otherTools(_ program: String, _ wrong: [[String]]) throws {
    for arguments in wrong {
      let run = try ProgramRun(program, arguments)
      #expect(run.status == 64 && run.output.isEmpty, "\(program) \(arguments)")
      #expect(run.errorLines.count == 1, "\(run.errors)")
      #expect(
        run.errors.hasPrefix("\(program): ") && run.errors.hasSuffix(" See \(program) --help.\n"), "\(run.errors)")
    }
    let help = try ProgramRun(program, ["--help"])
    #expect(help.status == 0 && help.errors.isEmpty && help.output.contains("Examples:\n  \(program) "))
    #expect(try ProgramRun(program, ["--version"]).output == "\(program) 0.1.0\n")
  }

  @Test("Where nothing passes the filters that is said, with the end of the log; the exit code stays 0")
  func nothing() throws {
    let fixture = try StoreFixture.closed(events: 20)
    for options in [
      ["--from-revision", "99999999"], ["--since", "2999-01-01T00:00:00Z"], ["--key", "none", "--reverse"],
      ["--format", "json", "--agent", "nobody"], ["--records", "--key", "none"],
    ] {
      let run = try ToolRun([fixture.directory.path] + options)
      #expect(run.status == 0)
      #expect(run.errorLines.count == 1 && run.errors.contains("ends with revision 20"), "\(run.errors)")
    }
    #expect(try ToolRun(fixture.directory.path, "--stats", "--key", "none").errors.isEmpty)
    #expect(try ToolRun(fixture.directory.path, "--from-revision", "20").errors.isEmpty)
  }

  @Test("No directory, no store, or a file in its place is exit code 66 with one line that says what to do")
  func noStore() throws {
    let empty = ScratchDirectory()
    try FileManager.default.createDirectory(atPath: empty.path, withIntermediateDirectories: true)
    try empty.write([1], to: empty.path + "/file")
    for path in ["/nonexistent/store", empty.path, empty.path + "/file"] {
      let run = try ToolRun(path)
      #expect(run.status == 66, "\(path)")
      #expect(run.output.isEmpty)
      #expect(run.errorLines.count == 1)
      #expect(run.errors.contains(path) && run.errors.contains("--data-dir"))
    }
  }

  @Test("The version and the help are printed")
  func version() throws {
    let version = try ToolRun("--version")
    #expect(version.status == 0 && version.output == "logstore-dump 0.1.0\n")
    let help = try ToolRun("--help")
    #expect(help.status == 0)
    let options = [
      "--format", "--key", "--prefix", "--agent", "--type", "--from-revision", "--to-revision", "--since", "--until",
      "--limit", "--reverse", "--stats", "--records",
    ]
    for option in options { #expect(help.output.contains(option)) }
  }

  @Test("A reader that goes away ends the tool without a word")
  func closedPipe() throws {
    let fixture = try StoreFixture.closed(events: 3_000, segmentBytes: 1 << 20)
    for format in ["json", "table"] {
      let process = Process()
      process.executableURL = URL(fileURLWithPath: "/bin/sh")
      let tool = ToolRun.executable.path
      process.arguments = [
        "-c", "{ '\(tool)' '\(fixture.directory.path)' --format \(format); echo $? >&2; } | head -1",
      ]
      let output = Pipe()
      let errors = Pipe()
      process.standardOutput = output
      process.standardError = errors
      try process.run()
      process.waitUntilExit()
      #expect(String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self) == "0\n")
      let lines = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
      #expect(lines.split(separator: "\n").count == 1)
    }
  }

  @Test("Output that can not be written is exit code 74")
  func fullDisk() throws {
    let fixture = try StoreFixture.closed(events: 50)
    let process = Process()
    process.executableURL = ToolRun.executable
    process.arguments = [fixture.directory.path, "--format", "json"]
    process.standardOutput = try FileHandle(forWritingTo: URL(fileURLWithPath: "/dev/full"))
    let errors = Pipe()
    process.standardError = errors
    try process.run()
    process.waitUntilExit()
    #expect(process.terminationStatus == 74)
    let said = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    #expect(said.contains("standard output"))
  }

  @Test("A table has aligned columns, and control characters can not reach the terminal")
  func table() throws {
    let fixture = try StoreFixture()
    try fixture.append(.create, "k\u{1B}[2Jx", agent: "planner")
    try fixture.append(.create, "a longer key", agent: "x")
    try fixture.commit()
    try fixture.log.close()
    let run = try ToolRun(fixture.directory.path)
    #expect(run.status == 0)
    #expect(run.lines.count == 3)
    #expect(!run.output.contains("\u{1B}"))
    #expect(run.lines[1].contains(#"k\u{1b}[2Jx"#))
    let titles = ["TIME", "REVISION", "TYPE", "KEY", "AGENT", "PAYLOAD"]
    #expect(run.lines[0].split(separator: " ").map(String.init) == titles)
    let agentColumn = try #require(run.lines[0].range(of: "AGENT")).lowerBound.utf16Offset(in: run.lines[0])
    for (line, agent) in [(run.lines[1], "planner"), (run.lines[2], "x")] {
      #expect(line.dropFirst(agentColumn).hasPrefix(agent + " "))
    }
  }
}
