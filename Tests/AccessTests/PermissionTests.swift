/// What permissions open, and what can be written as one.
import Testing

@testable import Access

@Suite("Permissions")
struct PermissionTests {
  private func opens(_ permission: String, _ name: String, _ operation: Operations = .read) throws -> Bool {
    try Permission(permission).opens(Array(name.utf8).span.bytes, for: operation)
  }

  @Test(
    "A prefix opens what begins with it, byte for byte, and nothing that only looks like it",
    arguments: [
      ("read:acme/", "acme/", true), ("read:acme/", "acme/x", true), ("read:acme/", "acme/../corp/x", true),
      ("read:acme/", "acme", false), ("read:acme/", "acme-corp/x", false), ("read:acme/", "acme.corp/x", false),
      ("read:acme/", "Acme/x", false), ("read:acme/", "x/acme/x", false), ("read:acme/", "", false),
      ("read:acme/", "acme\u{2044}x", false), ("read:acme/", "a\u{0441}me/x", false),
      ("read:caf\u{e9}/", "cafe\u{301}/x", false), ("read:a:b:", "a:b:c", true), ("read:a:b:", "a:bc", false),
      ("read:*", "", true), ("read:*", "anything", true),
    ])
  func prefixes(permission: String, name: String, expected: Bool) throws {
    #expect(try opens(permission, name) == expected)
  }

  @Test("Each kind of operation is opened by its own word alone")
  func operations() throws {
    let kinds: [(String, Operations)] = [("read", .read), ("write", .write), ("admin", .admin)]
    for mask in 1..<8 {
      let given = kinds.enumerated().filter { mask & 1 << $0.offset != 0 }.map(\.element)
      let text = given.map(\.0).joined(separator: ",") + ":a/"
      #expect(try Permission(text).description == text)
      for (name, operation) in kinds {
        #expect(try opens(text, "a/x", operation) == given.contains { $0.0 == name }, "\(text) \(name)")
      }
    }
    #expect(try Permission("all:a/").description == "read,write,admin:a/")
  }

  @Test(
    "What is not a permission, or has no end of its own, is refused",
    arguments: [
      "", ":", "read", "read:", "read:acme", "read:acme-", "read:acme_", "read:a/ ", "read:/\n", "read: a/", ":a/",
      "read,:a/", ",read:a/", "Read:a/", "delete:a/", "read write:a/", "read:**", "read:a/\u{0}/", "*:a/",
      "read:" + String(repeating: "a", count: 1_024) + "/",
    ])
  func wrong(text: String) {
    #expect(throws: AccessTextError.self) { try Permission(text) }
  }

  private func principal(_ permissions: String...) throws -> Principal {
    Principal(id: nil, agent: nil, permissions: try permissions.map { try Permission($0) })
  }

  @Test("A list under a prefix shows all of it, the parts that are open, or nothing")
  func scopes() throws {
    func scope(_ principal: Principal, _ prefix: String, _ operation: Operations = .read) -> Principal.Scope {
      principal.scope(of: operation, under: Array(prefix.utf8).span.bytes)
    }
    func within(_ prefixes: String...) -> Principal.Scope { .within(prefixes.map { Array($0.utf8) }) }
    let two = try principal("read:b/", "read:a/x/", "write:c/", "read:a/", "read:a/y/z/")
    #expect(scope(two, "a/") == .all && scope(two, "a/x") == .all && scope(two, "b/1") == .all)
    #expect(scope(two, "") == within("a/", "b/") && scope(two, "a") == within("a/"))
    #expect(scope(two, "c/") == .nothing && scope(two, "a-") == .nothing && scope(two, "ab") == .nothing)
    #expect(scope(two, "", .write) == within("c/") && scope(two, "", .admin) == .nothing)
    #expect(scope(try principal("read:*", "read:a/"), "") == .all)
    #expect(scope(try principal(), "") == .nothing)
  }

  @Test("Only a permission for all names is one for everything")
  func everywhere() throws {
    #expect(try principal("admin:*").mayEverywhere(.admin))
    #expect(try !principal("admin:/", "admin:a/", "read:*").mayEverywhere(.admin))
    #expect(Principal.unlimited().mayEverywhere(.all))
  }
}
