/// The pin of a certificate: what openssl says it is, and nothing for what is no certificate.
import Bytes
import HistoryTree
import TestSupport
import Testing

@testable import Access

@Suite("Pins of public keys")
struct PublicKeyPinTests {
  // Made with openssl; the pins are those of
  // openssl x509 -pubkey -noout | openssl pkey -pubin -outform der | openssl dgst -sha256 -binary | base64
  private static let ecPin = "AEnGXfkV8w2r9zpgoXxp2bbTqZtE+TvF+mCwUCZowqI="
  private static let edPin = "6+9LiQNf9W35z4IedzfwP9heAE2TyHowCD7cY050sRM="

  private static let ec = """
    -----BEGIN CERTIFICATE-----
    MIIBezCCASGgAwIBAgIUG4S9DRBXctVG+pIQF6HozaP0+SgwCgYIKoZIzj0EAwIw
    EjEQMA4GA1UEAwwHcGxhbm5lcjAgFw0yNjExMjUwMTM1MDJaGA8yMTI2MTEwMTAx
    MzUwMlowEjEQMA4GA1UEAwwHcGxhbm5lcjBZMBMGByqGSM49AgEGCCqGSM49AwEH
    A0IABMQ16ZWVlOF9N+JvHqUlB07PCpfeDD6xQ5v9Bzu3nLTbqr4XN9G8QJM8hXec
    71HfutBRSRovzoC13IxoGqTAvfejUzBRMB0GA1UdDgQWBBQXaFGr0BGkWdG4GybG
    hMyTnZc5MTAfBgNVHSMEGDAWgBQXaFGr0BGkWdG4GybGhMyTnZc5MTAPBgNVHRMB
    Af8EBTADAQH/MAoGCCqGSM49BAMCA0gAMEUCIDqe8YkvmEvSW2JBxB+Lh03Tj2vs
    BHKQTXqLjBWtpiRKAiEA7cJC3LttWKGnsFJr3P9rAD0TH+uhDfRPa3t9sGSXw4w=
    -----END CERTIFICATE-----
    """

  private static let ecKey = """
    -----BEGIN PUBLIC KEY-----
    MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAExDXplZWU4X034m8epSUHTs8Kl94M
    PrFDm/0HO7ectNuqvhc30bxAkzyFd5zvUd+60FFJGi/OgLXcjGgapMC99w==
    -----END PUBLIC KEY-----
    """

  /// Of the same key, and without a version and extensions.
  private static let ecWithoutVersion = """
    -----BEGIN CERTIFICATE-----
    MIIBJjCBzQIUe0mdPUzVzd5ADCj9p8Unur/j1gkwCgYIKoZIzj0EAwIwFTETMBEG
    A1UEAwwKcGxhbm5lciB2MTAgFw0yNjExMjUwMTM1MDJaGA8yMTI2MTEwMTAxMzUw
    MlowFTETMBEGA1UEAwwKcGxhbm5lciB2MTBZMBMGByqGSM49AgEGCCqGSM49AwEH
    A0IABMQ16ZWVlOF9N+JvHqUlB07PCpfeDD6xQ5v9Bzu3nLTbqr4XN9G8QJM8hXec
    71HfutBRSRovzoC13IxoGqTAvfcwCgYIKoZIzj0EAwIDSAAwRQIhAPYT+cv1Ic8n
    3g8yGvAp85XOYBfAe2FB1GxqMgMbzsXiAiB6ruaR4S8q7tcyLWwIn2Zh77prp1XN
    wi16FYTmIGDMGA==
    -----END CERTIFICATE-----
    """

  private static let ed = """
    -----BEGIN CERTIFICATE-----
    MIIBLjCB4aADAgECAhRy9PFWCIkqHfZlS8WNJ9D1RPtG5TAFBgMrZXAwDDEKMAgG
    A1UEAwwBZTAgFw0yNjExMjUwMTM1MDJaGA8yMTI2MTEwMTAxMzUwMlowDDEKMAgG
    A1UEAwwBZTAqMAUGAytlcAMhANFD7425pkvbCzCa3QslFEnbXiyjq+r2Y9jlC+Sb
    MOM0o1MwUTAdBgNVHQ4EFgQURcPctLeRqhMvJnl3ikmbhfHJTZkwHwYDVR0jBBgw
    FoAURcPctLeRqhMvJnl3ikmbhfHJTZkwDwYDVR0TAQH/BAUwAwEB/zAFBgMrZXAD
    QQBcyNhpDMCObTe6gxYMV4djgL3368kHExV0MNuJlgW71/caZZ6Fd9QkjMZ8Stx1
    s4WLmyEnfY6Cjlb1+KrkY6AG
    -----END CERTIFICATE-----
    """

  private func bytes(_ pem: String) throws -> [UInt8] {
    try #require(Base64.bytes(pem.split(separator: "\n").dropFirst().dropLast().joined()))
  }

