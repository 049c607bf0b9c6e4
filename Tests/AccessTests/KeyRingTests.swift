/// Who is found by which key.
import HistoryTree
import TestSupport
import Testing

@testable import Access

@Suite("Finding keys")
struct KeyRingTests {
  private func made(_ agent: String = "planner") throws -> (entry: KeyEntry, token: String) {
    let id = KeyID.random()
    let token = AccessToken.random(id)
    let entry = try KeyEntry(
      id: id, agent: agent, credential: .token(AccessToken.digest(Array(token.utf8).span.bytes)),
      permissions: [try Permission("read:a/")], created: "T")
    return (entry, token)
  }

  private func agent(_ ring: KeyRing, _ token: String) -> String? {
    let bytes = Array(token.utf8)
    return ring.bearer(of: bytes.span.bytes)?.agent.map { String(decoding: $0, as: UTF8.self) }
  }

  @Test("A token has 256 random bits, names its key, and is a word that programs can look for")
  func tokens() throws {
    let (entry, token) = try made()
    #expect(token.wholeMatch(of: /mfh_[a-z2-7]{8}_[a-z2-7]{52}/) != nil)
    #expect(AccessToken.secretLetters * 5 >= 128)
    #expect(AccessToken.id(of: Array(token.utf8).span.bytes) == entry.id)
    #expect(Set((0..<1_000).map { _ in AccessToken.random(entry.id) }).count == 1_000)
    #expect(KeyID(entry.id.description) == entry.id && entry.id.description.utf8.count == 8)
  }

