/// `mfh keys`: what it writes, what it refuses, and what a hub makes of it.
import Foundation
import TestSupport
import Testing

@Suite("mfh keys", .timeLimit(.minutes(10)))
struct KeysTests {
  let scratch: ScratchDirectory
  let file: String

  init() throws {
    scratch = try ScratchDirectory.made()
    file = scratch.path + "/keys"
  }

  private func keys(_ arguments: String...) throws -> ProgramRun { try mfh(["keys"] + arguments + ["--file", file]) }

  private func create(_ agent: String, _ permissions: String...) throws -> String {
    let run = try mfh(
      ["keys", "create", "--file", file, "--agent", agent] + permissions.flatMap { ["--allow", $0] })
    try #require(run.status == 0, "\(run.errors)")
    return try #require(run.lines.first)
  }

  private func text() throws -> String { try String(contentsOfFile: file, encoding: .utf8) }

  private func mode(_ path: String) throws -> Int {
    try #require(FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int)
  }

  @Test("A key is printed once, in a line of its own; its file is for its owner and has a digest only")
  func create() throws {
    let first = try create("planner", "read,write:plans/", "read:shared/")
    #expect(first.hasPrefix("mfh_") && first.utf8.count == 65)
    #expect(try mode(file) == 0o600)
    let second = try create("ops", "all:*")
    for token in [first, second] {
      #expect(try !text().contains(token) && !text().contains(token.suffix(52)))
    }
    let listed = try mfh(["keys", "list", "--format", "json"], environment: ["MFH_KEY_FILE": file])
    let objects = try listed.objects()
    #expect(objects.map { $0["agent_id"] as? String } == ["planner", "ops"])
    #expect(objects[0]["allow"] as? [String] == ["read,write:plans/", "read:shared/"])
    #expect(objects[1]["allow"] as? [String] == ["read,write,admin:*"] && objects[1]["revoked"] is NSNull)
    #expect(!listed.output.contains("hash") && first.contains("_\(objects[0]["key"] as? String ?? "?")_"))
    let table = try keys("list")
    #expect(table.lines.count == 3 && table.lines[1].contains("planner") && table.lines[1].contains("read:shared/"))
    let saved = scratch.path + "/planner.key"
    let run = try keys("create", "--agent", "planner", "--allow", "read:a/", "--save", saved)
    #expect(run.status == 0 && run.lines[0].utf8.count == 8)
    #expect(try mode(saved) == 0o600)
    #expect(try String(contentsOfFile: saved, encoding: .utf8).hasPrefix("mfh_\(run.lines[0])_"))
  }

