/// Every command against a real hub, in both forms.
import Foundation
import TestSupport
import Testing

@Suite("Commands", .timeLimit(.minutes(10)))
struct CommandTests {
  let hub: TestHub

  init() throws { hub = try TestHub() }

  @Test("What was put is shown: the content first, then what else is known")
  func putAndGet() throws {
    let put = try hub.ok("put", "notes/today", "Ship it\non Friday", "--tag", "plan", "--tag", "hub", "--type", "plan")
    #expect(put.output == "created notes/today at revision 1 (fsync)\n")
    let lines = try hub.ok("get", "notes/today").output.split(separator: "\n", omittingEmptySubsequences: false)
    #expect(lines[0...2] == ["Ship it", "on Friday", ""])
    #expect(lines[3] == "key          notes/today")
    #expect(lines[4] == "memory_type  plan")
    #expect(lines[5].hasPrefix("timestamp    20"))
    #expect(lines[6] == "tags         plan, hub")
    #expect(lines[7] == "revision     1")
    #expect(lines.count == 9, "what says nothing is left out: \(lines)")
    #expect(try hub.ok("put", "notes/today", "Later").output == "replaced notes/today at revision 2 (fsync)\n")
  }

  @Test("json is the result as the hub sent it, one object a line")
  func getJSON() throws {
    let put = try hub.ok("put", "k", "v", "--format", "json")
    #expect(put.output == #"{"stored":true,"created":true,"revision":1,"durability":"fsync"}"# + "\n")
    let get = try hub.ok("get", "k", "--format", "json")
    #expect(get.lines.count == 1)
    #expect(get.output.hasPrefix(#"{"found":true,"item":{"key":"k","content":"v","memory_type":"conversation","#))
    #expect(get.output.hasSuffix(#""expiry_timestamp":null},"revision":1}"# + "\n"))
    let missing = try hub.mfh("get", "nope", "--format", "json")
    #expect(missing.output == #"{"found":false,"item":null,"revision":0}"# + "\n")
    #expect(missing.status == 66)
  }

