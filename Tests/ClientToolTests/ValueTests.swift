/// What `put` makes of values, and that every text comes back as it went in.
import Bytes
import Foundation
import Programs
import TestSupport
import Testing

@testable import mfh

@Suite("Values", .timeLimit(.minutes(10)))
struct ValueTests {
  private func item(
    _ value: String, isText: Bool = false, type: String? = nil, tags: [String] = []
  ) throws -> String {
    var source = ByteBuffer()
    source.append(text: value)
    var item = ByteBuffer()
    try PutValue(source: "VALUE", isText: isText, memoryType: type, tags: tags).appendItem(source, to: &item)
    return item.bytes.text()
  }

  private static let values: [(String, String)] = [
    ("", #"{"content":""}"#),
    ("plain", #"{"content":"plain"}"#),
    ("42", #"{"content":"42"}"#),
    ("null", #"{"content":"null"}"#),
    (#""quoted""#, #"{"content":"\"quoted\""}"#),
    ("two\nlines\t\u{1}", #"{"content":"two\nlines\t\u0001"}"#),
    ("[1, 2]", #"{"content":[1,2]}"#),
    (" {} ", #"{"content":{}}"#),
    (#"{"name": "x y"}"#, #"{"content":{"name":"x y"}}"#),
    (#"{"content": "x"}"#, #"{"content":"x"}"#),
    (#"{"cont\u0065nt": "x"}"#, #"{"cont\u0065nt":"x"}"#),
    (#"{"session_id":"1"}"#, #"{"session_id":"1"}"#),
    (#"{"knowledge_id":"1"}"#, #"{"knowledge_id":"1"}"#),
    (#"{"item_type":"session","x":1}"#, #"{"item_type":"session","x":1}"#),
    (#"{"a":{"content":1}}"#, #"{"content":{"a":{"content":1}}}"#),
    ("[12345678901234567890.10]", #"{"content":[12345678901234567890.10]}"#),
  ]

  @Test("A value is an item, a content or a text by what it begins with and what is in it", arguments: values)
  func kinds(_ value: String, _ expected: String) throws {
    #expect(try item(value) == expected)
  }

  @Test("Type and tags go into the memory; --text takes anything as text")
  func options() throws {
    #expect(
      try item("x", type: "plan", tags: ["a", "\"b\""])
        == #"{"content":"x","memory_type":"plan","tags":["a","\"b\""]}"#)
    #expect(try item("[draft", isText: true) == #"{"content":"[draft"}"#)
    #expect(try item(#"{"content":1}"#, isText: true) == #"{"content":"{\"content\":1}"}"#)
  }

  @Test(
    "What begins like JSON and is none is refused, and so are type and tags for a whole item",
    arguments: ["{", "[draft", "{\"a\":1,\"a\":2}", " [1,]", "{} {}", "{\"a\":\"\u{1}\"}"])
  func refused(_ value: String) throws {
    let failure = #expect(throws: Failure.self) { try item(value) }
    #expect(failure?.status == .damaged && failure?.message.contains("--text") == true)
    let options = #expect(throws: Failure.self) { try item(#"{"content":"x"}"#, tags: ["a"]) }
    #expect(options?.status == .usage)
  }

  private static let texts: [String] = [
    "", "\n", "no line break", "one line break\n", "\r\n", "\u{FEFF}with a mark", "Zoë 日本語 🧠 e\u{301}",
    "\u{1}\u{7F}\u{9B}31m\u{1B}[31m",
    "\\ \" / \u{2028}", String(repeating: "long é ", count: 100_000),
  ]

  @Test("Any text comes back byte for byte through standard input and --raw")
  func roundTrip() throws {
    let hub = try TestHub()
    for text in ValueTests.texts {
      try hub.ok("put", "k", "-", "--text", input: text)
      let raw = try hub.ok("get", "k", "--raw").output
      #expect(Array(raw.utf8) == Array(text.utf8), "\(text.prefix(40))")
    }
    try hub.ok("put", "k", #"{"b": [1.50, "x"]}"#)
    #expect(try hub.ok("get", "k", "--raw").output == #"{"b":[1.50,"x"]}"#)
  }

  @Test("Keys of any script are put, listed and shown")
  func unicodeKeys() throws {
    let hub = try TestHub()
    let keys = ["日本/語", "naïve key", "🧠", "\"quoted\"", "back\\slash", "-dash"]
    for key in keys { try hub.ok("put", "--", key, "v of \(key)") }
    for key in keys { #expect(try hub.ok("get", "--raw", "--", key).output == "v of \(key)") }
    #expect(Set(try hub.ok("list").lines) == Set(keys))
    #expect(Set(try hub.ok("list", "--format", "json").objects().compactMap { $0["key"] as? String }) == Set(keys))
  }

  @Test("An item of the greatest size and depth comes back; one beyond is exit code 65")
  func extremes() throws {
    let hub = try TestHub()
    let large = String(repeating: "x", count: (1 << 20) - 500)
    try hub.ok("put", "large", "-", input: large)
    #expect(try hub.ok("get", "large", "--raw").output == large)
    #expect(try hub.ok("get", "large", "--format", "json").output.utf8.count > large.utf8.count)
    for (count, code) in [(1 << 20, "too_large"), (5 << 20, "too_large")] {
      let run = try hub.mfh("put", "larger", "-", input: String(repeating: "x", count: count))
      #expect(run.status == 65 && run.errors.contains(code) && run.errorLines.count == 1)
    }
    // A request may be 64 deep: the request, the item, and 62 arrays.
    func nested(_ depth: Int) -> String {
      String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
    }
    try hub.ok("put", "deep", nested(62))
    #expect(try hub.ok("get", "deep", "--raw").output == nested(62))
    let deeper = try hub.mfh("put", "deeper", nested(63))
    #expect(deeper.status == 65 && deeper.errors.contains("invalid_json"))
  }

  @Test("What is not UTF-8 is refused, not replaced")
  func notUTF8() throws {
    let hub = try TestHub()
    let piped = try hub.mfh(["put", "k", "-"], input: [0x61, 0xFF, 0x62])
    #expect(piped.status == 65 && piped.errors.contains("UTF-8"))
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/bin/sh")
    process.arguments = [
      "-c", "'\(ProgramRun.executable("mfh").path)' put \"$(printf 'k\\377')\" v --hub \(hub.server.address)",
    ]
    let errors = Pipe()
    process.standardError = errors
    try process.run()
    process.waitUntilExit()
    #expect(process.terminationStatus == 64)
    #expect(String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self).contains("argument 2"))
    #expect(try hub.ok("list").output.isEmpty)
  }
}