  @Test("What is wrong is refused before anything is changed")
  func refusals() throws {
    _ = try create("planner", "read:a/")
    let before = try text()
    let taken = scratch.path + "/taken"
    try scratch.write([], to: taken)
    #expect(try keys("create", "--agent", "a", "--allow", "read:acme").status == 64)
    #expect(try keys("create", "--agent", "a", "--allow", "read:acme").errors.contains("ends with"))
    #expect(try keys("create", "--agent", "a").status == 64)
    #expect(try keys("create", "--agent", "", "--allow", "read:a/").status == 64)
    #expect(try keys("create", "--agent", "a", "--allow", "read:a/", "--save", taken).status == 73)
    #expect(try keys("revoke", "zzzzzzzz").status == 66 && keys("revoke", "no").status == 66)
    #expect(try mfh(["keys", "create", "--agent", "a", "--allow", "read:a/"]).status == 64)
    #expect(try keys("allow", scratch.path + "/none").status == 66 && keys("allow", taken).status == 65)
    #expect(try text() == before)
    try scratch.write(Array("{}\n".utf8), to: file)
    #expect(try keys("list").status == 65 && keys("create", "--agent", "a", "--allow", "read:a/").status == 65)
    #expect(try keys("list").errors.contains("line 1"))
    #expect(try text() == "{}\n")
    let link = scratch.path + "/link"
    try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: file)
    let linked = try mfh(["keys", "create", "--agent", "a", "--allow", "read:a/", "--file", link])
    #expect(linked.status == 73 && linked.errors.contains("symbolic link"))
    #expect(try mfh(["keys", "list", "--file", scratch.path + "/none"]).status == 66)
  }

  @Test("A revocation names keys by their ids, can be looked at before, and keeps the lines, the owner's own too")
  func revoke() throws {
    let token = try create("planner", "read:a/")
    let id = String(token.dropFirst(4).prefix(8))
    try scratch.write(Array(("# ours\n" + (try text())).utf8), to: file)
    try FileManager.default.setAttributes([.posixPermissions: 0o640], ofItemAtPath: file)
    let before = try text()
    let dry = try keys("revoke", id, "--dry-run")
    #expect(dry.lines == ["\(id)  would be revoked"])
    #expect(try text() == before)
    #expect(try keys("revoke", id).lines == ["\(id)  revoked"])
    #expect(try keys("revoke", id).lines == ["\(id)  was revoked before"])
    #expect(try text().hasPrefix("# ours\n{\"key\":\"\(id)\"") && mode(file) == 0o640)
    let object = try #require(try keys("list", "--format", "json").objects().first)
    #expect((object["revoked"] as? String)?.hasPrefix("2") == true)
  }

  @Test("Keys that are made at the same time are all there afterwards")
  func atOnce() throws {
    let processes = try (0..<8).map { number in
      let process = Process()
      process.executableURL = ProgramRun.executable("mfh")
      process.arguments = ["keys", "create", "--file", file, "--agent", "a\(number)", "--allow", "read:a/"]
      process.standardOutput = FileHandle.nullDevice
      try process.run()
      return process
    }
    for process in processes {
      process.waitUntilExit()
      #expect(process.terminationStatus == 0)
    }
    let agents = try keys("list", "--format", "json").objects().compactMap { $0["agent_id"] as? String }
    #expect(agents.sorted() == (0..<8).map { "a\($0)" })
    #expect(try FileManager.default.contentsOfDirectory(atPath: scratch.path) == ["keys"])
  }

  // MARK: Against a hub

  @Test("mfh is the agent whose key it has: it names no other by itself, and is refused when it is told to")
  func agent() throws {
    let planner = try create("planner", "read,write:plans/")
    let hub = try TestHub(environment: ["MFH_KEY_FILE": file])
    let key = ["MFH_API_KEY": planner]
    #expect(try hub.mfh("put", "plans/1", "x", environment: key).status == 0)
    #expect(try hub.mfh("put", "plans/1", "y", "--agent", "planner", environment: key).status == 0)
    let other = try hub.mfh("put", "plans/1", "z", "--agent", "other", environment: key)
    #expect(other.status == 77 && other.errors.contains("agent_id") && other.errors.contains("forbidden"))
    #expect(try hub.mfh("put", "other/1", "z", environment: key).status == 77)
    #expect(try hub.mfh("stats", environment: key).status == 77 && hub.mfh("ping").status == 77)
    #expect(try hub.mfh("list", environment: key).lines == ["plans/1"])
    #expect(try hub.events().map { $0["agent_id"] as? String } == ["planner", "planner"])
  }

  @Test("CURVE keys that mfh has made let mfh in, as the agent that the list names")
  func curve() throws {
    let (hubKey, own, stranger) = (scratch.path + "/hub", scratch.path + "/own", scratch.path + "/stranger")
    for path in [hubKey, own, stranger] {
      #expect(try mfh(["keys", "curve", path]).status == 0)
      #expect(try mode(path) == 0o600 && mode(path + ".pub") == 0o644)
    }
    #expect(try mfh(["keys", "curve", own]).status == 73)
    #expect(try keys("allow", own + ".pub", "--agent", "planner", "--allow", "all:*").status == 0)
    #expect(try keys("allow", own + ".pub").status == 64)
    let hub = try TestHub(environment: ["MFH_KEY_FILE": file, "MFH_CURVE_KEY_FILE": hubKey])
    let hubPublic = hubKey + ".pub"
    let good = ["--hub-key-file", hubPublic, "--curve-key-file", own]
    let put = try hub.mfh(["put", "k", "v"] + good)
    #expect(put.status == 0, "\(put.errors)")
    let byName = try hub.mfh(
      "get", "k", "--raw", environment: ["MFH_HUB_KEY_FILE": hubPublic, "MFH_CURVE_KEY_FILE": own])
    #expect(byName.output == "v")
    let start = ContinuousClock.now
    let refused = try hub.mfh(["ping", "--timeout", "15", "--hub-key-file", hubPublic, "--curve-key-file", stranger])
    #expect(refused.status == 77 && refused.errors.contains("mfh keys allow"), "\(refused.errors)")
    #expect(ContinuousClock.now - start < .seconds(10), "it does not wait for what can not come")
    let plain = try hub.mfh("ping", "--timeout", "1")
    #expect(plain.status == 69 && plain.errors.contains("--hub-key-file"), "\(plain.errors)")
    let wrong = try hub.mfh(["ping", "--timeout", "1", "--hub-key-file", own + ".pub", "--curve-key-file", own])
    #expect(wrong.status == 69 && wrong.errors.contains("--hub-key-file"), "\(wrong.errors)")
    #expect(try hub.mfh(["ping", "--curve-key-file", own]).status == 64)
    #expect(try hub.mfh(["ping", "--hub-key-file", hubPublic]).status == 64)
    #expect(try hub.mfh(["ping", "--hub-key-file", hubPublic, "--curve-key-file", hubPublic]).status == 65)
    let clients = try hub.mfh(["stats", "--format", "json"] + good).objects()[0]
    #expect(clients["access_clients_refused"] as? Int ?? 0 >= 1 && clients["access_clients_accepted"] as? Int ?? 0 >= 1)
    #expect(try hub.events().map { $0["agent_id"] as? String } == ["planner"])
  }

  @Test("A start with keys that can not be used is refused with exit code 78, and a line that says what to do")
  func badStarts() throws {
    _ = try create("planner", "read:a/")
    let hubKey = scratch.path + "/hub"
    #expect(try mfh(["keys", "curve", hubKey]).status == 0)
    expectRefusal(["MFH_KEY_FILE": scratch.path + "/none"], "mfh keys create")
    expectRefusal(["MFH_CURVE_KEY_FILE": hubKey], "needs security.key_file")
    expectRefusal(["MFH_KEY_FILE": file, "MFH_CURVE_KEY_FILE": scratch.path + "/none"], "mfh keys curve")
    expectRefusal(["MFH_KEY_FILE": file, "MFH_CURVE_KEY_FILE": hubKey + ".pub"], "others can read")
    expectRefusal(["MFH_KEY_FILE": file, "MFH_CURVE_KEY_FILE": file], "holds no secret key")
    for mode in [0o644, 0o620, 0o602] {
      try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: file)
      expectRefusal(["MFH_KEY_FILE": file], "chmod 640")
    }
    try FileManager.default.setAttributes([.posixPermissions: 0o640], ofItemAtPath: hubKey)
    try FileManager.default.setAttributes([.posixPermissions: 0o640], ofItemAtPath: file)
    expectRefusal(["MFH_KEY_FILE": file, "MFH_CURVE_KEY_FILE": hubKey], "chmod 600")
    let store = scratch.path + "/store"
    try FileManager.default.createDirectory(atPath: store, withIntermediateDirectories: true)
    #expect(try mfh(["keys", "curve", store + "/hub"]).status == 0)
    expectRefusal(
      ["MFH_KEY_FILE": file, "MFH_CURVE_KEY_FILE": store + "/hub"], "lies in the store", ["--data-dir", store])
    try scratch.write(Array("{}\n".utf8), to: file)
    expectRefusal(["MFH_KEY_FILE": file], "line 1")
  }

  private func expectRefusal(_ environment: [String: String], _ said: String, _ arguments: [String] = []) {
    do {
      _ = try RunningServer(arguments, environment: environment)
      Issue.record("the hub has started with \(environment)")
    } catch {
      let text = (error as? ProgramRun.Problem)?.description ?? "\(error)"
      #expect(text.contains("ended with 78") && text.contains(said), "\(text)")
    }
  }
}
