/// A disk that breaks, and a stop under load.
import Foundation
import Logging
import Testing
import Threads
import ZeroMQ

@Suite("Failure and stop", .timeLimit(.minutes(10)))
struct FailureTests {
  private let item = #""item":{"content":"x"}"#

  @Test("When an fsync fails, writes get storage_error, reads go on, and health is unhealthy")
  func poisoned() throws {
    let log = try LogFile()
    let hub = try HubFixture {
      $0.logLevel = .warning
      $0.logDescriptor = log.descriptor
    }
    let (client, other) = (try Client(hub), try Client(hub))
    try client.put("k", "kept")
    hub.disk.breakDown()
    // Under way when it happens, with all that depends on it.
    try client.send(#"{"action":"put","key":"k",\#(item),"request_id":"1"}"#)
    try client.send(#"{"action":"get","key":"k","request_id":"2"}"#)
    try client.send(#"{"action":"checksum","request_id":"3"}"#)
    #expect(try client.receive().code == "storage_error")
    let dependent = try client.receive()
    #expect(dependent.requestID == "2" && (dependent.code == "storage_error" || dependent.isSuccess))
    #expect(try client.receive().requestID == "3")
    for writer in [client, other] {
      for request in [
        #"{"action":"put","key":"n",\#(item)}"#, #"{"action":"delete","key":"k"}"#,
        #"{"action":"batch","operations":[{"op":"put","key":"n",\#(item)}]}"#,
      ] {
        let reply = try writer.ask(request)
        #expect(reply.code == "storage_error", "\(reply.text)")
      }
      let read = try writer.ask(#"{"action":"get","key":"k"}"#)
      #expect((read.result["item"] as? [String: Any])?["content"] as? String == "kept", "\(read.text)")
      #expect(try writer.ask(#"{"action":"list_keys"}"#).result["keys"] as? [String] == ["k"])
      #expect(try writer.ask(#"{"action":"checksum"}"#).result["revision"] as? Int == 1)
      let health = try writer.ask(#"{"action":"health"}"#).result
      #expect(health["status"] as? String == "unhealthy")
    }
    #expect(hub.stop() != nil, "a stop can not promise that all is durable")
    #expect(try log.lines().filter { $0.contains("writes are refused") }.count == 1)
  }

  @Test("A stop answers what was accepted, and the store is closed in good order")
  func stop() throws {
    let directory = NSTemporaryDirectory() + "/mfh-server-tests-" + UUID().uuidString
    defer { try? FileManager.default.removeItem(atPath: directory) }
    do {
      let hub = try HubFixture { $0.directory = directory }
      let (client, other) = (try Client(hub), try Client(hub))
      hub.disk.hold()
      for id in 0..<2_000 { try client.send(#"{"action":"put","key":"\#(id)",\#(item),"request_id":"\#(id)"}"#) }
      try client.send(#"{"action":"checksum","request_id":"2000"}"#)
      try client.send(#"{"action":"put","key":"parked",\#(item),"request_id":"2001"}"#)
      try other.send(#"{"action":"get","key":"k","min_revision":9000,"wait_ms":30000}"#)
      let watcher = try Client(hub)
      try poll("all have come") { try watcher.requestCount("put") == 2_000 }
      hub.askToStop()
      hub.disk.letGo()
      for id in 0..<2_002 {
        let reply = try client.receive()
        try #require(reply.requestID == "\(id)" && reply.isSuccess, "\(id): \(reply.text)")
      }
      #expect(try other.receive().code == "lagging")
      #expect(hub.stop() == nil)
    }
    let again = try HubFixture { $0.directory = directory }
    let sum = try Client(again).ask(#"{"action":"checksum"}"#)
    #expect(sum.result["revision"] as? Int == 2_001)
  }

  @Test("A stop under load ends, however busy the clients are, and no acknowledged write is lost")
  func stopUnderLoad() throws {
    let directory = NSTemporaryDirectory() + "/mfh-server-tests-" + UUID().uuidString
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let acknowledged = Monitor([String]())
    let hub = try HubFixture { $0.directory = directory }
    let (endpoint, context) = (hub.endpoint, hub.context)
    let threads = (0..<4).map { number in
      NamedThread("test-load") { [item] in
        do {
          let client = try Client(endpoint, context) { try $0.set(.receiveTimeout, 1_500) }
          for id in 0... {
            let key = "\(number)-\(id)"
            let reply = try client.ask(#"{"action":"put","key":"\#(key)",\#(item)}"#)
            guard reply.isSuccess else {
              #expect(reply.code == "shutting_down", "\(reply.text)")
              continue
            }
            acknowledged.with(waking: true) { $0.append(key) }
          }
        } catch {
          #expect(error is NoReply, "\(error)")
        }
      }
    }
    _ = acknowledged.wait { $0.count > 200 ? true : nil }
    let start = ContinuousClock.now
    #expect(hub.stop() == nil)
    #expect(ContinuousClock.now - start < .seconds(15))
    for thread in threads { thread.join() }
    let again = try HubFixture { $0.directory = directory }
    let client = try Client(again)
    for key in acknowledged.with({ $0 }) { try client.send(#"{"action":"exists","key":"\#(key)"}"#) }
    for key in acknowledged.with({ $0 }) {
      #expect(try client.receive().result["exists"] as? Bool == true, "\(key)")
    }
  }
}
