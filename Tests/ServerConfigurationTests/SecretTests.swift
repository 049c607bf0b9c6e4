/// A secret is compared by its digest, never shown.
import HistoryTree
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
    "A candidate has the same digest only when it is equal, whatever its length",
    arguments: [
      "", "o", "open-sesam", "open-sesame", "open-sesamE", "open-sesameopen-sesame", "Open-sesame",
    ])
  func matching(candidate: String) {
    #expect((Secret("open-sesame").digest == Secret(candidate).digest) == (candidate == "open-sesame"))
  }
}
