/// A client as agents have one: a socket that sends JSON and takes replies apart. It never waits longer than a fixed
/// time for a reply.
import Bytes
import Foundation
import Testing
import ZeroMQ

final class Client {
  let socket: Socket

  convenience init(
    _ fixture: HubFixture, _ kind: Socket.Kind = .dealer, prepare: (Socket) throws -> Void = { _ in }
  ) throws {
    try self.init(fixture.endpoint, fixture.context, kind, prepare: prepare)
  }

  init(
    _ endpoint: String, _ context: Context, _ kind: Socket.Kind = .dealer,
    prepare: (Socket) throws -> Void = { _ in }
  ) throws {
    socket = try Socket(kind, in: context)
    try socket.set(.receiveTimeout, 20_000)
    try socket.set(.sendTimeout, 20_000)
    try socket.set(.sendHighWater, 0)
    try socket.set(.receiveHighWater, 0)
    try prepare(socket)
    try socket.connect(endpoint)
  }

  func send(frames: [[UInt8]]) throws {
    for (index, frame) in frames.enumerated() {
      let sent = try socket.send(frame.span.bytes, more: index < frames.count - 1, waiting: true)
      try #require(sent == .sent)
    }
  }

  func send(_ text: String) throws { try send(frames: [[], Array(text.utf8)]) }

  func receiveFrames() throws -> [[UInt8]] { try Client.receiveFrames(of: socket) }

  static func receiveFrames(of socket: Socket) throws -> [[UInt8]] {
    var frames: [[UInt8]] = []
    var buffer = ByteBuffer()
    while true {
      buffer.removeAll()
      guard case .frame(let more) = try socket.receive(into: &buffer, waiting: true) else {
        throw NoReply(framesBefore: frames.count)
      }
      frames.append(Client.array(buffer))
      if !more { return frames }
    }
  }

  fileprivate static func array(_ buffer: borrowing ByteBuffer) -> [UInt8] { buffer.bytes.array() }

  func receive() throws -> Reply {
    let frames = try receiveFrames()
    try #require(frames.count == 2 && frames[0].isEmpty, "a reply is an empty frame and a body")
    return Reply(frames[1])
  }

  func ask(_ text: String) throws -> Reply {
    try send(text)
    return try receive()
  }

  func ask(_ body: [UInt8]) throws -> Reply {
    try send(frames: [[], body])
    return try receive()
  }

  /// Puts a memory and gives its revision.
  @discardableResult
  func put(_ key: String, _ content: String = "x") throws -> Int {
    let reply = try ask(#"{"action":"put","key":"\#(key)","item":{"content":"\#(content)"}}"#)
    return try #require(reply.result["revision"] as? Int, "\(reply.text)")
  }

  /// One of the counters of `stats`.
  func requestCount(_ name: String) throws -> Int {
    let requests = try #require(try ask(#"{"action":"stats"}"#).result["requests"] as? [String: Any])
    return requests[name] as? Int ?? 0
  }
}

struct NoReply: Error {
  let framesBefore: Int
}

struct Reply {
  let text: String
  let object: [String: Any]

  init(_ bytes: [UInt8]) {
    text = String(decoding: bytes, as: UTF8.self)
    object = (try? JSONSerialization.jsonObject(with: Data(bytes))) as? [String: Any] ?? [:]
  }

  var isSuccess: Bool { object["success"] as? Bool == true }
  var code: String? { object["code"] as? String }
  var error: String { object["error"] as? String ?? "" }
  var result: [String: Any] { object["result"] as? [String: Any] ?? [:] }
  var requestID: String? { object["request_id"] as? String }

  /// The text with every time replaced by `T`.
  var timeless: String {
    text.replacing(/"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z"/, with: #""T""#)
  }
}

/// A proxy between clients and the hub, as `zmq_proxy` is one: a router in front, a dealer behind.
final class ProxyHop {
  let front: Socket
  let back: Socket
  let endpoint: String

  init(to target: String, in context: Context) throws {
    front = try Socket(.router, in: context)
    back = try Socket(.dealer, in: context)
    for socket in [front, back] { try socket.set(.receiveTimeout, 10_000) }
    endpoint = try front.bind("tcp://127.0.0.1:*")
    try back.connect(target)
  }

  func carryRequest() throws { try ProxyHop.carry(from: front, to: back) }
  func carryReply() throws { try ProxyHop.carry(from: back, to: front) }

  private static func carry(from: Socket, to: Socket) throws {
    var more = true
    while more {
      var buffer = ByteBuffer()
      guard case .frame(let isMore) = try from.receive(into: &buffer, waiting: true) else {
        throw NoReply(framesBefore: 0)
      }
      more = isMore
      try send(buffer, to, more)
    }
  }

  private static func send(_ buffer: borrowing ByteBuffer, _ to: Socket, _ more: Bool) throws {
    _ = try to.send(buffer.bytes, more: more, waiting: true)
  }
}
