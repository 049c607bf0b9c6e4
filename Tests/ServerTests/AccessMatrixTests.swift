/// Every role, every action, every namespace: what is answered, what is refused, and that a refusal changes nothing.
/// SECURITY: row 7.
import Foundation
import LogStore
import Testing

@testable import Server

@Suite("Who may do what", .timeLimit(.minutes(10)))
struct AccessMatrixTests {
  /// What a role's key allows, said without the code under test: operation and first part of the name.
  struct Role: Sendable {
    let name: String
    var read: Set<String> = []
    var write: Set<String> = []
    var admin: Set<String> = []

    var permissions: [String] {
      [("read", read), ("write", write), ("admin", admin)].flatMap { operation, parts in
        parts.map { $0 == "*" ? "\(operation):*" : "\(operation):\($0)/" }
      }
    }

    func may(_ parts: Set<String>, _ key: String) -> Bool {
      if parts.contains("*") { return true }
      guard let slash = key.firstIndex(of: "/") else { return false }
      return parts.contains(String(key[..<slash]))
    }
  }

  static let roles: [Role] = [
    Role(name: "reader", read: ["acme"]), Role(name: "writer", write: ["acme"]),
    Role(name: "caretaker", admin: ["acme"]), Role(name: "member", read: ["acme"], write: ["acme"]),
    Role(name: "sibling", read: ["acme-corp"], write: ["acme-corp"], admin: ["acme-corp"]),
    Role(name: "guest", read: ["shared"], write: ["acme"]), Role(name: "auditor", read: ["*"]),
    Role(name: "importer", write: ["*"]), Role(name: "operator", admin: ["*"]),
    Role(name: "owner", read: ["*"], write: ["*"], admin: ["*"]),
  ]

  static let keys = ["acme/x", "acme-corp/x", "acme", "acme-", "shared/x", "acme/../shared/x", "Acme/x"]

  typealias Request = (
    action: Action, fields: @Sendable (String) -> String, isAllowed: @Sendable (Role, String) -> Bool
  )