  @Test("All three kinds of item are put and shown")
  func kinds() throws {
    try hub.ok("put", "s", #"{"session_id":"s1","user_id":"ada","context":{"a":1}}"#)
    let session = try hub.ok("get", "s").output
    #expect(session.hasPrefix("session_id     s1\nuser_id        ada\n"))
    #expect(session.contains("\ncontext        {\"a\":1}\n"))
    try hub.ok("put", "n", #"{"knowledge_id":"n1","title":"T","category":"c","content":"Known"}"#)
    let knowledge = try hub.ok("get", "n").output
    #expect(knowledge.hasPrefix("Known\n\nknowledge_id      n1\ntitle             T\n"))
    try hub.ok("put", "o", #"{"name":"Ada","list":[1,2]}"#)
    #expect(try hub.ok("get", "o").output.hasPrefix("{\"name\":\"Ada\",\"list\":[1,2]}\n\nkey "))
  }

  @Test("A content that does not fit on a line is laid out on several")
  func layout() throws {
    let words = String(repeating: "w", count: 40)
    try hub.ok("put", "o", #"{"a":["\#(words)",{"b":"\#(words)"}],"c":1}"#)
    let expected = """
      {
        "a": [
          "\(words)",
          {"b":"\(words)"}
        ],
        "c": 1
      }
      """
    #expect(try hub.ok("get", "o").output.hasPrefix(expected + "\n\nkey "))
  }

  @Test("exists prints true or false, and its exit code says the same")
  func exists() throws {
    try hub.ok("put", "k", "v")
    #expect(try hub.ok("exists", "k").output == "true\n")
    #expect(try hub.ok("exists", "k", "--format", "json").output == #"{"exists":true}"# + "\n")
    let missing = try hub.mfh("exists", "nope")
    #expect(missing.status == 66 && missing.output == "false\n" && missing.errors.isEmpty)
  }

  @Test("delete deletes, and is content when there is nothing")
  func delete() throws {
    try hub.ok("put", "k", "v")
    #expect(try hub.ok("delete", "k", "--dry-run").output == "would delete k, which is at revision 1\n")
    #expect(try hub.ok("exists", "k").output == "true\n")
    #expect(try hub.ok("delete", "k").output == "deleted k at revision 2\n")
    #expect(try hub.ok("delete", "k").output == "k: nothing there\n")
    #expect(try hub.ok("delete", "k", "--dry-run").output == "k: nothing there\n")
    let json = try hub.ok("delete", "k", "--format", "json").output
    #expect(json == #"{"deleted":false,"found":false,"revision":2}"# + "\n")
    let dry = try hub.ok("delete", "k", "--dry-run", "--format", "json").output
    #expect(dry == #"{"dry_run":true,"found":false,"revision":0}"# + "\n")
  }

  @Test("A dry run of put shows the item, and writes nothing")
  func dryPut() throws {
    let dry = try hub.ok("put", "k", "v", "--tag", "t", "--dry-run")
    #expect(dry.output == "would create k with\n{\"content\":\"v\",\"tags\":[\"t\"]}\n")
    #expect(try hub.mfh("exists", "k").status == 66)
    try hub.ok("put", "k", "v")
    let json = try hub.ok("put", "k", "w", "--dry-run", "--format", "json").output
    #expect(json == #"{"dry_run":true,"created":false,"revision":1,"item":{"content":"w"}}"# + "\n")
    let conflict = try hub.mfh("put", "k", "w", "--dry-run", "--if-revision", "0")
    #expect(conflict.status == 73 && conflict.errors.contains("revision 1"))
  }

  @Test("checksum and ping answer in both forms")
  func checksumAndPing() throws {
    try hub.ok("put", "k", "v")
    let json = try #require(try hub.ok("checksum", "--format", "json").objects().first)
    let checksum = try #require(json["checksum"] as? String)
    #expect(checksum.utf8.count == 32)
    #expect(try hub.ok("checksum").lines == ["checksum  \(checksum)", "revision  1", "keys      1"])
    let ping = try hub.ok("ping").output
    #expect(ping.hasPrefix("mfh-server 0.1.0 at \(hub.server.address) answers in "))
    #expect(ping.hasSuffix(" ms (epoch 1)\n"))
    #expect(try hub.ok("ping", "--format", "json").objects().first?["pong"] as? Bool == true)
  }

  @Test("stats shows every figure of the hub, in groups, with units; json has the exact numbers")
  func stats() throws {
    for number in 0..<3 { try hub.ok("put", "k\(number)", "v") }
    let table = try hub.ok("stats").output
    for title in ["HUB", "STATE", "LOG", "ITEMS", "EVENTS", "REQUESTS"] { #expect(table.contains("\n\(title)\n")) }
    #expect(!table.contains("OTHER"), "every figure has its group")
    #expect(table.contains(" KiB\n") || table.contains(" MiB\n"))
    let figures = try #require(try hub.ok("stats", "--format", "json").objects().first)
    #expect(figures["revision"] as? Int == 3)
    func leaves(_ value: Any) -> Int { (value as? [String: Any])?.values.reduce(0) { $0 + leaves($1) } ?? 1 }
    let shown = table.split(separator: "\n").filter { $0.hasPrefix("  ") }
    #expect(shown.count == leaves(figures))
  }

  @Test("health shows the hub and its parts")
  func health() throws {
    let table = try hub.ok("health")
    #expect(table.lines[0] == "memory-fusion-hub at \(hub.server.address) is healthy")
    #expect(table.lines[1].split(separator: " ") == ["COMPONENT", "STATUS", "INFO"])
    #expect(table.output.contains("\nlog "))
    #expect(table.output.contains("\nMETRICS\n"))
    #expect(try hub.ok("health", "--format", "json").objects().first?["status"] as? String == "healthy")
  }

  @Test("A stranger's agent id is in the log, \"mfh\" when none is given, and none when that is asked for")
  func agents() throws {
    try hub.ok("put", "a", "v")
    try hub.ok("put", "b", "v", "--agent", "planner")
    try hub.ok("put", "c", "v", "--agent", "")
    #expect(try hub.mfh(["put", "d", "v"], environment: ["MFH_AGENT": "coder"]).status == 0)
    let agents = try hub.events().map { $0["agent_id"] as? String }
    #expect(agents == ["mfh", "planner", nil, "coder"])
  }

  @Test("Options may stand before the command or behind it, and a flag wins over the environment")
  func optionOrder() throws {
    let wrong = ["MFH_HUB": "tcp://127.0.0.1:1"]
    for arguments in [
      ["--hub", hub.server.address, "ping"], ["--hub=\(hub.server.address)", "ping"],
      ["ping", "--hub", hub.server.address],
      ["--timeout", "5", "--format", "json", "ping", "--hub", hub.server.address],
    ] {
      #expect(try hub.mfh(arguments, environment: wrong).status == 0, "\(arguments)")
    }
  }

  @Test("An item that expires is gone after its time")
  func expiry() throws {
    try hub.ok("put", "k", "v", "--ttl", "0.05")
    let deadline = Date(timeIntervalSinceNow: 30)
    while try hub.mfh("exists", "k").status == 0, Date() < deadline {}
    #expect(try hub.mfh("exists", "k").status == 66)
    try hub.ok("put", "k2", "v", "--ttl", "3600")
    #expect(try hub.item("k2")["expiry_timestamp"] is String)
  }
}