  @Test("A certificate's pin is the one that openssl computes, whatever else is in the certificate or the file")
  func pins() throws {
    try check(Self.ec, Self.ecPin)
    try check(Self.ecKey, Self.ecPin)
    try check(Self.ecWithoutVersion, Self.ecPin)
    try check(Self.ed, Self.edPin)
    // The first one is the client's own, what follows has signed it.
    try check("Certificate:\n\n" + Self.ec + "\n" + Self.ed + "\n", Self.ecPin)
    try check(Self.ec.replacing("\n", with: "\r\n"), Self.ecPin)
  }

  private func check(_ pem: String, _ expected: String) throws {
    let pin = try #require(PublicKeyPin(pem: pem))
    #expect(pin.description == expected)
    #expect(PublicKeyPin(expected) == pin)
  }

  @Test("A certificate that is cut, or has bytes behind its end, has no pin")
  func cuts() throws {
    for pem in [Self.ec, Self.ecWithoutVersion, Self.ed] {
      let whole = try bytes(pem)
      for count in 0..<whole.count {
        let cut = Array(whole[..<count])
        #expect(PublicKeyPin(certificate: cut.span.bytes) == nil, "\(count)")
      }
      let longer = whole + [0]
      #expect(PublicKeyPin(certificate: longer.span.bytes) == nil)
    }
  }

  @Test("A length that is written longer than it has to be is none: one certificate is one run of bytes")
  func lengths() throws {
    let whole = try bytes(Self.ed)
    try #require(whole[..<4].elementsEqual([0x30, 0x82, 0x01, 0x2E]))
    for length: [UInt8] in [[0x83, 0x00, 0x01, 0x2E], [0x84, 0x00, 0x00, 0x01, 0x2E], [0x80], [0xFF]] {
      let certificate = [0x30] + length + whole[4...]
      #expect(PublicKeyPin(certificate: certificate.span.bytes) == nil)
    }
    // The serial number, in its twenty bytes.
    var longer = whole
    let serial = try #require(Self.place(of: [0x02, 0x14], in: whole)).lowerBound
    longer.replaceSubrange(serial..<serial + 2, with: [0x02, 0x81, 0x14])
    for position in [3, 6] { longer[position] += 1 }
    #expect(PublicKeyPin(certificate: longer.span.bytes) == nil)
  }

  @Test("Every bit of a certificate can be wrong: outside of its key nothing gives another pin")
  func flips() throws {
    for (pem, pin) in [(Self.ec, Self.ecPin), (Self.ed, Self.edPin)] {
      let whole = try bytes(pem)
      let key = try #require(PublicKeyPinTests.place(of: try keyBytes(whole), in: whole))
      for position in whole.indices {
        for bit in 0..<8 {
          var changed = whole
          changed[position] ^= 1 << bit
          let found = PublicKeyPin(certificate: changed.span.bytes)?.description
          if key.contains(position) {
            #expect(found != pin, "\(position) \(bit)")
          } else {
            #expect(found == nil || found == pin, "\(position) \(bit)")
          }
        }
      }
    }
  }

  /// The public key in a certificate: the one sequence whose digest is the pin.
  private func keyBytes(_ whole: [UInt8]) throws -> [UInt8] {
    guard let pin = PublicKeyPin(certificate: whole.span.bytes) else { throw NotFound() }
    for start in whole.indices where whole[start] == 0x30 && start + 2 < whole.count && whole[start + 1] < 0x80 {
      let end = start + 2 + Int(whole[start + 1])
      guard end <= whole.count else { continue }
      let candidate = Array(whole[start..<end])
      if PublicKeyPin(Base64.text(Sodium.sha256(candidate))) == pin { return candidate }
    }
    throw NotFound()
  }

  private struct NotFound: Error {}

  private static func place(of part: [UInt8], in whole: [UInt8]) -> Range<Int>? {
    (0...(whole.count - part.count)).first { whole[$0..<$0 + part.count].elementsEqual(part) }
      .map { $0..<$0 + part.count }
  }

  @Test(
    "What is no certificate and no public key in PEM has no pin",
    arguments: [
      "", "x", "-----BEGIN CERTIFICATE-----", "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----",
      "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----",
      "-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----",
      "-----BEGIN PUBLIC KEY-----\nMAAwAA==\n-----END PUBLIC KEY-----",
      "-----BEGIN PRIVATE KEY-----\nMAAwAA==\n-----END PRIVATE KEY-----",
    ])
  func none(text: String) {
    #expect(PublicKeyPin(pem: text) == nil)
  }

  @Test("A pin is 32 bytes in base64", arguments: ["", "AAAA", "AEnGXfkV8w2r9zpgoXxp2bbTqZtE+TvF+mCwUCZowqI", "no"])
  func texts(text: String) {
    #expect(PublicKeyPin(text) == nil)
  }
}
