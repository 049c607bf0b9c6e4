/// The log's lines: their form, their escapes, and that they do not mix.
import Foundation
import Glibc
import Logging
import Testing

@testable import Server

@Suite("Log lines")
struct JSONLogHandlerTests {
  /// What is logged in `body`, line by line.
  private func lines(level: Logger.Level = .trace, _ body: (Logger) throws -> Void) throws -> [String] {
    var template = Array("/tmp/mfh-log-XXXXXX".utf8CString)
    let file = mkstemp(&template)
    try #require(file >= 0)
    unlink(template)
    defer { close(file) }
    try body(Logger(label: "test") { JSONLogHandler(component: $0, level: level, descriptor: file) })
    let count = lseek(file, 0, SEEK_END)
    var bytes = [UInt8](repeating: 0, count: Int(count))
    try #require(pread(file, &bytes, bytes.count, 0) == count)
    return String(decoding: bytes, as: UTF8.self).split(separator: "\n").map(String.init)
  }

  @Test("A line is one object: time, level, component, message, then the metadata in order")
  func form() throws {
    let found = try lines { $0.info("hello", metadata: ["b": "2", "correlation_id": "c-1", "a": ["x", ["k": "v"]]]) }
    let line = try #require(found.first)
    let time = try #require(line.firstMatch(of: /^\{"time":"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z)",/))
    #expect(
      line.dropFirst(time.output.0.count)
        == #""level":"info","component":"test","message":"hello","correlation_id":"c-1","a":["x",{"k":"v"}],"b":"2"}"#)
    #expect(found.count == 1)
  }

  @Test("Metadata can not stand in for the fixed fields")
  func fixedFields() throws {
    let line = try #require(try lines { $0.error("m", metadata: ["level": "none", "time": "0"]) }.first)
    #expect(line.contains(#""level":"error""#))
    #expect(line.contains(#""field_level":"none","field_time":"0""#))
  }

  @Test("Control characters, quotes and line breaks are escaped: a message can not forge a line")
  func escapes() throws {
    let found = try lines { $0.warning("a\r\n{\"level\":\"critical\"}\u{1}\\", metadata: ["k\n": "\u{0}"]) }
    #expect(found.count == 1)
    let line = try #require(found.first)
    #expect(line.contains(#""message":"a\r\n{\"level\":\"critical\"}\u0001\\""#))
    #expect(line.contains(#""k\n":"\u0000""#))
  }

  @Test("What a terminal obeys or a reader does not see is escaped too; other text is not")
  func hiddenCharacters() throws {
    let hidden: [UInt32] =
      Array(0..<0x20) + Array(0x7F...0x9F) + [0x200E, 0x200F] + Array(0x2028...0x202E) + Array(0x2066...0x2069)
    for code in hidden {
      let text = "a" + String(try #require(UnicodeScalar(code))) + "b"
      let line = try #require(try lines { $0.info("\(text)", metadata: ["k": "\(text)"]) }.first)
      #expect(!line.unicodeScalars.contains { $0.value == code }, "U+\(String(code, radix: 16)) is shown as it is")
      let object = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: String])
      #expect(object["message"] == text && object["k"] == text, "and is what it was to a reader of JSON")
    }
    let plain = "ü ß 雪 😀 \u{A0} \u{2027} \u{202F} \u{2065} \u{206A} ‰"
    #expect(try #require(try lines { $0.info("\(plain)") }.first).contains(plain))
  }

  @Test("Levels below the configured one are not written")
  func levels() throws {
    let found = try lines(level: .warning) { logger in
      for level in Logger.Level.allCases { logger.log(level: level, "x") }
    }
    #expect(found.count == 3)
  }

  @Test("A logger's own metadata is on every line, and the event's wins")
  func ownMetadata() throws {
    let found = try lines { logger in
      var own = logger
      own[metadataKey: "a"] = "1"
      own.info("x")
      own.info("y", metadata: ["a": "2"])
      logger.info("z")
    }
    #expect(found.map { $0.contains(#""a":"1""#) } == [true, false, false])
    #expect(found.map { $0.contains(#""a":"2""#) } == [false, true, false])
  }

  @Test("A huge value is cut, metadata without end is flattened")
  func huge() throws {
    var deep = Logger.MetadataValue.string("x")
    for _ in 0..<100 { deep = .array([deep]) }
    let found = try lines { $0.info("\(String(repeating: "m", count: 100_000))", metadata: ["deep": deep]) }
    #expect(try #require(found.first).utf8.count < 8_192)
  }

  @Test("Threads that log at the same time do not tear each other's lines")
  func threads() async throws {
    // A file, not a pipe: writers that wait for a reader could take all the threads that the reader needs. The
    // kernel moves a file's position together with each write.
    var template = Array("/tmp/mfh-log-XXXXXX".utf8CString)
    let file = mkstemp(&template)
    try #require(file >= 0)
    defer { close(file) }
    unlink(template)
    let logger = Logger(label: "test") { JSONLogHandler(component: $0, level: .info, descriptor: file) }
    let pad = Logger.MetadataValue.string(String(repeating: "p", count: 900))
    await withTaskGroup(of: Void.self) { group in
      for writer in 0..<4 {
        group.addTask {
          for number in 0..<500 { logger.info("w\(writer)-\(number)", metadata: ["pad": pad]) }
        }
      }
    }
    var bytes = [UInt8](repeating: 0, count: Int(lseek(file, 0, SEEK_END)))
    try #require(pread(file, &bytes, bytes.count, 0) == bytes.count)
    let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n")
    #expect(lines.count == 2_000)
    #expect(lines.allSatisfy { $0.hasPrefix("{\"time\":") && $0.hasSuffix("\"}") })
    #expect(Set(lines.compactMap { $0.firstMatch(of: /"message":"(w\d-\d+)"/)?.output.1 }).count == 2_000)
  }
}
