/// Clients that vanish, and clients that never read: the others must not notice.
import Foundation
import Glibc
import Hub
import Testing
import ZeroMQ

@Suite("Hostile clients", .timeLimit(.minutes(10)))
struct HostileClientTests {
  @Test("A client that vanishes while its write is under way: the write is done, its reply dropped and counted")
  func vanishing() throws {
    let hub = try HubFixture()
    let other = try Client(hub)
    hub.disk.hold()
    do {
      let client = try Client(hub)
      try client.send(#"{"action":"put","key":"k","item":{"content":"x"}}"#)
      try poll("the write has come") { try other.requestCount("put") == 1 }
    }
    // The socket is closed; the hub hears of that after the write, or before: the reply may still leave.
    usleep(50_000)
    hub.disk.letGo()
    try poll("the write is done") { try other.ask(#"{"action":"exists","key":"k"}"#).result["exists"] as? Bool == true }
    #expect(try other.requestCount("replies_dropped") <= 1)
  }

  @Test("Connections that break in the middle of a greeting, a frame or a message leave nothing behind")
  func broken() throws {
    let hub = try HubFixture()
    let port = try #require(UInt16(hub.endpoint.split(separator: ":").last ?? ""))
    let greeting: [UInt8] =
      [0xFF] + [UInt8](repeating: 0, count: 8) + [0x7F, 3, 0] + Array("NULL".utf8) + [UInt8](repeating: 0, count: 48)
    let ready: [UInt8] =
      [4, 26, 5] + Array("READY".utf8) + [11] + Array("Socket-Type".utf8) + [0, 0, 0, 3] + Array("REQ".utf8)
    let message: [UInt8] = [1, 0, 0, 50] + Array(#"{"action":"put","key":"k","item":{"cont"#.utf8)
    let whole = greeting + ready + message
    for cut in [0, 1, 9, 10, 32, 64, 65, 70, 92, 93, 94, 95, 96, 100, whole.count] {
      try HostileClientTests.connect(port, sending: Array(whole.prefix(cut)))
    }
    try HostileClientTests.connect(port, sending: Array("GET / HTTP/1.1\r\nHost: x\r\n\r\n".utf8))
    try HostileClientTests.connect(port, sending: [UInt8](repeating: 0xA5, count: 100_000))
    let client = try Client(hub)
    #expect(try client.ask(#"{"action":"list_keys"}"#).result["count"] as? Int == 0)
    #expect(try client.requestCount("put") == 0)
  }

  private static func connect(_ port: UInt16, sending bytes: [UInt8]) throws {
    let descriptor = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    try #require(descriptor >= 0)
    defer { close(descriptor) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    let connected = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    try #require(connected == 0)
    // The hub may close first; then the rest is not wanted.
    _ = bytes.withUnsafeBytes { Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
    usleep(2_000)
  }

  @Test("A client that asks and never reads loses replies, counted in stats; others are answered all the while")
  func neverReads() throws {
    let hub = try HubFixture { $0.limits.inFlightPerConnection = 256 }
    let other = try Client(hub)
    try other.put("k", String(repeating: "x", count: 3_000))
    let deaf = try Client(hub) { try $0.set(.receiveHighWater, 1) }
    var sent = 0
    try poll("replies are dropped") {
      for _ in 0..<500 { try deaf.send(#"{"action":"get","key":"k"}"#) }
      sent += 500
      #expect(try other.ask(#"{"action":"ping"}"#).isSuccess)
      return try other.requestCount("replies_dropped") > 0
    }
    #expect(sent > 1_000, "what a client may have in flight is not dropped")
    let health = try other.ask(#"{"action":"health"}"#).result["metrics"] as? [String: Any]
    #expect((health?["replies_dropped_total"] as? Int ?? 0) > 0)
  }

  @Test("A client that asks for large replies and does not read is refused more; when it reads, all is well again")
  func largeReplies() throws {
    let hub = try HubFixture()
    let other = try Client(hub)
    try other.put("k", String(repeating: "x", count: 1_000_000))
    let slow = try Client(hub) { try $0.set(.receiveHighWater, 1) }
    let count = 150
    for _ in 0..<count { try slow.send(#"{"action":"get","key":"k"}"#) }
    try poll("it is refused") { try other.requestCount("error_overloaded") > 0 }
    // Another client gets large replies as before.
    #expect(try other.ask(#"{"action":"get","key":"k"}"#).result["revision"] as? Int == 1)
    var refused = 0
    for _ in 0..<count {
      let reply = try slow.receive()
      if reply.code == "overloaded" { refused += 1 } else { #expect(reply.isSuccess) }
    }
    #expect(refused > 0 && refused < count - 60)
    #expect(try slow.ask(#"{"action":"get","key":"k"}"#).isSuccess)
  }
}
