/// Files that are made to hurt: they are refused quickly, with a line, and never take the process down.
import Testing

@testable import Server

@Suite("Hostile files")
struct HostileFileTests {
  @Test(
    "Anchors, aliases and tags are refused before they can grow",
    arguments: [
      ("a: &a [x]\nb: [*a,*a]\n", 1), ("server: {}\nb: *a\n", 2), ("storage:\n  data_dir: !!binary aGk=\n", 2),
      ("storage:\n  - ! x\n", 2), ("{\"a\":*b}\n", 1), ("? &k [a]\n: b\n", 1), ("a: [b, *c]\n", 1), ("&a server:\n", 1),
      ("a: \"\\\\\"\nb: *c\n", 2),
    ])
  func references(text: String, line: Int) throws {
    let error = try Workshop().error(in: text)
    #expect(error.message.hasPrefix("hub.yaml:\(line): "), "\(error.message)")
    #expect(error.message.contains("begins an anchor, alias or tag"))
  }

  @Test("A key made of ten levels of aliases is refused at once")
  func bomb() throws {
    var text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
    for level in 1...10 {
      text += "a\(level): &a\(level) [" + Array(repeating: "*a\(level - 1)", count: 10).joined(separator: ", ") + "]\n"
    }
    text += "? *a10\n: x\n"
    #expect(try Workshop().error(in: text).message.hasPrefix("hub.yaml:1: & begins an anchor"))
  }

  @Test(
    "The same characters inside of values are only characters",
    arguments: [
      "'& * !'", "\"*\"", "a&b", "a*b", "/a!b", "'it''s *'", "x # & comment", "\"a\\\"b *c\"",
    ])
  func harmless(value: String) throws {
    #expect(throws: Never.self) { try Workshop().load("storage:\n  data_dir: \(value)\n") }
  }

  @Test("Tabs for indentation are refused with advice")
  func tabs() throws {
    let error = try Workshop().error(in: "server:\n\tzmq_port: 1\n")
    #expect(error.message.hasPrefix("hub.yaml:2: not YAML: "))
    #expect(error.message.contains("spaces, not tabs"))
  }

  @Test(
    "What is not UTF-8 is refused at its line",
    arguments: [
      ([UInt8]("server: {}\n".utf8) + [0xFF], 2), ([0xC0, 0x80], 1), ([0x23, 0x0A, 0x23, 0x0A, 0xED, 0xA0, 0x80], 3),
      ([0xFE, 0xFF, 0x00, 0x61], 1),
    ])
  func notUTF8(bytes: [UInt8], line: Int) throws {
    let workshop = try Workshop()
    var flags = ServerFlags()
    flags.config = try workshop.file(bytes)
    let error = try workshop.error { try workshop.load(flags) }
    #expect(error.message == "hub.yaml:\(line): the text is not UTF-8: save the file in UTF-8")
  }

  @Test("Control characters are refused at their line")
  func controls() throws {
    #expect(try Workshop().error(in: "# a\n# b\u{0}\n").message.hasPrefix("hub.yaml:2: not YAML: "))
    #expect(try Workshop().error(in: "# a\n\n# b\u{7}\n").message.hasPrefix("hub.yaml:3: not YAML: "))
  }

  @Test("A huge file is refused without being parsed")
  func huge() throws {
    let error = try Workshop().error(in: String(repeating: "# comment\n", count: 30_000))
    #expect(error.message.contains("more than 262144 bytes"))
    #expect(throws: Never.self) { try Workshop().load(String(repeating: "# comment\n", count: 26_000)) }
  }

  @Test("Depth without end is refused", arguments: ["[", "{a: ", "- ", "? "])
  func deep(opening: String) throws {
    #expect(try Workshop().error(in: String(repeating: opening, count: 60_000)).exitCode == 78)
  }

  @Test(
    "What is no YAML is refused at its line",
    arguments: [
      ("server: {\n", 2), ("server: }\n", 1), ("a: b: c\n", 1), ("'open\n", 2), ("server:\n  bind: \"x\n", 3),
      ("server: {}\n--- \nserver: {}\n", 2), ("a: b\n c: d\n", 2), ("%YAML 9.9\n---\n", 1), ("@\n", 1),
    ])
  func syntax(text: String, line: Int) throws {
    let error = try Workshop().error(in: text)
    #expect(error.message.hasPrefix("hub.yaml:\(line): "), "\(error.message)")
  }

  @Test("An error shows nothing that would steer a terminal, and stays on one line")
  func terminal() throws {
    let error = try Workshop().error(in: "\"a\\e[31m\\nb\\u202e\": 1\n")
    #expect(error.message.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7F && $0.value != 0x202E })
    #expect(error.message.contains("\\u{1b}[31m\\nb\\u{202e}"))
  }

  @Test("A very long name is cut in the error")
  func longName() throws {
    let error = try Workshop().error(in: String(repeating: "x", count: 1_000) + ": 1\n")
    #expect(error.message.utf8.count < 300)
  }

  @Test("Cut anywhere, a file is understood or refused, never fatal")
  func truncated() throws {
    let text = "server:\n  bind: \"127.0.0.1\"\n  zmq_port: ${P:4001}\nstorage: {data_dir: 'a b', durability: none}\n"
    let workshop = try Workshop()
    var refused = 0
    for count in 0...text.utf8.count {
      let cut = String(decoding: text.utf8.prefix(count), as: UTF8.self)
      do { _ = try workshop.load(cut) } catch is ConfigurationError { refused += 1 }
    }
    #expect(refused > 20 && refused < text.utf8.count)
  }
}