  @Test("A token finds its own agent; one that differs in any byte, or in length, finds nobody")
  func bearers() throws {
    let (first, token) = try made("one")
    let (second, other) = try made("two")
    let ring = KeyRing([first, second])
    #expect(agent(ring, token) == "one" && agent(ring, other) == "two" && ring.tokenCount == 2)
    for position in token.utf8.indices.enumerated().map(\.offset) {
      for bit in 0..<8 {
        var bytes = Array(token.utf8)
        bytes[position] ^= 1 << bit
        #expect(ring.bearer(of: bytes.span.bytes) == nil)
      }
    }
    for length in 0..<token.utf8.count { #expect(agent(ring, String(token.prefix(length))) == nil) }
    #expect(agent(ring, token + "a") == nil && agent(ring, String(repeating: token, count: 2)) == nil)
    // The secret of one key behind the id of another.
    #expect(agent(ring, String(token.prefix(13)) + String(other.suffix(52))) == nil)
  }

  @Test("A revoked key finds nobody, also when its line is still there")
  func revoked() throws {
    var (entry, token) = try made()
    entry.revoked = "T"
    let ring = KeyRing([entry])
    #expect(agent(ring, token) == nil && ring.tokenCount == 0)
  }

  @Test("A new ring keeps who has the same rights, and nobody else")
  func identity() throws {
    let (same, _) = try made("same")
    let (gone, _) = try made("gone")
    let (changed, _) = try made("changed")
    let before = KeyRing([same, gone, changed])
    let wider = try KeyEntry(
      id: changed.id, agent: changed.agent, credential: changed.credential,
      permissions: [try Permission("read:b/")], created: "T")
    let after = KeyRing([wider, same], after: before)
    func principal(_ ring: KeyRing, _ entry: KeyEntry) throws -> Principal {
      try #require(ring.principal(entry.id))
    }
    #expect(after.has(try principal(before, same)))
    for entry in [gone, changed] { #expect(try !after.has(principal(before, entry))) }
    #expect(try after.has(principal(after, changed)))
    #expect(after.has(Principal.unlimited()))
  }

  @Test("CURVE keys are found by their bytes, an API key's id is no CURVE key's, and the other way round")
  func curve() throws {
    let pair = CurveKeyPair.random()
    let id = KeyID.random()
    let bound = try KeyEntry(
      id: id, agent: "planner", credential: .curve(pair.publicKey), permissions: [try Permission("read:a/")],
      created: "T")
    let (api, token) = try made()
    let ring = KeyRing([bound, api])
    #expect(ring.id(of: pair.publicKey) == id && ring.id(of: CurveKeyPair.random().publicKey) == nil)
    #expect(ring.curveHolder(id)?.principal?.agent == Array("planner".utf8))
    #expect(ring.curveHolder(api.id) == nil)
    #expect(agent(ring, "mfh_\(id)_" + token.suffix(52)) == nil)
    #expect(ring.tokenCount == 1 && ring.curveKeyCount == 1)
  }

  @Test("A certificate is an agent's, revoked, or on no list; one that counts makes up for one that does not")
  func certificates() throws {
    func pin(_ letter: String) throws -> PublicKeyPin {
      try #require(PublicKeyPin(String(repeating: letter, count: 42) + "A="))
    }
    func entry(_ pin: PublicKeyPin, _ agent: String, revoked: Bool = false) throws -> KeyEntry {
      try KeyEntry(
        id: .random(), agent: agent, credential: .certificate(pin), permissions: [try Permission("read:a/")],
        created: "T", revoked: revoked ? "T" : nil)
    }
    func told(_ ring: KeyRing, _ pin: PublicKeyPin) -> String {
      switch ring.standing(of: pin) {
      case .agent(let principal): String(decoding: principal.agent ?? [], as: UTF8.self)
      case .revoked: "revoked"
      case .unlisted: "unlisted"
      }
    }
    let (one, gone, back) = (try pin("B"), try pin("C"), try pin("D"))
    let entries = try [
      entry(one, "one"), entry(gone, "gone", revoked: true), entry(back, "new"), entry(back, "old", revoked: true),
    ]
    for entries in [entries, entries.reversed()] {
      let ring = KeyRing(entries)
      #expect(told(ring, one) == "one" && told(ring, gone) == "revoked" && told(ring, back) == "new")
      #expect(told(ring, try pin("E")) == "unlisted")
      #expect(ring.certificateCount == 2 && ring.tokenCount == 0 && ring.curveKeyCount == 0)
    }
  }

  @Test("Z85 writes and reads what its specification shows, and nothing else")
  func z85() {
    let bytes: [UInt8] = [0x86, 0x4F, 0xD2, 0x6F, 0xB5, 0x59, 0xF7, 0x5B]
    #expect(Z85.text(bytes) == "HelloWorld" && Z85.bytes("HelloWorld") == bytes)
    for text in ["HelloWorl", "Hell World", "%%%%%", "#####", "Hello\"orld", "HelloWorl\u{e9}"] {
      #expect(Z85.bytes(text) == nil, "\(text)")
    }
    var random = SeededGenerator.fromEnvironment("Z85")
    for count in 0..<32 {
      let bytes = (0..<count * 4).map { _ in UInt8.random(in: .min ... .max, using: &random) }
      #expect(Z85.bytes(Z85.text(bytes)) == bytes)
    }
  }

  @Test("A certificate holds the pair that it was made of; halves that do not belong together are none")
  func curveFiles() throws {
    // The pair of ZMTP's documentation.
    let known = try #require(CurveKeyPair(secretText: "D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs"))
    #expect(known.publicKey.description == "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID")
    let pair = CurveKeyPair.random()
    let secret = CurveCertificate.secretText(pair)
    let open = CurveCertificate.publicText(pair.publicKey)
    #expect(CurveCertificate.pair(in: secret)?.secretText == pair.secretText)
    #expect(
      CurveCertificate.publicKey(in: open) == pair.publicKey && CurveCertificate.publicKey(in: secret) == pair.publicKey
    )
    #expect(CurveCertificate.pair(in: open) == nil && !open.contains(pair.secretText))
    let mixed = secret.replacing(pair.publicKey.description, with: CurveKeyPair.random().publicKey.description)
    #expect(CurveCertificate.pair(in: mixed) == nil)
    #expect(CurveCertificate.pair(in: "") == nil && CurveCertificate.publicKey(in: "public-key = x") == nil)
    var dumped = ""
    dump(pair, to: &dumped)
    #expect(!"\(pair)\(String(reflecting: pair))\(dumped)".contains(pair.secretText))
  }
}
