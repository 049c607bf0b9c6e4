/// Lists: order, pages, limits, and what is said when there is more.
import Foundation
import TestSupport
import Testing

@Suite("Lists", .timeLimit(.minutes(10)))
struct ListTests {
  let hub: TestHub
  /// More than a page of the client, and than a default list.
  let keys = (0..<2_345).map { "n/\(String(100_000 + $0))" }

  init() throws {
    hub = try TestHub(["--durability", "none"])
    for start in stride(from: 0, to: keys.count, by: 1_000) {
      let lines = keys[start..<min(start + 1_000, keys.count)].map {
        #"{"op":"put","key":"\#($0)","item":{"content":"x"}}"#
      }
      try hub.ok("batch", "-", input: lines.joined(separator: "\n"))
    }
    try hub.ok("put", "zebra", "x")
  }

  @Test("--all lists every key once, in order, in both forms")
  func all() throws {
    #expect(try hub.ok("list", "--all").lines == keys + ["zebra"])
    #expect(try hub.ok("list", "n/", "--all").lines == keys)
    let objects = try hub.ok("list", "--all", "--format", "json").objects()
    #expect(objects.map { $0["key"] as? String } == keys + ["zebra"])
    #expect(try hub.ok("list", "nothing/").output.isEmpty)
  }

  @Test("A list that leaves keys out says so on standard error, and how to go on")
  func limits() throws {
    let short = try hub.mfh("list", "n/")
    #expect(short.status == 0 && short.lines == Array(keys.prefix(100)))
    #expect(short.errorLines.count == 1 && short.errors.contains("--start-after '\(keys[99])'"))
    for limit in [1, 999, 1_000, 1_001, 2_344] {
      let run = try hub.mfh("list", "n/", "--limit", "\(limit)")
      #expect(run.lines == Array(keys.prefix(limit)))
      #expect(run.errorLines.count == 1, "\(limit)")
    }
    #expect(try hub.ok("list", "n/", "--limit", "2345").lines.count == 2_345)
    #expect(try hub.ok("list", "--start-after", keys[2_343], "--limit", "9").lines == [keys[2_344], "zebra"])
  }

  @Test("A reader that goes away ends the list without a word")
  func closedPipe() throws {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/bin/sh")
    let tool = ProgramRun.executable("mfh").path
    process.arguments = [
      "-c", "{ '\(tool)' list --all --hub \(hub.server.address); echo $? >&2; } | head -1",
    ]
    let output = Pipe()
    let errors = Pipe()
    process.standardOutput = output
    process.standardError = errors
    try process.run()
    process.waitUntilExit()
    #expect(String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self) == "0\n")
    #expect(String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self) == keys[0] + "\n")
  }
}
