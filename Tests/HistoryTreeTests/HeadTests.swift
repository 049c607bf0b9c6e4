/// Heads and keys as texts: what is written is read back, and nothing else is.
import Testing

@testable import HistoryTree

@Suite struct HeadTests {
  static let key = SignerKey.random(name: "hub.example/1")
  static let head = TreeHead(
    lineage: "00112233-4455-4677-8899-aabbccddeeff", size: 42, root: NaiveTree.leaf(1), epoch: 3, revision: 40,
    time: 1_754_587_800_000_000, beginning: TreeBeginning(time: 1_754_587_700_000_000, leaves: 7))

  @Test("A signed head is read back from its text, and its key accepts it")
  func roundTrip() {
    let signed = SignedHead(Self.head, key: Self.key)
    let read = SignedHead(text: signed.text)
    #expect(read == signed)
    #expect(read?.isSigned(by: Self.key.verifier) == true)
    let unsigned = SignedHead(Self.head, key: nil)
    #expect(SignedHead(text: unsigned.text) == unsigned)
    #expect(!unsigned.isSigned(by: Self.key.verifier))
  }

  @Test("A head with any byte changed, left out or doubled is not read, or its key refuses it")
  func mutatedText() {
    let text = Array(SignedHead(Self.head, key: Self.key).text.utf8)
    func passes(_ bytes: [UInt8]) -> Bool {
      SignedHead(text: String(decoding: bytes, as: UTF8.self))?.isSigned(by: Self.key.verifier) ?? false
    }
    #expect(passes(text))
    for place in text.indices {
      for bit in 0..<8 {
        var changed = text
        changed[place] ^= 1 << UInt8(bit)
        #expect(!passes(changed), "bit \(bit) of byte \(place)")
      }
      var shorter = text
      shorter.remove(at: place)
      #expect(!passes(shorter), "without byte \(place)")
      var longer = text
      longer.insert(text[place], at: place)
      #expect(!passes(longer), "byte \(place) doubled")
    }
  }

  @Test("Another key of the same name accepts nothing")
  func otherKey() {
    let other = SignerKey.random(name: "hub.example/1")
    #expect(!SignedHead(Self.head, key: other).isSigned(by: Self.key.verifier))
    #expect(!SignedHead(Self.head, key: Self.key).isSigned(by: SignerKey.random(name: "other").verifier))
  }

  @Test("Keys are read back from their texts; a changed text is refused")
  func keys() {
    let secret = Self.key.secretText
    #expect(SignerKey(text: secret)?.secretText == secret)
    #expect(SignerKey(text: secret)?.verifier == Self.key.verifier)
    let text = Self.key.verifier.description
    #expect(VerifierKey(text: text) == Self.key.verifier)
    for place in text.indices {
      var changed = text
      changed.remove(at: place)
      #expect(VerifierKey(text: changed) == nil)
      changed.insert(text[place] == "A" ? "B" : "A", at: place)
      #expect(VerifierKey(text: changed) == nil)
    }
    for wrong in ["", "a+b", "PRIVATE+KEY+x", secret + secret, "x" + secret] { #expect(SignerKey(text: wrong) == nil) }
    #expect(!"\(Self.key)".contains(secret.dropLast().split(separator: "+").last!))
  }

  /// The example key of Go's golang.org/x/mod/sumdb/note, whose texts this program reads too.
  @Test("A key that another program has made is read, and its signature is accepted")
  func foreignKey() {
    let key = VerifierKey(text: "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")
    #expect(key?.name == "PeterNeumann" && key?.idText == "c74f20a3")
    let secret = SignerKey(text: "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz")
    #expect(secret?.verifier == key)
  }
}
