/// Certificates that are agents': as whom a call counts whose connection has shown one. SECURITY: rows 5 and 7.
import Access
import Foundation
import Testing

@testable import Server

extension HubFixture {
  /// Asks through the gate, as a transport does whose connection has shown a certificate.
  func ask(
    _ action: String, _ fields: String = "", certificate: PublicKeyPin?, token: String? = nil
  ) throws -> Reply {
    let answers = Answers()
    let key = token.map { #","api_key":"\#($0)""# } ?? ""
    let body = #"{"action":"\#(action)"\#(key)\#(fields.isEmpty ? "" : ",")\#(fields)}"#
    try #require(gate.submit(answers.call(body, certificate: certificate)) == nil)
    return Reply(Array(try answers.wait(for: 1)[0].utf8))
  }
}

@Suite("Certificates of agents", .timeLimit(.minutes(10)))
struct CertificateTests {
  let workshop: KeyWorkshop
  let hub: HubFixture

  init() throws {
    let workshop = try KeyWorkshop()
    self.workshop = workshop
    hub = try HubFixture { $0.keyFile = workshop.path }
  }

  private static let put = #""key":"plans/1","item":{"content":"c"}"#

  @Test("A certificate on the list is its agent, without an API key: in the log, and for what it may do")
  func listed() throws {
    let planner = try workshop.certificate("planner", ["read,write:plans/"])
    #expect(try hub.ask("put", Self.put, certificate: planner).result["revision"] as? Int == 1)
    #expect(try hub.ask("get", #""key":"other/1""#, certificate: planner).code == "forbidden")
    #expect(try hub.ask("stats", certificate: planner).code == "forbidden")
    #expect(try hub.ask("put", Self.put + #","agent_id":"owner""#, certificate: planner).code == "forbidden")
    let events = try hub.ask("events", #""prefix":"plans/""#, certificate: planner).result["events"] as? [[String: Any]]
    #expect(events?.map { $0["agent_id"] as? String } == ["planner"])
  }

  @Test("A certificate on no list is nobody's: with an API key its requests count as that key's, without they are none")
  func unlisted() throws {
    let token = try workshop.token("planner", "all:*")
    let stranger = KeyWorkshop.anyPin()
    #expect(try hub.ask("ping", certificate: stranger).code == "unauthorized")
    #expect(try hub.ask("ping", certificate: stranger, token: token).isSuccess)
    #expect(try hub.ask("ping", certificate: nil).code == "unauthorized")
    // One that has just been listed works from the next request on.
    try workshop.list(stranger, "late", ["read:*"])
    #expect(try hub.ask("ping", certificate: stranger).isSuccess)
    #expect(try hub.ask("put", Self.put, certificate: stranger).code == "forbidden")
  }

  @Test("The certificate of one agent can not be used with the API key of another")
  func borrowed() throws {
    let planner = try workshop.certificate("planner", ["read:*"])
    let own = try workshop.token("planner", "write:*")
    let other = try workshop.token("other", "all:*")
    #expect(try hub.ask("ping", certificate: planner, token: other).code == "forbidden")
    #expect(try hub.ask("put", Self.put, certificate: planner, token: own).isSuccess)
    #expect(try hub.ask("get", #""key":"plans/1""#, certificate: planner, token: own).code == "forbidden")
    #expect(try hub.ask("put", Self.put, certificate: planner).code == "forbidden")
    #expect(try hub.ask("ping", certificate: planner, token: "mfh_wrong").code == "unauthorized")
  }

  @Test("A revoked certificate is worth nothing, with an API key either, until it is listed again")
  func revoked() throws {
    let planner = try workshop.certificate("planner", ["read:*"])
    #expect(try hub.ask("ping", certificate: planner).isSuccess)
    try workshop.revoke(agent: "planner")
    let token = try workshop.token("planner", "all:*")
    try poll("it is refused") { try hub.ask("ping", certificate: planner).code == "unauthorized" }
    #expect(try hub.ask("ping", certificate: planner, token: token).code == "unauthorized")
    #expect(try hub.ask("ping", certificate: nil, token: token).isSuccess)
    try workshop.list(planner, "planner", ["read:*"])
    try poll("it is back") { try hub.ask("ping", certificate: planner).isSuccess }
  }

  @Test("A long poll does not outlive its certificate")
  func polls() throws {
    let planner = try workshop.certificate("planner", ["read:plans/"])
    let writer = try workshop.token("writer", "write:*")
    let feed = Answers()
    let body = #"{"action":"events","prefix":"plans/","from_revision":1,"wait_ms":20000}"#
    try #require(hub.gate.submit(feed.call(body, certificate: planner)) == nil)
    #expect(try hub.ask("ping", certificate: planner).isSuccess)
    try workshop.revoke(agent: "planner")
    try poll("it is refused") { try hub.ask("ping", certificate: planner).code == "unauthorized" }
    #expect(try hub.ask("put", Self.put, certificate: nil, token: writer).isSuccess)
    #expect(try feed.wait(for: 1)[0].contains("unauthorized"))
  }
}
