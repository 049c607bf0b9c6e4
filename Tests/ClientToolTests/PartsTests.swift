/// The parts of the client by themselves.
import HubClient
import Testing
import ToolSupport

@testable import mfh

@Suite("Parts of the client")
struct ClientPartsTests {
  @Test("Options before the command are moved behind it, with their values; nothing else moves")
  func order() {
    func ordered(_ arguments: String...) -> [String] {
      GivenArguments.ordered(arguments, valued: ClientOptions.valued)
    }
    #expect(ordered("get", "k", "--hub", "x") == ["get", "k", "--hub", "x"])
    #expect(ordered("--hub", "x", "get", "k") == ["get", "--hub", "x", "k"])
    #expect(ordered("--hub=x", "--format", "json", "get", "k") == ["get", "--hub=x", "--format", "json", "k"])
    #expect(ordered("--help") == ["--help"])
    #expect(ordered("--hub", "x") == ["--hub", "x"])
    #expect(ordered("--hub") == ["--hub"])
    #expect(ordered("--", "get") == ["--", "get"])
    #expect(ordered() == [])
  }

  @Test("Numbers, sizes and times are written as people read them")
  func numbers() {
    #expect(
      [0, 999, 1_000, 1_234_567, .max].map { NumberText.count($0) } == [
        "0", "999", "1,000", "1,234,567", "18,446,744,073,709,551,615",
      ])
    #expect(
      [0, 59, 60, 3_661, 86_400, 90_061].map { NumberText.duration(seconds: $0) } == [
        "0 s", "59 s", "1 min", "1 h 1 min", "1 d", "1 d 1 h",
      ])
    #expect(
      [0, 1_023, 1_024, 1_536, 5 << 30].map { ByteSize.text($0) } == [
        "0 B", "1023 B", "1.0 KiB", "1.5 KiB", "5.0 GiB",
      ])
  }

  @Test("A request id is a random UUID of version 4")
  func requestID() {
    let ids = (0..<200).map { _ in RequestID.random() }
    #expect(Set(ids).count == 200)
    for id in ids {
      #expect(id.split(separator: "-").map(\.count) == [8, 4, 4, 4, 12])
      #expect(id.dropFirst(14).first == "4" && "89ab".contains(id.dropFirst(19).first ?? "x"))
    }
  }

  @Test("Addresses that can work are taken, others are not")
  func addresses() {
    for text in ["tcp://127.0.0.1:5713", "tcp://hub.example:1", "tcp://[::1]:65535", "ipc:///run/hub"] {
      #expect(HubAddress(text)?.text == text)
    }
    for text in [
      "", "tcp://", "tcp://h", "tcp://h:", "tcp://h:x", "tcp://h:0", "tcp://h:65536", "tcp://*:1", "tcp://:1",
      "tcp://::1:1",
      "ipc://", "http://h:1", "h:1", "tcp://h:1 ", "tcp://h:1\n", "tcp://h:+1",
    ] { #expect(HubAddress(text) == nil, "\(text)") }
  }

  @Test("An API key shows nowhere")
  func secret() {
    let key = APIKey("s3cret")
    var dumped = ""
    dump(key, to: &dumped)
    for text in ["\(key)", String(reflecting: key), dumped] { #expect(!text.contains("s3cret")) }
  }

  @Test("A deadline that has passed leaves nothing, one to come something")
  func deadline() {
    #expect(Deadline(after: .zero).milliseconds == 0)
    #expect(Deadline(after: .seconds(-5)).milliseconds == 0)
    #expect((1...100_000).contains(Deadline(after: .seconds(100)).milliseconds))
    #expect(Deadline(after: .seconds(1 << 40)).milliseconds == Int(Int32.max))
  }
}