  /// Each action with a request for a key, and whether a role may ask that.
  static let requests: [Request] = [
    (.get, { #""key":"\#($0)""# }, { $0.may($0.read, $1) }),
    (.get, { #""key":"\#($0)","at_revision":1"# }, { $0.may($0.read, $1) }),
    (.exists, { #""key":"\#($0)""# }, { $0.may($0.read, $1) }),
    (.history, { #""key":"\#($0)""# }, { $0.may($0.read, $1) }),
    (.proof, { #""key":"\#($0)""# }, { $0.may($0.read, $1) }),
    (.batchGet, { #""keys":["\#($0)"]"# }, { $0.may($0.read, $1) }),
    (.batchGet, { #""keys":["acme/x","\#($0)"]"# }, { $0.may($0.read, $1) && $0.may($0.read, "acme/x") }),
    (.put, { #""key":"\#($0)","item":{"content":"c"}"# }, { $0.may($0.write, $1) }),
    (.put, { #""key":" \#($0)\t","item":{"content":"c"}"# }, { $0.may($0.write, $1) }),
    (.delete, { #""key":"\#($0)","if_revision":0"# }, { $0.may($0.write, $1) }),
    (.batch, { #""operations":[{"op":"delete","key":"\#($0)","if_revision":0}]"# }, { $0.may($0.write, $1) }),
    (
      .batch,
      { #""operations":[{"op":"put","key":"acme/y","item":{"content":"c"}},{"op":"delete","key":"\#($0)"}]"# },
      { $0.may($0.write, $1) && $0.may($0.write, "acme/y") }
    ),
    // A list is filtered; it is refused where nothing at all may be seen.
    (.listKeys, { #""prefix":"\#($0)""# }, { role, key in role.may(role.read, key) || role.mayBelow(key) }),
    (.events, { #""prefix":"\#($0)""# }, { role, key in role.may(role.read, key) || role.mayBelow(key) }),
    (.checksum, { _ in "" }, { role, _ in role.read.contains("*") }),
    (.stats, { _ in "" }, { role, _ in role.admin.contains("*") }),
    (.snapshot, { _ in "" }, { role, _ in role.admin.contains("*") }),
    (.compact, { _ in "" }, { role, _ in role.admin.contains("*") }),
    (.erasure, { _ in "" }, { role, _ in role.admin.contains("*") }),
    (.redact, { #""key":"\#($0)","reason":"r""# }, { $0.may($0.admin, $1) }),
    (.redact, { _ in #""revision":1,"reason":"r""# }, { role, _ in role.admin.contains("*") }),
    (.ping, { _ in "" }, { _, _ in true }), (.health, { _ in "" }, { _, _ in true }),
    (.head, { _ in "" }, { _, _ in true }),
  ]

  @Test("Every role, action and namespace: what the role's key says is answered, everything else is forbidden")
  func matrix() throws {
    let workshop = try KeyWorkshop()
    let tokens = try Self.roles.map { try workshop.token($0.name, $0.permissions) }
    let certificates = try Self.roles.map { try workshop.certificate($0.name, $0.permissions) }
    let single = "the-one-key-of-the-hub-0123456789"
    let hub = try HubFixture {
      $0.keyFile = workshop.path
      $0.apiKey = single
      $0.durability = .interval
    }
    let client = try Client(hub)
    for key in Self.keys where key != "acme/y" {
      #expect(try client.ask("put", single, #""key":"\#(key)","item":{"content":"c"}"#).isSuccess)
    }
    var counts = [0, 0]
    for (role, (token, certificate)) in zip(Self.roles, zip(tokens, certificates)) {
      for key in Self.keys {
        for request in Self.requests {
          let before = try revision(client, single)
          let reply = try client.ask("\(request.action.name)", token, request.fields(key))
          let isAllowed = request.isAllowed(role, key)
          let place: Comment = "\(role.name) \(request.action) \(request.fields(key)): \(reply.text)"
          #expect((reply.code == "forbidden") != isAllowed, place)
          #expect(reply.code != "unauthorized", place)
          let shown = try hub.ask("\(request.action.name)", request.fields(key), certificate: certificate)
          #expect((shown.code == "forbidden") != isAllowed && shown.code != "unauthorized", place)
          if !isAllowed {
            #expect(try revision(client, single) == before, place)
            #expect(!reply.text.contains(#""content""#), place)
          }
          counts[isAllowed ? 1 : 0] += 1
        }
      }
    }
    #expect(counts[0] + counts[1] == Self.roles.count * Self.keys.count * Self.requests.count)
    #expect(counts[0] > 500 && counts[1] > 300)
    #expect(Set(Self.requests.map(\.action)).count == Action.allCases.count, "every action has a row")
    for request in Self.requests {
      let reply = try client.ask("\(request.action.name)", single, request.fields("acme/x"))
      #expect(reply.code != "forbidden" && reply.code != "unauthorized", "\(request.action)")
    }
  }

  private func revision(_ client: Client, _ token: String) throws -> Int {
    let reply = try client.ask("health", token)
    let metrics = try #require(reply.result["metrics"] as? [String: Any])
    return try #require(metrics["revision"] as? Int)
  }

  @Test("Without a key, with a wrong one, and with a revoked one, every action is unauthorized and nothing happens")
  func strangers() throws {
    let workshop = try KeyWorkshop()
    let owner = try workshop.token("owner", "all:*")
    let gone = try workshop.token("gone", "all:*")
    try workshop.revoke(agent: "gone")
    let hub = try HubFixture { $0.keyFile = workshop.path }
    let client = try Client(hub)
    let before = try revision(client, owner)
    for token in [nil, "", "wrong", gone, String(owner.dropLast()), owner.uppercased(), " " + owner] {
      let stranger = try Client(hub)
      for request in Self.requests {
        let reply = try stranger.ask("\(request.action.name)", token, request.fields("acme/x"))
        #expect(reply.code == "unauthorized", "\(request.action): \(reply.text)")
      }
    }
    #expect(try revision(client, owner) == before)
  }

  @Test("Lists, the feed and groups of keys show what may be read, in order, page by page, and nothing else")
  func lists() throws {
    let workshop = try KeyWorkshop()
    let owner = try workshop.token("owner", "all:*")
    let partial = try workshop.token("partial", "read:c/", "read:a/", "write:b/", "read:a/1/")
    let hub = try HubFixture { $0.keyFile = workshop.path }
    let client = try Client(hub)
    for key in ["a/1/x", "a/2", "a-b/3", "b/4", "c/5", "c/6", "d/7"] {
      #expect(try client.ask("put", owner, #""key":"\#(key)","item":{"content":"c"}"#).isSuccess)
    }
    func keys(_ fields: String) throws -> [String] {
      try #require(try client.ask("list_keys", partial, fields).result["keys"] as? [String])
    }
    #expect(try keys("") == ["a/1/x", "a/2", "c/5", "c/6"])
    #expect(try keys(#""prefix":"a""#) == ["a/1/x", "a/2"] && keys(#""prefix":"c/6""#) == ["c/6"])
    #expect(try keys(#""start_after":"a/2""#) == ["c/5", "c/6"] && keys(#""start_after":"b/9""#) == ["c/5", "c/6"])
    #expect(try keys(#""start_after":"c/5""#) == ["c/6"] && keys(#""start_after":"c/6""#) == [])
    let page = try client.ask("list_keys", partial, #""limit":3"#)
    #expect(page.result["more"] as? Bool == true && page.result["count"] as? Int == 3)
    let last = try client.ask("list_keys", partial, #""limit":1,"start_after":"c/5""#)
    #expect(last.result["more"] as? Bool == false && last.result["count"] as? Int == 1)

    func events(_ fields: String) throws -> [String] {
      let reply = try client.ask("events", partial, fields)
      #expect(reply.result["next_revision"] as? Int == 8 || fields.contains("limit"), "\(reply.text)")
      return (reply.result["events"] as? [[String: Any]] ?? []).compactMap { $0["target_key"] as? String }
    }
    #expect(try events("") == ["a/1/x", "a/2", "c/5", "c/6"])
    #expect(try events(#""prefix":"c""#) == ["c/5", "c/6"] && events(#""limit":2"#) == ["a/1/x", "a/2"])
    // Those who share a page share its rights.
    let all = try client.ask("events", owner)
    #expect((all.result["events"] as? [Any])?.count == 7)
    #expect(try events("") == ["a/1/x", "a/2", "c/5", "c/6"])
  }
}

extension AccessMatrixTests.Role {
  /// Whether there are readable names among those that begin with `prefix`.
  fileprivate func mayBelow(_ prefix: String) -> Bool { read.contains { "\($0)/".hasPrefix(prefix) } }
}
