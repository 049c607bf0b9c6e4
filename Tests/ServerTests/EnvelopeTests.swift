/// Envelopes: what comes before the body, and that the reply bears the same. CONTRACT: section 2.
import Foundation
import Testing
import Bytes
import ZeroMQ

@Suite("Envelopes", .timeLimit(.minutes(10)))
struct EnvelopeTests {
  let hub: HubFixture
  let ping = Array(#"{"action":"ping"}"#.utf8)

  init() throws { hub = try HubFixture() }

  private func isPong(_ frame: [UInt8]?) -> Bool { frame.map { Reply($0).isSuccess } ?? false }

  @Test("A REQ socket is answered")
  func request() throws {
    let client = try Client(hub, .request)
    for _ in 0..<3 {
      try client.send(frames: [ping])
      let reply = try client.receiveFrames()
      #expect(reply.count == 1 && isPong(reply.last))
    }
  }

  @Test("A body without an envelope is answered without one")
  func none() throws {
    let client = try Client(hub)
    try client.send(frames: [ping])
    let reply = try client.receiveFrames()
    #expect(reply.count == 1 && isPong(reply.last))
  }

  @Test("An envelope has up to 8 frames, the address among them, and comes back frame by frame")
  func lengths() throws {
    let client = try Client(hub)
    for count in 0...6 {
      let envelope = (0..<count).map { [UInt8](repeating: UInt8($0 + 1), count: $0 * 100 + 1) } + [[]]
      try client.send(frames: envelope + [ping])
      let reply = try client.receiveFrames()
      #expect(reply.dropLast() == envelope[...] && isPong(reply.last), "\(count) frames")
    }
  }

  @Test("More than 8 frames before the empty one, and no empty one at all, are refused to the sender's address")
  func tooLong() throws {
    let client = try Client(hub)
    for frames in [
      [[UInt8]](repeating: [1], count: 8) + [[], ping], [[1], [2], ping], [ping, ping],
      [[UInt8]](repeating: ping, count: 1_000), [[UInt8]](repeating: [UInt8](repeating: 7, count: 50_000), count: 100),
    ] {
      try client.send(frames: frames)
      let reply = try client.receiveFrames()
      let body = Reply(try #require(reply.last))
      #expect(reply.count == 1 && body.code == "invalid_request" && body.error.contains("frames"), "\(body.text)")
    }
    try client.send(frames: [[], ping])
    #expect(isPong(try client.receiveFrames().last))
  }

  @Test("No body, and frames behind the body, are invalid_request; a body of no bytes is invalid_json")
  func bodies() throws {
    let client = try Client(hub)
    for frames: [[UInt8]] in [
      [[]], [[], ping, ping], [[], ping, []], [[], []] + [[UInt8]](repeating: [], count: 1_000),
    ] {
      try client.send(frames: frames)
      let reply = try client.receive()
      #expect(reply.code == "invalid_request" && reply.error.contains("body"), "\(reply.text)")
    }
    try client.send(frames: [[], []])
    #expect(try client.receive().code == "invalid_json")
  }

  @Test("Through three proxies, each reply finds the client that asked")
  func proxies() throws {
    let inner = try ProxyHop(to: hub.endpoint, in: hub.context)
    let middle = try ProxyHop(to: inner.endpoint, in: hub.context)
    let outer = try ProxyHop(to: middle.endpoint, in: hub.context)
    let clients = try (0..<3).map { _ in try Socket(.request, in: hub.context) }
    for (number, client) in clients.enumerated() {
      try client.set(.receiveTimeout, 10_000)
      try client.connect(outer.endpoint)
      let request = Array(
        #"{"action":"put","key":"\#(number)","item":{"content":"x"},"request_id":"r\#(number)"}"#.utf8)
      #expect(try client.send(request.span.bytes, more: false, waiting: true) == .sent)
    }
    for _ in clients { for hop in [outer, middle, inner] { try hop.carryRequest() } }
    for _ in clients { for hop in [inner, middle, outer] { try hop.carryReply() } }
    for (number, client) in clients.enumerated() {
      let reply = Reply(try Client.receiveFrames(of: client).last ?? [])
      #expect(reply.isSuccess && reply.requestID == "r\(number)", "\(reply.text)")
    }
  }

  @Test("Envelopes whose frames run together the same are different envelopes")
  func borders() throws {
    let client = try Client(hub)
    hub.disk.hold()
    let put = Array(#"{"action":"put","key":"k","item":{"content":"x"}}"#.utf8)
    let envelopes: [[[UInt8]]] = [[[1, 2], [3], []], [[1], [2, 3], []], [[1, 2, 3], []]]
    for envelope in envelopes { try client.send(frames: envelope + [put]) }
    hub.disk.waitUntilHeld()
    hub.disk.letGo()
    var found: Set<[[UInt8]]> = []
    for _ in envelopes { found.insert(Array(try client.receiveFrames().dropLast())) }
    #expect(found == Set(envelopes))
  }
}
