/// What comes from a hub can not steer the terminal that it is shown on.
import Bytes
import Foundation
import TestSupport
import Testing
import ToolSupport

@Suite("Terminals", .timeLimit(.minutes(10)))
struct TerminalTests {
  // TIOCSPTLCK and TIOCGPTN of linux/tty.h, which Swift does not import; posix_openpt and its kin neither.
  private static let setLock: UInt = 0x4004_5431
  private static let getNumber: UInt = 0x8004_5430

  /// Runs `mfh` with a terminal as its standard output; returns what arrived there.
  ///
  /// - Parameter answer: what somebody types there; nil when standard input is no terminal.
  private func onTerminal(_ arguments: [String], answer: String? = nil) throws -> String {
    let master = open("/dev/ptmx", O_RDWR | O_NOCTTY)
    try #require(master >= 0)
    defer { close(master) }
    var number: Int32 = 0
    var lock: Int32 = 0
    try #require(
      ioctl(master, TerminalTests.setLock, &lock) == 0 && ioctl(master, TerminalTests.getNumber, &number) == 0)
    let slave = open("/dev/pts/\(number)", O_RDWR | O_NOCTTY)
    let process = Process()
    process.executableURL = ProgramRun.executable("mfh")
    process.arguments = arguments
    process.standardOutput = FileHandle(fileDescriptor: slave)
    process.standardInput = answer == nil ? FileHandle.nullDevice : FileHandle(fileDescriptor: slave)
    if let answer {
      process.standardError = FileHandle.nullDevice
      try #require(write(master, answer, answer.utf8.count) == answer.utf8.count)
    }
    try process.run()
    close(slave)
    var text: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 4_096)
    while case let count = read(master, &piece, piece.count), count > 0 { text += piece[..<count] }
    process.waitUntilExit()
    #expect(process.terminationStatus == 0)
    return String(decoding: text, as: UTF8.self).replacingOccurrences(of: "\r\n", with: "\n")
  }

  private static let nasty = "a\u{1B}[2Jb\u{9B}31mc\u{202E}d\u{7F}e\ttab\nline"

  @Test("Contents and fields are escaped in every form; in a pipe json and --raw are exact")
  func escaped() throws {
    let hub = try TestHub()
    try hub.ok("put", "k\u{202E}y", "-", "--text", "--tag", "t\u{9B}", input: TerminalTests.nasty)
    let address = ["--hub", hub.server.address]
    for arguments in [
      ["get", "k\u{202E}y"], ["get", "k\u{202E}y", "--raw"], ["get", "k\u{202E}y", "--format", "json"], ["list"],
      ["list", "--format", "json"],
    ] {
      let shown = try onTerminal(arguments + address)
      #expect(!shown.unicodeScalars.contains { "\u{1B}\u{9B}\u{202E}\u{7F}".unicodeScalars.contains($0) }, "\(shown)")
      #expect(shown.hasSuffix("\n") && shown.contains("202e"))
      if arguments.contains("json") {
        let piped = try hub.mfh(arguments)
        #expect(piped.output.contains("\u{202E}"))
        let value = try JSONSerialization.jsonObject(with: Data(shown.utf8)) as? NSDictionary
        #expect(value == (try JSONSerialization.jsonObject(with: Data(piped.output.utf8)) as? NSDictionary))
      }
    }
    let table = try hub.ok("get", "k\u{202E}y").output
    #expect(table.hasPrefix("a\\u{1b}[2Jb\\u{9b}31mc\\u{202e}d\\u{7f}e\ttab\nline\n\n"))
    let missing = try hub.mfh("get", "no\u{1B}[2Jkey", "--timeout", "5")
    #expect(!missing.errors.contains("\u{1B}"))
  }

  @Test("At a terminal a redaction shows what it would erase, and asks: anything but yes is no")
  func asks() throws {
    let hub = try TestHub()
    try hub.ok("put", "k", "secret")
    let redact = ["redact", "k", "--reason", "r", "--no-wait", "--hub", hub.server.address]
    let refused = try onTerminal(redact, answer: "n\n")
    #expect(refused.contains("would erase  1 item") && !refused.contains("\nerased "), "\(refused)")
    #expect(try hub.ok("get", "k", "--raw").output == "secret")
    let agreed = try onTerminal(redact, answer: "y\n")
    #expect(agreed.contains("would erase  1 item") && agreed.contains("\nerased "), "\(agreed)")
    #expect(try hub.mfh("get", "k").errors.contains("redacted"))
    try hub.ok("put", "k", "another")
    let unasked = try onTerminal(redact + ["--yes"], answer: "n\n")
    #expect(!unasked.contains("would erase") && unasked.contains("erased "), "\(unasked)")
    #expect(try hub.mfh("get", "k").errors.contains("redacted"))
  }

  @Test("JSON that is made safe is the same value")
  func json() throws {
    let text = #"{"a":"\u001b"# + "\u{7F}\u{80}\u{9F}\u{A0}é\u{200B}\u{2028}\u{FEFF}日\u{E0001}\u{10FFFF}\"}"
    var source = ByteBuffer()
    source.append(text: text)
    var safe = ByteBuffer()
    DisplayText.appendJSON(source.bytes, to: &safe)
    let shown = safe.bytes.text()
    #expect(
      shown == #"{"a":"\u001b\u007f\u0080\u009f"# + "\u{A0}é" + #"\u200b\u2028\ufeff"# + "日" + #"\udb40\udc01"#
        + "\u{10FFFF}\"}")
    let before = try JSONSerialization.jsonObject(with: Data(text.utf8)) as? NSDictionary
    #expect(before == (try JSONSerialization.jsonObject(with: Data(shown.utf8)) as? NSDictionary))
  }
}
