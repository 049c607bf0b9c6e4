/// Keys over the wire: as whom a request counts, what a revocation does, who is held back. SECURITY: rows 6 and 7.
import Access
import Foundation
import Hub
import LogStore
import Testing

@testable import Server

@Suite("Keys over the wire", .timeLimit(.minutes(10)))
struct AccessTests {
  let workshop: KeyWorkshop

  init() throws { workshop = try KeyWorkshop() }

  private func hub(_ adjust: (inout FixtureOptions) -> Void = { _ in }) throws -> HubFixture {
    try HubFixture {
      $0.keyFile = workshop.path
      adjust(&$0)
    }
  }

  private static let item = #""item":{"content":"c"}"#

  @Test("The log names the agent that the key belongs to; a request that names another one is forbidden")
  func writers() throws {
    let token = try workshop.token("planner", "all:*")
    let hub = try hub { $0.readAudit = ReadAuditOptions() }
    let client = try Client(hub)
    #expect(try client.ask("put", token, #""key":"k",\#(Self.item)"#).isSuccess)
    #expect(try client.ask("put", token, #""key":"k","agent_id":"planner",\#(Self.item)"#).isSuccess)
    for other in ["other", "Planner", "planner ", "planne", "plannerr"] {
      for request in [#""key":"k",\#(Self.item)"#, #""key":"none""#] {
        let action = request.contains("item") ? "put" : "get"
        let reply = try client.ask(action, token, #"\#(request),"agent_id":"\#(other)""#)
        #expect(reply.code == "forbidden" && reply.error.contains("agent_id"), "\(reply.text)")
      }
    }
    #expect(try client.ask("get", token, #""key":"k","agent_id":"""#).isSuccess)
    let events = try client.ask("events", token).result["events"] as? [[String: Any]] ?? []
    #expect(events.map { $0["agent_id"] as? String } == ["planner", "planner"])
    #expect(hub.stop() == nil)
    #expect(try ReadAuditTests.told(hub.directory).allSatisfy { $0.contains(" planner ") })
  }

  @Test("A repeated request is one write for the key's agent, named or not; another agent's same id is another write")
  func repeats() throws {
    let planner = try workshop.token("planner", "all:*")
    let other = try workshop.token("other", "all:*")
    let hub = try hub()
    let client = try Client(hub)
    let write = #""key":"k","request_id":"r",\#(Self.item)"#
    #expect(try client.ask("put", planner, write).result["revision"] as? Int == 1)
    #expect(try client.ask("put", planner, write).result["revision"] as? Int == 1)
    #expect(try client.ask("put", planner, write + #","agent_id":"planner""#).result["revision"] as? Int == 1)
    #expect(try client.ask("put", other, write).result["revision"] as? Int == 2)
  }

  @Test("The one key of a hub may call itself what it likes, beside the keys of agents")
  func singleKey() throws {
    let token = try workshop.token("planner", "read:a/")
    let hub = try hub { $0.apiKey = "the-one-key-0123456789" }
    let client = try Client(hub)
    #expect(
      try client.ask("put", "the-one-key-0123456789", #""key":"a/k","agent_id":"any",\#(Self.item)"#).isSuccess)
    #expect(try client.ask("get", token, #""key":"a/k""#).isSuccess)
    let without = try client.ask(#"{"action":"get","key":"a/k"}"#)
    #expect(without.code == "unauthorized" && without.error.contains("api_key"))
    #expect(without.error.contains("authorization: Bearer"), "gRPC has no such field: \(without.error)")
    #expect(try client.ask("get", "the-one-key-012345678", #""key":"a/k""#).code == "unauthorized")
  }

  @Test("Who may write but not read is not told what is there by a conflict, alone or in a batch")
  func conflicts() throws {
    let owner = try workshop.token("owner", "all:*")
    let writer = try workshop.token("writer", "write:a/")
    let both = try workshop.token("both", "read,write:a/")
    let hub = try hub { $0.readAudit = ReadAuditOptions() }
    let client = try Client(hub)
    #expect(try client.ask("put", owner, #""key":"a/k","item":{"content":"secret"}"#).isSuccess)
    let operations = #"[{"op":"put","key":"a/n",\#(Self.item)},{"op":"put","key":"a/k","if_revision":0,\#(Self.item)}]"#
    for (action, fields) in [
      ("put", #""key":"a/k","if_revision":0,\#(Self.item)"#), ("delete", #""key":"a/k","if_revision":7"#),
      ("batch", #""operations":\#(operations)"#),
    ] {
      let blind = try client.ask(action, writer, fields)
      #expect(blind.code == "conflict" && !blind.text.contains("secret"), "\(blind.text)")
      #expect(blind.text.contains(#""current":{"revision":1,"item":null}"#), "\(blind.text)")
      #expect(try client.ask(action, both, fields).text.contains("secret"))
    }
    #expect(hub.stop() == nil)
    let told = try ReadAuditTests.told(hub.directory)
    #expect(told == Array(repeating: "conflict a/k 1-0 1 both -", count: 3))
  }

  @Test("A revoked key is refused without a restart, on its open connection and in a long poll that it had begun")
  func revocation() throws {
    let owner = try workshop.token("owner", "all:*")
    let planner = try workshop.token("planner", "read:*")
    let hub = try hub()
    let client = try Client(hub)
    let waiting = try Client(hub)
    #expect(try client.ask("get", planner, #""key":"k""#).isSuccess)
    try waiting.send(#"{"action":"events","api_key":"\#(planner)","wait_ms":20000}"#)
    try poll("it waits") { try client.ask("stats", owner).result["feed_waiting"] as? Int == 1 }
    try workshop.revoke(agent: "planner")
    try poll("the key is refused") { try Client(hub).ask("ping", planner).code == "unauthorized" }
    #expect(try client.ask("get", planner, #""key":"k""#).code == "unauthorized")
    #expect(try client.ask("put", owner, #""key":"secret",\#(Self.item)"#).isSuccess)
    let reply = try waiting.receive()
    #expect(reply.code == "unauthorized" && !reply.text.contains("secret"))
    let late = try workshop.token("late", "read:*")
    try poll("a new key counts") { try Client(hub).ask("ping", late).isSuccess }
  }

  @Test("A key file that can not be read leaves the keys as they were, and health says so until it can")
  func brokenFile() throws {
    let owner = try workshop.token("owner", "all:*")
    let hub = try hub()
    let client = try Client(hub)
    func isHealthy() throws -> Bool { try client.ask("health", owner).result["status"] as? String == "healthy" }
    #expect(try isHealthy())
    let good = try String(contentsOfFile: workshop.path, encoding: .utf8)
    for bad in [good + "{\"key\":\"x\"}\n", good.replacing("all", with: "everything").replacing("read", with: "see")] {
      try workshop.save(bad)
      try poll("it is seen") { try !isHealthy() }
      let health = try client.ask("health", owner).result
      let component = (health["components"] as? [String: Any])?["access"] as? [String: Any]
      #expect(component?["healthy"] as? Bool == false && health["status"] as? String == "degraded")
      #expect("\(component ?? [:])".contains("line"))
      try workshop.save()
      try poll("it is well again") { try isHealthy() }
    }
    try FileManager.default.removeItem(atPath: workshop.path)
    try poll("it is missed") { try !isHealthy() }
    #expect(try client.ask("put", owner, #""key":"k",\#(Self.item)"#).isSuccess)
    try workshop.save()
    try poll("it is there again") { try isHealthy() }
    try workshop.save("# nobody\n")
    try poll("an empty file lets nobody in") { try Client(hub).ask("ping", owner).code == "unauthorized" }
  }

  @Test("Twenty wrong keys hold a connection back, with the right key too, and no other connection")
  func throttle() throws {
    let owner = try workshop.token("owner", "all:*")
    let hub = try hub()
    let client = try Client(hub)
    let other = try Client(hub)
    for _ in 0..<FailureThrottle.burst {
      #expect(try client.ask("ping", "wrong").code == "unauthorized")
    }
    let held = try client.ask("ping", owner)
    #expect(held.code == "unauthorized" && (held.object["retry_after_ms"] as? Int ?? 0) > 0, "\(held.text)")
    for _ in 0..<FailureThrottle.burst * 2 {
      #expect(try other.ask("ping", nil).object["retry_after_ms"] == nil, "where no key was, none was tried")
    }
    #expect(try other.ask("ping", owner).isSuccess && Client(hub).ask("ping", owner).isSuccess)
    #expect(try other.ask("stats", owner).result["access_throttled"] as? Int ?? 0 >= 1)
    try poll("it passes") { try client.ask("ping", owner).isSuccess }
  }

  @Test("The table of connections that brought wrong keys has an end, and forgets who has waited")
  func throttleTable() {
    var throttle = FailureThrottle()
    func name(_ number: Int) -> KeyHash {
      let bytes = withUnsafeBytes(of: number) { Array($0) }
      return KeyHash(bytes.span.bytes)
    }
    for number in 0..<FailureThrottle.connectionsMax * 3 {
      for _ in 0..<FailureThrottle.burst { throttle.note(name(number), now: 0) }
      #expect(throttle.wait(name(number), now: 0) != nil)
      #expect(throttle.count <= FailureThrottle.connectionsMax)
    }
    throttle.forget(now: 60_000_000)
    #expect(throttle.count == 0)
    let one = name(-1)
    for count in 1...30 {
      #expect((throttle.wait(one, now: 0) == nil) == (count <= FailureThrottle.burst))
      throttle.note(one, now: 0)
    }
    #expect(throttle.wait(one, now: 10_000_000) != nil && throttle.wait(one, now: 11_000_000) == nil)
  }
}
