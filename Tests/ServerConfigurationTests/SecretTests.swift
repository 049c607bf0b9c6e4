/// A secret is compared, never shown.
import Bytes
import Testing

@testable import Server

@Suite("Secrets")
struct SecretTests {
  @Test("Nothing that prints or reflects a secret shows it")
  func masked() {
    let secret = Secret("open-sesame")
    var dumped = ""
    dump(secret, to: &dumped)
    for shown in ["\(secret)", String(reflecting: secret), String(describing: [secret]), dumped] {
      #expect(!shown.contains("sesame"))
    }
    #expect("\(secret)" == Secret.mask)
  }

  @Test(
    "A candidate matches only when it is equal, whatever its length",
    arguments: [
      "", "o", "open-sesam", "open-sesame", "open-sesamE", "open-sesameopen-sesame", "Open-sesame",
    ])
  func matching(candidate: String) {
    var bytes = ByteBuffer()
    bytes.append(text: candidate)
    let isMatching = Secret("open-sesame").matches(bytes.bytes)
    #expect(isMatching == (candidate == "open-sesame"))
  }
}
