/// `mfh head`, `mfh proof`, `mfh keys`: against a hub that signs, and without one.
import Foundation
import HistoryTree
import TestSupport
import Testing

@Suite("Tamper evidence", .timeLimit(.minutes(10)))
struct TreeCommandTests {
  let scratch: ScratchDirectory
  let keyFile: String
  let publicKey: String

  init() throws {
    scratch = try ScratchDirectory.made()
    keyFile = scratch.path + "/head.key"
    let made = try mfh(["keys", keyFile, "--create", "--name", "hub.test"])
    try #require(made.status == 0, "\(made.errors)")
    publicKey = made.output.trimmingCharacters(in: .newlines)
  }

  private func hub() throws -> TestHub { try TestHub(environment: ["MFH_HEAD_KEY_FILE": keyFile]) }

  @Test("A key is made for its owner alone, is shown again, and is never overwritten")
  func keys() throws {
    #expect(VerifierKey(text: publicKey)?.name == "hub.test")
    #expect(try mfh(["keys", keyFile]).output == publicKey + "\n")
    let mode = try FileManager.default.attributesOfItem(atPath: keyFile)[.posixPermissions] as? Int
    #expect(mode == 0o600)
    #expect(try mfh(["keys", keyFile, "--create"]).status == 73)
    #expect(try mfh(["keys", scratch.path + "/none"]).status == 66)
    #expect(try mfh(["keys", keyFile, "--create", "--name", "a+b"]).status == 64)
  }

  @Test("Every write has a proof that holds without the hub, in Swift and in Python; a changed one does not")
  func proof() throws {
    let hub = try hub()
    for number in 0..<20 { try hub.ok("put", "k\(number % 7)", "value \(number)") }
    let file = scratch.path + "/k3.proof"
    let run = try hub.ok("proof", "k3", "--save", file, "--public-key", publicKey)
    #expect(run.lines.first == "the proof holds")
    #expect(run.output.contains("revision   18") && run.output.contains("value 17"))
    _ = try hub.ok("proof", "k3", "--revision", "4", "--no-payload", "--save", scratch.path + "/old.proof")
    #expect(try hub.mfh("proof", "k3", "--revision", "5").status == 66, "revision 5 is of another key")
    #expect(try hub.mfh("proof", "k3", "--revision", "99").status == 65)
    #expect(try hub.mfh("proof", "none").status == 66)
    hub.server.stop()

    let checked = try mfh(["proof", "--check", file, "--public-key", publicKey])
    #expect(checked.status == 0 && checked.output == run.output)
    #expect(try mfh(["proof", "--check", scratch.path + "/old.proof", "--public-key", publicKey]).status == 0)
    #expect(try python(file, publicKey) == 0)
    #expect(try python(scratch.path + "/old.proof", publicKey) == 0)

    let text = try String(contentsOfFile: file, encoding: .utf8)
    for (from, to) in [
      ("\"leaf\":17", "\"leaf\":16"), ("revision 20", "revision 21"), ("\"payload\":\"e", "\"payload\":\"f"),
    ] {
      let changed = text.replacingOccurrences(of: from, with: to)
      try #require(changed != text, "\(from)")
      let bad = scratch.path + "/bad.proof"
      try changed.write(toFile: bad, atomically: false, encoding: .utf8)
      #expect(try mfh(["proof", "--check", bad, "--public-key", publicKey]).status == 65, "\(from)")
      #expect(try python(bad, publicKey) == 65, "\(from)")
    }
    let other = SignerKey.random(name: "hub.test").verifier.description
    #expect(try mfh(["proof", "--check", file, "--public-key", other]).status == 65)
    #expect(try python(file, other) == 65)
  }

  private func python(_ file: String, _ key: String) throws -> Int32 {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().path + "/../.."
    process.arguments = ["python3", root + "/examples/verify_proof.py", file, key]
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    return process.terminationStatus
  }

  @Test("The head covers what was written, also after the stop, and is saved behind the ones before it")
  func head() throws {
    let hub = try hub()
    let file = scratch.path + "/heads"
    for number in 0..<3 {
      try hub.ok("put", "k", "value \(number)")
      // A proof waits for a head that covers its record.
      try hub.ok("proof", "k")
      try hub.ok("head", "--save", file)
    }
    let saved = try #require(SignedHead.all(in: String(contentsOfFile: file, encoding: .utf8)))
    let key = try #require(VerifierKey(text: publicKey))
    #expect(saved.map(\.head.revision) == [1, 2, 3])
    #expect(saved.allSatisfy { $0.isSigned(by: key) })
    #expect(try hub.ok("head").output == saved[2].text)
    let stats = try hub.ok("stats", "--format", "json").objects()[0]
    #expect(stats["head_revision"] as? Int == 3 && (stats["head_signed_by"] as? String)?.hasPrefix("hub.test+") == true)
    hub.server.stop()
    let heads = try Data(contentsOf: URL(fileURLWithPath: hub.server.dataDirectory + "/tree/heads"))
    #expect(String(decoding: heads, as: UTF8.self).contains(saved[2].text.split(separator: "\n")[2]))
  }

  @Test("A key that others can read, that lies in the store, or is none stops the start with exit code 78")
  func badKeys() throws {
    try FileManager.default.setAttributes([.posixPermissions: 0o640], ofItemAtPath: keyFile)
    expectRefusal(keyFile, "chmod 600")
    expectRefusal(scratch.path + "/none", "mfh keys head --create")
    let wrong = scratch.path + "/wrong.key"
    try "hello".write(toFile: wrong, atomically: false, encoding: .utf8)
    try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: wrong)
    expectRefusal(wrong, "holds no key")
    let store = scratch.path + "/store"
    try FileManager.default.createDirectory(atPath: store, withIntermediateDirectories: true)
    #expect(try mfh(["keys", store + "/head.key", "--create"]).status == 0)
    expectRefusal(store + "/head.key", "lies in the store", ["--data-dir", store])
  }

  private func expectRefusal(_ file: String, _ said: String, _ arguments: [String] = []) {
    do {
      _ = try RunningServer(arguments, environment: ["MFH_HEAD_KEY_FILE": file])
      Issue.record("the hub has started with \(file)")
    } catch {
      let text = (error as? ProgramRun.Problem)?.description ?? "\(error)"
      #expect(text.contains("ended with 78") && text.contains(said), "\(text)")
    }
  }
}
