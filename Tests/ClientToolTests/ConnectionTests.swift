/// What the client knows when there is no answer: whether the request can have reached a hub at all.
import Bytes
import Foundation
import HubClient
import TestSupport
import Testing
import ZeroMQ

@Suite("Connections", .timeLimit(.minutes(10)))
struct ConnectionTests {
  private let long = Duration.seconds(30)
  private let short = Duration.milliseconds(100)

  /// What a ping comes to: the version, or the error's name.
  private func ping(_ client: HubClient, within time: Duration) -> String {
    var reply = HubReply()
    do {
      try client.perform(HubRequest("ping"), before: Deadline(after: time), reply: &reply)
      return reply.string("version", of: reply.result) ?? "no version"
    } catch {
      switch error {
      case .unreachable(let reason): return "unreachable \(reason)"
      case .noReply: return "noReply"
      case .connectionLost: return "connectionLost"
      case .badReply(let problem): return "badReply \(problem)"
      case .refused(let refusal): return "refused \(refusal.codeText)"
      case .local(let error): return "local \(error)"
      }
    }
  }

  /// Asks again and again until the answer is the expected one: how soon a cause is known depends on the machine.
  private func settles(_ client: HubClient, on expected: String) -> Bool {
    for _ in 0..<100 where ping(client, within: short) == expected { return true }
    return false
  }

  private func client(_ address: String) throws -> HubClient { try HubClient(#require(HubAddress(address))) }

  private func reply(_ version: String) -> String {
    #"{"success":true,"action":"ping","result":{"version":"\#(version)"}}"#
  }

  @Test("Where nothing listens, nothing was sent")
  func refused() throws {
    let first = try PretendedHub(.body(reply("1")))
    first.stop()
    #expect(try settles(client(first.address), on: "unreachable refused"))
  }

  @Test("A service that speaks something else, or nothing, is told from a hub")
  func foreign() throws {
    let talker = try ForeignListener(greeting: "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")
    #expect(try settles(client(talker.address), on: "unreachable foreign"))
    let mute = try ForeignListener(greeting: "")
    #expect(try settles(client(mute.address), on: "unreachable mute"))
  }

  @Test("A request that was sent and not answered is told from one that was not sent")
  func silent() throws {
    let hub = try PretendedHub(.silent)
    defer { hub.stop() }
    let client = try client(hub.address)
    try client.connect(before: Deadline(after: long))
    #expect(ping(client, within: short) == "noReply")
  }

  @Test("A reply that comes late is not taken for the next request's")
  func late() throws {
    let hub = try PretendedHub(.late(reply("1"), reply("2")))
    defer { hub.stop() }
    let client = try client(hub.address)
    try client.connect(before: Deadline(after: long))
    #expect(ping(client, within: short) == "noReply")
    #expect(ping(client, within: long) == "2")
    #expect(hub.requests.count == 2)
  }

  @Test("A connection that ends is noticed at once, not after the time limit")
  func lost() throws {
    let hub = try PretendedHub(.leaves)
    defer { hub.stop() }
    let start = ContinuousClock.now
    #expect(ping(try client(hub.address), within: long) == "connectionLost")
    #expect(start.duration(to: .now) < long)
  }

  @Test("After a restart of the hub the same client goes on")
  func restart() throws {
    let server = try RunningServer()
    let client = try client(server.address)
    #expect(ping(client, within: long) == "0.1.0")
    let port = try #require(server.address.split(separator: ":").last)
    server.stop()
    #expect(ping(client, within: .milliseconds(500)) != "0.1.0")
    let next = try RunningServer(["--zmq-port", String(port)])
    #expect(next.address == server.address)
    #expect(ping(client, within: long) == "0.1.0")
  }

  private static let nonsense: [(String, String)] = [
    ("", "JSON"), ("nonsense", "JSON"), ("[]", "success"), ("{}", "success"), (#"{"success":true}"#, "result"),
    (#"{"success":true,"result":[]}"#, "result"), (#"{"success":false}"#, "code"),
    (#"{"success":1,"result":{}}"#, "code"),
    (#"{"success":false,"code":5,"error":"x"}"#, "code"), ("{\"success\":true,\"result\":{}}}", "JSON"),
    (String(repeating: "[", count: 100_000), "JSON"),
  ]

  @Test("A reply that is none is refused, whatever is wrong with it", arguments: nonsense)
  func badBody(_ body: String, _ problem: String) throws {
    let hub = try PretendedHub(.body(body))
    defer { hub.stop() }
    let result = ping(try client(hub.address), within: long)
    #expect(result.hasPrefix("badReply") && result.contains(problem), "\(result)")
  }

  private static let frames: [[[UInt8]]] = [[[]], [[1], [2]], [[], [1], [2]], [[], [], [1]], [Array("{}".utf8)]]

  @Test("A reply of other frames than an empty one and a body is refused", arguments: frames)
  func badFrames(_ frames: [[UInt8]]) throws {
    let hub = try PretendedHub(.frames(frames))
    defer { hub.stop() }
    let result = ping(try client(hub.address), within: long)
    #expect(result.hasPrefix("badReply") && result.contains("frame"), "\(result)")
  }

  @Test("An error reply's parts arrive")
  func refusal() throws {
    let hub = try PretendedHub(
      .body(
        #"{"success":false,"code":"conflict","error":"no","retry_after_ms":7,"current":{"revision":5,"item":null},"index":3}"#
      ))
    defer { hub.stop() }
    var reply = HubReply()
    do {
      try client(hub.address).perform(HubRequest("put"), before: Deadline(after: long), reply: &reply)
      Issue.record("an error reply is an error")
    } catch HubClientError.refused(let refusal) {
      #expect(refusal.code == .conflict && refusal.message == "no" && refusal.retryAfterMilliseconds == 7)
      #expect(refusal.currentRevision == 5 && refusal.operationIndex == 3)
    }
  }

  @Test("Many requests under way on one connection are answered in their order")
  func pipeline() throws {
    let server = try RunningServer()
    let connection = try HubConnection(to: #require(HubAddress(server.address)), in: .init())
    let deadline = Deadline(after: long)
    for number in 0..<300 {
      let text = Array(#"{"action":"ping","request_id":"\#(number)"}"#.utf8)
      try connection.send(text.span.bytes, before: deadline)
    }
    var reply = ByteBuffer()
    for number in 0..<300 {
      try connection.receive(into: &reply, before: deadline)
      #expect(reply.bytes.text().contains(#""request_id":"\#(number)""#))
    }
    #expect(try !connection.receiveNow(into: &reply))
  }
}
