/// `mfh history`, and `mfh get` of the past.
import Foundation
import TestSupport
import Testing

@Suite("The past in a shell", .timeLimit(.minutes(10)))
struct PastTests {
  let hub: TestHub

  init() throws {
    hub = try TestHub(["--durability", "none"])
    try hub.ok("put", "k", "one", "--agent", "first")
    try hub.ok("put", "other", "x")
    try hub.ok("put", "k", "two", "--agent", "second")
    try hub.ok("delete", "k", "--agent", "third")
  }

  @Test("history shows a key's events newest first, for people and as JSON, deleted or not")
  func history() throws {
    let table = try hub.ok("history", "k").lines
    #expect(table.count == 4 && table[0].contains("REVISION") && table[0].contains("AGENT"))
    for (line, words) in zip(table.dropFirst(), [["4", "DELETE", "third"], ["3", "UPDATE", "two"], ["1", "CREATE"]]) {
      #expect(words.allSatisfy { line.contains($0) }, "\(line)")
    }
    let events = try hub.ok("history", "k", "--format", "json").objects()
    #expect(events.map { $0["sequence_number"] as? Int } == [4, 3, 1])
    #expect((events[0]["previous_value"] as? [String: Any])?["content"] as? String == "two")
    #expect(events[2]["previous_value"] is NSNull && events[2]["agent_id"] as? String == "first")
  }

  @Test("A history that leaves events out says so and how to go on; one without events is exit code 66")
  func limits() throws {
    let short = try hub.mfh("history", "k", "--limit", "2")
    #expect(short.status == 0 && short.lines.count == 3 && short.errors.contains("--before-revision 3"))
    let rest = try hub.ok("history", "k", "--before-revision", "3", "--format", "json").objects()
    #expect(rest.map { $0["sequence_number"] as? Int } == [1])
    for arguments in [["history", "nothing"], ["history", "k", "--before-revision", "1"]] {
      let run = try hub.mfh(arguments)
      #expect(run.status == 66 && run.errorLines.count == 1 && run.errors.contains("no event"))
    }
    #expect(try hub.mfh("history", "k", "--all", "--limit", "2").status == 64)
    #expect(try hub.mfh("history", "k", "--limit", "0").status == 64)
  }

