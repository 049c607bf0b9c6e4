/// A key file of a test's own, with the keys that it needs.
import Access
import Foundation
import Testing
import ZeroMQ

@testable import Server

final class KeyWorkshop {
  let path: String
  private let scratch: ScratchDirectory
  private var file: KeyFileText

  init() throws {
    scratch = try ScratchDirectory()
    path = scratch.path + "/keys"
    file = try KeyFileText("")
    try save()
  }

  /// An API key of an agent.
  func token(_ agent: String, _ permissions: String...) throws -> String {
    try token(agent, permissions)
  }

  func token(_ agent: String, _ permissions: [String]) throws -> String {
    let id = KeyID.random()
    let token = AccessToken.random(id)
    let bytes = Array(token.utf8)
    try add(id, agent, .token(AccessToken.digest(bytes.span.bytes)), permissions)
    return token
  }

  /// A CURVE key that is on the list; without an agent it only lets a client connect.
  func curve(_ agent: String?, _ permissions: String...) throws -> CurveKeyPair {
    let pair = CurveKeyPair.random()
    try add(KeyID.random(), agent, .curve(pair.publicKey), permissions)
    return pair
  }

  /// A certificate that is on the list: what of it the hub is told.
  func certificate(_ agent: String, _ permissions: [String]) throws -> PublicKeyPin {
    let pin = KeyWorkshop.anyPin()
    try list(pin, agent, permissions)
    return pin
  }

  func list(_ pin: PublicKeyPin, _ agent: String, _ permissions: [String]) throws {
    try add(KeyID.random(), agent, .certificate(pin), permissions)
  }

  static func anyPin() -> PublicKeyPin {
    let bytes = Data((0..<32).map { _ in UInt8.random(in: .min ... .max) })
    guard let pin = PublicKeyPin(bytes.base64EncodedString()) else { preconditionFailure("32 bytes") }
    return pin
  }

  private func add(
    _ id: KeyID, _ agent: String?, _ credential: KeyEntry.Credential, _ permissions: [String]
  ) throws {
    try file.add(
      try KeyEntry(
        id: id, agent: agent, credential: credential, permissions: try permissions.map { try Permission($0) },
        created: "2026-11-24T00:00:00Z"))
    try save()
  }

  func revoke(agent: String) throws {
    for entry in file.entries where entry.agent == agent { _ = file.revoke(entry.id, at: "2026-11-25T00:00:00Z") }
    try save()
  }

  func revoke(_ key: CurvePublicKey) throws {
    for entry in file.entries where entry.credential == .curve(key) { _ = file.revoke(entry.id, at: "T") }
    try save()
  }

  /// Writes the keys as they are; a reader sees the file before or behind it.
  func save() throws { try save(file.text) }

  func save(_ text: String) throws {
    try Data(text.utf8).write(to: URL(fileURLWithPath: path + ".new"))
    try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: path + ".new")
    try #require(rename(path + ".new", path) == 0)
  }
}

extension Client {
  /// Asks with an API key; `fields` are the other members.
  func ask(_ action: String, _ token: String?, _ fields: String = "") throws -> Reply {
    let key = token.map { #","api_key":"\#($0)""# } ?? ""
    return try ask(#"{"action":"\#(action)"\#(key)\#(fields.isEmpty ? "" : ",")\#(fields)}"#)
  }

  /// A client of CURVE.
  convenience init(_ fixture: HubFixture, hubKey: CurvePublicKey, own: CurveKeyPair, name: String? = nil) throws {
    try self.init(fixture) { socket in
      try socket.setCurveClient(
        serverKey: hubKey.description, publicKey: own.publicKey.description, secretKey: own.secretText)
      if let name { try socket.setRoutingID(name) }
    }
  }
}
