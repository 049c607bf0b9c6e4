/// CURVE: who is not on the list does not reach the hub, and who is counts as whom the list says. SECURITY: row 2.
import Access
import Testing
import ZeroMQ

@testable import Server

@Suite("CURVE", .timeLimit(.minutes(10)))
struct CurveTests {
  let workshop: KeyWorkshop
  let hubKey = CurveKeyPair.random()
  let owner: CurveKeyPair

  init() throws {
    workshop = try KeyWorkshop()
    owner = try workshop.curve("owner", "all:*")
  }

  private func hub(allowsRoutingIDs: Bool = true) throws -> HubFixture {
    try HubFixture {
      $0.allowsRoutingIDs = allowsRoutingIDs
      $0.keyFile = workshop.path
      $0.curveKey = hubKey
    }
  }

  private func client(_ hub: HubFixture, _ pair: CurveKeyPair, name: String? = nil) throws -> Client {
    try Client(hub, hubKey: hubKey.publicKey, own: pair, name: name)
  }

  private func messages(_ client: Client) throws -> Int { try client.requestCount("messages") }

  @Test("A client on the list is its agent, without an API key, and may do what the list says")
  func listed() throws {
    let planner = try workshop.curve("planner", "read,write:plans/")
    let hub = try hub()
    let client = try client(hub, planner)
    #expect(try client.put("plans/1") == 1)
    #expect(try client.ask(#"{"action":"get","key":"other/1"}"#).code == "forbidden")
    #expect(try client.ask(#"{"action":"get","key":"plans/1","agent_id":"owner"}"#).code == "forbidden")
    let events = try client.ask(#"{"action":"events","prefix":"plans/"}"#).result["events"] as? [[String: Any]] ?? []
    #expect(events.map { $0["agent_id"] as? String } == ["planner"])
  }

  @Test("Plain text, a key that is not on the list, and another hub's key: no message reaches the hub")
  func strangers() throws {
    let hub = try hub()
    let known = try client(hub, owner)
    let before = try messages(known)
    var asked = 0
    let plain = try Client(hub) { try $0.setRoutingID("plain") }
    let unlisted = try client(hub, CurveKeyPair.random())
    let lost = try Client(hub, hubKey: CurveKeyPair.random().publicKey, own: owner)
    for stranger in [plain, unlisted, lost] {
      for _ in 0..<10 { try stranger.send(#"{"action":"ping"}"#) }
    }
    try poll("the unlisted one is refused") {
      asked += 1
      return try known.ask(#"{"action":"stats"}"#).result["access_clients_refused"] as? Int ?? 0 >= 1
    }
    for stranger in [plain, unlisted, lost] {
      try stranger.socket.set(.receiveTimeout, 300)
      #expect(throws: NoReply.self) { try stranger.receive() }
    }
    #expect(try messages(known) - before == asked + 1, "only what the known client asked")
  }

  @Test("A stolen routing id gives nobody another's name: what counts is the key of the handshake")
  func stolenName() throws {
    let reader = try workshop.curve("reader", "read:a/")
    let hub = try hub()
    let first = try client(hub, owner, name: "the-same-name")
    #expect(try first.put("b/secret") == 1)
    let before = try messages(first)
    // While the owner of the name is connected, the other one is not even heard.
    let thief = try client(hub, reader, name: "the-same-name")
    try thief.send(#"{"action":"get","key":"b/secret"}"#)
    try thief.socket.set(.receiveTimeout, 300)
    #expect(throws: NoReply.self) { try thief.receive() }
    #expect(try messages(first) - before == 1, "the count itself")
    // A name that is free is only a name.
    let renamed = try client(hub, reader, name: "another-name")
    #expect(try renamed.ask(#"{"action":"get","key":"b/secret"}"#).code == "forbidden")
    #expect(try renamed.ask(#"{"action":"get","key":"a/x","agent_id":"owner"}"#).code == "forbidden")
  }

  @Test(
    "Where routing ids are not allowed, who has chosen one is refused, whatever its key allows: nothing is outstanding for it"
  )
  func chosenName() throws {
    let hub = try hub(allowsRoutingIDs: false)
    let known = try client(hub, owner)
    #expect(try known.put("b/secret") == 1)
    let before = try messages(known)
    // The last one has libzmq's length without its zero.
    for name in ["the-name", "a", "abcde"] {
      let named = try client(hub, owner, name: name)
      for request in [
        #"{"action":"get","key":"b/secret"}"#, #"{"action":"put","key":"k","item":{"content":"c"}}"#, "{",
        #"{"action":"events","from_revision":2,"wait_ms":20000}"#,
      ] {
        let reply = try named.ask(request)
        #expect(reply.code == "invalid_request" && reply.error.contains("routing id"), "\(reply.text)")
      }
      // While the owner of the name is connected, another one with it is not even heard.
      let second = try client(hub, owner, name: name)
      try second.send(#"{"action":"ping"}"#)
      try second.socket.set(.receiveTimeout, 200)
      #expect(throws: NoReply.self) { try second.receive() }
    }
    #expect(try messages(known) - before == 3 * 4 + 1, "the count itself")
    #expect(try known.ask(#"{"action":"exists","key":"k"}"#).result["exists"] as? Bool == false)
  }

  @Test("There, who takes the name of a client that has gone is not sent what was outstanding for it")
  func takenName() throws {
    let reader = try workshop.curve("reader", "read:a/")
    let hub = try hub(allowsRoutingIDs: false)
    let known = try client(hub, owner)
    do {
      let gone = try client(hub, owner, name: "the-name")
      try gone.send(#"{"action":"events","from_revision":1,"wait_ms":20000}"#)
      #expect(try known.ask(#"{"action":"ping"}"#).isSuccess)
      try gone.socket.set(.receiveTimeout, 300)
      _ = try? gone.receive()
    }
    // It says nothing: a name is known to the socket before its first message.
    let thief = try client(hub, reader, name: "the-name")
    try thief.socket.set(.receiveTimeout, 100)
    for number in 1...5 {
      #expect(try known.put("b/secret") == number)
      #expect(throws: NoReply.self) { try thief.receive() }
    }
  }

  @Test("A key that belongs to nobody lets a client connect, and each request needs an API key")
  func proxies() throws {
    let proxy = try workshop.curve(nil)
    let token = try workshop.token("planner", "all:*")
    let hub = try hub()
    let client = try client(hub, proxy)
    #expect(try client.ask("ping", nil).code == "unauthorized")
    #expect(try client.ask("ping", token).isSuccess)
  }

  @Test("The connection of one agent can not be used with the API key of another")
  func borrowed() throws {
    let planner = try workshop.curve("planner", "read:*")
    let own = try workshop.token("planner", "write:*")
    let other = try workshop.token("other", "all:*")
    let hub = try hub()
    let client = try client(hub, planner)
    #expect(try client.ask("ping", other).code == "forbidden")
    #expect(try client.ask("put", own, #""key":"k","item":{"content":"c"}"#).isSuccess)
    #expect(try client.ask("put", nil, #""key":"k","item":{"content":"c"}"#).code == "forbidden")
    #expect(try client.ask("get", nil, #""key":"k""#).isSuccess)
  }

  @Test("A revoked key is worth nothing on a connection that stands, and lets nobody in any more")
  func revoked() throws {
    let planner = try workshop.curve("planner", "read:*")
    let proxy = try workshop.curve(nil)
    let token = try workshop.token("other", "all:*")
    let hub = try hub()
    let client = try client(hub, planner)
    let second = try self.client(hub, proxy)
    #expect(try client.ask("ping", nil).isSuccess && second.ask("ping", token).isSuccess)
    try workshop.revoke(planner.publicKey)
    try workshop.revoke(proxy.publicKey)
    try poll("it is refused") { try client.ask("ping", nil).code == "unauthorized" }
    try poll("the other one too") { try second.ask("ping", token).code == "unauthorized" }
    let again = try self.client(hub, planner)
    try again.send(#"{"action":"ping"}"#)
    try again.socket.set(.receiveTimeout, 300)
    #expect(throws: NoReply.self) { try again.receive() }
  }
}
