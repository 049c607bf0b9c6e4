/// The key file: what is written is read again, what is wrong is refused with its line.
import HistoryTree
import Testing

@testable import Access

@Suite("The key file")
struct KeyFileTests {
  private let id = "aaaaaaaa"

  private func entry(
    _ id: String, agent: String? = "planner", allow: [String] = ["read,write:plans/"],
    _ credential: KeyEntry.Credential = .token(AccessToken.digest([1].span.bytes))
  ) throws -> KeyEntry {
    let id = try #require(KeyID(id))
    return try KeyEntry(
      id: id, agent: agent, credential: credential, permissions: try allow.map { try Permission($0) },
      created: "2026-11-24T22:00:00.000000Z")
  }

  private static let pin = "AEnGXfkV8w2r9zpgoXxp2bbTqZtE+TvF+mCwUCZowqI="
  private static let wish = #""created":"2026-11-24T22:00:00Z""#
  private static let hash = #""token_hash":"\#(AccessToken.digest([1].span.bytes).base64)""#

  @Test("A key's line is what FORMAT says, and is read as it was written")
  func line() throws {
    let api = try entry("aaaaaaaa", agent: "pl\"an\u{1F600}", allow: ["read:a/", "all:*"])
    let curve = try entry("bbbbbbbb", .curve(CurveKeyPair.random().publicKey))
    let connect = try entry("cccccccc", agent: nil, allow: [], .curve(CurveKeyPair.random().publicKey))
    var revoked = api
    revoked.revoked = "2026-11-25T00:00:00Z"
    for entry in [api, curve, connect, revoked] { #expect(try KeyEntry(line: entry.line) == entry) }
    #expect(
      api.line.hasPrefix(
        #"{"key":"aaaaaaaa","agent_id":"pl\"an😀","allow":["read:a/","read,write,admin:*"],"token_hash":""#))
    #expect(!connect.line.contains("agent_id") && !connect.line.contains("allow"))
  }

  @Test("A certificate's line has the pin of its key, and is read as it was written")
  func certificate() throws {
    let pin = try #require(PublicKeyPin(Self.pin))
    let entry = try entry("dddddddd", .certificate(pin))
    #expect(entry.line.contains(#","tls_key_sha256":"\#(Self.pin)","#))
    #expect(try KeyEntry(line: entry.line) == entry)
  }

  @Test(
    "A line that is wrong in any way is refused",
    arguments: [
      "{}", "[]", "x", #"{"key":"aaaaaaaa"}"#,
      #"{"key":"aaaaaaaa","agent_id":"a","allow":["read:a/"],\#(wish)}"#,
      #"{"key":"aaaaaaaa","agent_id":"a","allow":[],\#(hash),\#(wish)}"#,
      #"{"key":"aaaaaaaa","agent_id":"","allow":["read:a/"],\#(hash),\#(wish)}"#,
      #"{"key":"aaaaaaaa","agent_id":"a\n","allow":["read:a/"],\#(hash),\#(wish)}"#,
      #"{"key":"aaaaaaaa","allow":["read:a/"],\#(hash),\#(wish)}"#,
      #"{"key":"aaaaaaa","agent_id":"a","allow":["read:a/"],\#(hash),\#(wish)}"#,
      #"{"key":"aaaaaaa1","agent_id":"a","allow":["read:a/"],\#(hash),\#(wish)}"#,
      #"{"key":"aaaaaaaa","agent_id":"a","allow":["read:a"],\#(hash),\#(wish)}"#,
      #"{"key":"aaaaaaaa","agent_id":"a","allow":"read:a/",\#(hash),\#(wish)}"#,
      #"{"key":"aaaaaaaa","agent_id":"a","allow":["read:a/",1],\#(hash),\#(wish)}"#,
      #"{"key":"aaaaaaaa","agent_id":1,"allow":["read:a/"],\#(hash),\#(wish)}"#,
      #"{"key":"aaaaaaaa","agent_id":"a","allow":["read:a/"],"token_hash":"AAAA",\#(wish)}"#,
      #"{"key":"aaaaaaaa","agent_id":"a","allow":["read:a/"],"curve_public_key":"short",\#(wish)}"#,
      #"{"key":"aaaaaaaa","agent_id":"a","allow":["read:a/"],"tls_key_sha256":"AAAA",\#(wish)}"#,
      #"{"key":"aaaaaaaa","agent_id":"a","allow":["read:a/"],"tls_key_sha256":"",\#(hash),\#(wish)}"#,
      #"{"key":"aaaaaaaa","tls_key_sha256":"AEnGXfkV8w2r9zpgoXxp2bbTqZtE+TvF+mCwUCZowqI=",\#(wish)}"#,
      #"{"key":"aaaaaaaa","agent_id":"a","allow":["read:a/"],\#(hash)}"#,
      #"{"key":"aaaaaaaa","agent_id":"a","allow":["read:a/"],\#(hash),\#(wish),"not_before":"2027"}"#,
      #"{"key":"aaaaaaaa","agent_id":"a","agent_id":"b","allow":["read:a/"],\#(hash),\#(wish)}"#,
    ])
  func wrong(line: String) {
    #expect(throws: AccessTextError.self) { try KeyEntry(line: line) }
    let error = #expect(throws: AccessTextError.self) { try KeyFileText("# keys\n\n" + line + "\n") }
    #expect(error?.message.hasPrefix("line 3: ") == true)
  }

  @Test("Comments stay where they are; keys are added at the end, and revoked in their place, once")
  func editing() throws {
    var file = try KeyFileText("# ours\n\(try entry("aaaaaaaa").line)\n\n# end")
    try file.add(try entry("bbbbbbbb", agent: "other"))
    #expect(throws: AccessTextError.self) { try file.add(try entry("aaaaaaaa")) }
    let id = try #require(KeyID("aaaaaaaa"))
    #expect(file.revoke(id, at: "T1") && !file.revoke(id, at: "T2"))
    let lines = file.text.split(separator: "\n", omittingEmptySubsequences: false)
    #expect(lines.count == 6 && lines[0] == "# ours" && lines[2] == "" && lines[3] == "# end" && lines[5] == "")
    #expect(file.entries.map(\.revoked) == ["T1", nil])
    #expect(try KeyFileText(file.text).text == file.text)
    #expect(try KeyFileText("").entries.isEmpty && KeyFileText("").text == "")
  }

  @Test("Two keys of one id, or of one CURVE key that counts, are refused")
  func twiceCurve() throws { try checkTwice(.curve(CurveKeyPair.random().publicKey)) }

  @Test("Two keys of one certificate that counts are refused")
  func twiceCertificate() throws {
    let pin = try #require(PublicKeyPin(Self.pin))
    try checkTwice(.certificate(pin))
  }

  private func checkTwice(_ credential: KeyEntry.Credential) throws {
    let first = try entry("aaaaaaaa", credential)
    let second = try entry("bbbbbbbb", credential)
    #expect(throws: AccessTextError.self) { try KeyFileText(first.line + "\n" + first.line) }
    #expect(throws: AccessTextError.self) { try KeyFileText(first.line + "\n" + second.line) }
    var revoked = first
    revoked.revoked = "T"
    #expect(try KeyFileText(revoked.line + "\n" + second.line).entries.count == 2)
  }
}
