/// What the log says of requests, through the handler that the server uses.
import Foundation
import Logging
import Testing

@Suite("The log of requests", .timeLimit(.minutes(1)))
struct RequestLogTests {
  private func logged(_ level: Logger.Level, _ body: (Client) throws -> Void) throws -> LogFile {
    let log = try LogFile()
    let hub = try HubFixture {
      $0.logLevel = level
      $0.logDescriptor = log.descriptor
    }
    try body(try Client(hub))
    hub.stop()
    return log
  }

  private func converse(_ client: Client) throws {
    let ids = #""agent_id":"agent","correlation_id":"c-1","request_id":"r-1""#
    _ = try client.ask(#"{"action":"put","key":"secret-key","item":{"content":"secret-content"},\#(ids)}"#)
    _ = try client.ask(#"{"action":"get","key":"secret-key","correlation_id":"c-2"}"#)
    _ = try client.ask(#"{"action":"delete","key":"secret-key","if_revision":9,"correlation_id":"c-3"}"#)
    _ = try client.ask("{secret-content")
    _ = try client.ask(#"{"action":"checksum","correlation_id":"a\n{\"level\":\"x\"}"}"#)
  }

  @Test("At debug each request has one line, with its ids, the key's length, the outcome and the time it took")
  func debug() throws {
    let log = try logged(.debug, converse)
    let lines = try log.objects().filter { $0["message"] as? String == "request" }
    try #require(lines.count == 5)
    let put = lines[0]
    #expect(put["action"] as? String == "put" && put["outcome"] as? String == "ok")
    #expect(put["agent_id"] as? String == "agent" && put["correlation_id"] as? String == "c-1")
    #expect(put["request_id"] as? String == "r-1" && put["key_bytes"] as? String == "10")
    #expect(put["revision"] as? String == "1" && put["level"] as? String == "debug")
    #expect(Int(put["microseconds"] as? String ?? "") ?? -1 >= 0)
    #expect(lines[1]["correlation_id"] as? String == "c-2" && lines[1]["revision"] as? String == "1")
    #expect(lines[2]["outcome"] as? String == "conflict" && lines[2]["revision"] == nil)
    #expect(lines[3]["outcome"] as? String == "invalid_json")
    #expect(lines[4]["correlation_id"] as? String == "a\n{\"level\":\"x\"}")
    #expect(!(try log.text()).contains("secret"), "neither keys nor items are logged")
  }

  @Test("At info no request has a line")
  func info() throws { #expect(try logged(.info, converse).lines().isEmpty) }

  @Test("Requests that waited for others have one line each, in the order of their replies")
  func waiting() throws {
    let log = try LogFile()
    let hub = try HubFixture {
      $0.logLevel = .debug
      $0.logDescriptor = log.descriptor
    }
    let client = try Client(hub)
    hub.disk.hold()
    try client.send(#"{"action":"put","key":"k","item":{"content":"x"},"request_id":"1"}"#)
    try client.send(#"{"action":"list_keys","request_id":"2"}"#)
    try client.send(#"{"action":"get","key":"k","request_id":"3"}"#)
    hub.disk.waitUntilHeld()
    hub.disk.letGo()
    for id in 1...3 { #expect(try client.receive().requestID == "\(id)") }
    hub.stop()
    #expect(try log.objects().compactMap { $0["request_id"] as? String } == ["1", "2", "3"])
  }
}