  @Test("More events than a page of the client come once each")
  func pages() throws {
    let lines = (0..<1_000).map { #"{"op":"put","key":"long","item":{"content":"\#($0)"}}"# }
    for _ in 0..<2 { try hub.ok("batch", "-", input: lines.joined(separator: "\n")) }
    let events = try hub.ok("history", "long", "--all", "--format", "json").objects()
    #expect(events.map { $0["sequence_number"] as? Int } == (5...2_004).reversed().map { $0 })
  }

  @Test("get shows what was there at a revision and at a time, and says when there was nothing")
  func get() throws {
    #expect(try hub.ok("get", "k", "--at-revision", "1", "--raw").output == "one")
    #expect(try hub.ok("get", "k", "--at-revision", "3", "--raw").output == "two")
    let events = try hub.ok("history", "k", "--format", "json").objects()
    let time = try #require(events[1]["timestamp"] as? String)
    #expect(try hub.ok("get", "k", "--at-time", time, "--raw").output == "two")
    for moment in [["--at-revision", "4"], ["--at-revision", "0"], ["--at-time", "2001-01-01T00:00:00Z"]] {
      let run = try hub.mfh(["get", "k"] + moment)
      #expect(run.status == 66 && run.errors.contains("mfh history k"), "\(run.errors)")
    }
    #expect(try hub.mfh("get", "k", "--at-revision", "99").status == 65)
    #expect(try hub.mfh("get", "k", "--at-revision", "1", "--at-time", time).status == 64)
  }

  private static let gone =
    #"{"success":false,"code":"revision_compacted","error":"revision 7 is gone: all is there from revision 8 on"}"#

  private func page(_ revisions: [Int], _ rest: String) -> String {
    let events = revisions.map {
      #"{"sequence_number":\#($0),"timestamp":"2026-11-24T09:00:00.000000Z","event_type":"UPDATE","target_key":"k","#
        + #""agent_id":"a","payload":{"content":"x"},"previous_value":null}"#
    }
    return #"{"success":true,"result":{"events":[\#(events.joined(separator: ","))],"more":true\#(rest)}}"#
  }

  @Test(
    "A list whose rest is gone from the log shows what is there, says what is gone, and is exit code 66",
    arguments: [["history", "k"], ["events"]], ["table", "json"])
  func goneInTheMidst(_ command: [String], _ format: String) throws {
    let first = page([9, 8], #","next_revision":10,"revision":20,"epoch":1"#)
    let hub = try PretendedHub(.bodies([first, PastTests.gone]))
    defer { hub.stop() }
    let run = try mfh(command + ["--hub", hub.address, "--format", format])
    #expect(run.status == 66)
    #expect(run.lines.count == (format == "json" ? 2 : 3), "\(run.output)")
    #expect(run.lines.last?.contains(format == "json" ? #""sequence_number":8"# : " 8  UPDATE") ?? false)
    #expect(run.errorLines.count == 1 && run.errors.contains("gone from the log"), "\(run.errors)")
    #expect(run.errors.contains("from revision 8 on") && run.errors.contains("revision_compacted"))
    #expect(run.errors.contains(command[0] == "history" ? "before revision 8" : "from revision 10 on"))
  }

  @Test("A list whose first page is refused prints nothing", arguments: [["history", "k"], ["events"]])
  func goneAtOnce(_ command: [String]) throws {
    let hub = try PretendedHub(.body(PastTests.gone))
    defer { hub.stop() }
    let run = try mfh(command + ["--hub", hub.address])
    #expect(run.status == 66 && run.output.isEmpty && run.errorLines.count == 1)
    #expect(!run.errors.contains("the list ends here"))
  }

  @Test("Where nothing is, it is said that nothing is there, and where the log ends")
  func nothing() throws {
    let runs: [([String], String)] = [
      (["events", "--from-revision", "999999"], "from revision 999999 on"),
      (["events", "--since", "2999-01-01T00:00:00Z"], "from 2999-01-01T00:00:00Z on"),
      (["events", "--by", "nobody"], "by nobody"), (["events", "--prefix", "none/"], "none/"),
      (["undo", "--agent", "nobody", "--from-revision", "0"], "by nobody from revision 0 on"),
      (["undo", "--agent", "nobody", "--from-revision", "0", "--dry-run", "--format", "json"], "by nobody"),
    ]
    for (arguments, text) in runs {
      let run = try hub.mfh(arguments)
      #expect(run.status == 0, "\(arguments): \(run.errors)")
      #expect(run.errorLines.count == 1 && run.errors.contains(text), "\(arguments): \(run.errors)")
      #expect(run.errors.contains("the log ends with revision 4"), "\(run.errors)")
    }
    #expect(try hub.mfh("events").errors.isEmpty)
    #expect(try hub.mfh("undo", "--agent", "first", "--from-revision", "0", "--dry-run").errors.isEmpty)
  }

  @Test("A dry run of a redaction tells what would be erased, and erases nothing")
  func redactDryRun() throws {
    let options = ["--reason", "r", "--dry-run", "--format", "json"]
    let whole = try hub.mfh(["redact", "k"] + options)
    #expect(whole.status == 0 && whole.errors.isEmpty, "\(whole.errors)")
    #expect(whole.output == #"{"would":"erase","key":"k","items":2,"revisions":[1,3]}"# + "\n")
    let one = try hub.mfh(["redact", "--revision", "2"] + options)
    #expect(one.output == #"{"would":"erase","key":"other","items":1,"revisions":[2]}"# + "\n")
    let table = try hub.ok("redact", "k", "--reason", "r", "--dry-run").output
    #expect(table.contains("would erase  2 items") && table.contains("1, 3"), "\(table)")
    for (arguments, status, text) in [
      (["--revision", "4"], Int32(65), "DELETE"), (["--revision", "99"], 65, "ends with revision 4"),
      (["--revision", "0"], 65, "ends with revision 4"), (["nobody"], 66, "nothing to erase"),
    ] {
      let run = try hub.mfh(["redact"] + arguments + options)
      #expect(run.status == status && run.output.isEmpty && run.errorLines.count == 1)
      #expect(run.errors.contains(text), "\(run.errors)")
    }
    #expect(try hub.ok("get", "k", "--at-revision", "1", "--raw").output == "one")
    try hub.ok("redact", "k", "--reason", "r", "--no-wait")
    #expect(try hub.mfh("get", "k", "--at-revision", "1").errors.contains("redacted"))
    #expect(try hub.mfh(["redact", "k"] + options).status == 66)
    #expect(try hub.mfh(["redact", "--revision", "1"] + options).status == 66)
  }
}
