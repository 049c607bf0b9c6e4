/// One connection of a client during one life of the hub: requests under way, and their replies in order.
import Bytes
import Foundation
import HistoryChecker
import ZeroMQ

/// A request and what is known of it so far.
struct Attempt {
  let request: Request
  let id: String
  /// With one, the request may be repeated.
  let agent: String?
  /// When it was sent for the first time.
  var invoked: Int64
  /// When it was sent this time.
  var sent: Int64
  /// nil once it was sent over more than one connection.
  var session: Int?
  /// The hub's life in which it was sent on a connection that was given up while the hub lived on: until the end of
  /// that life it may still arrive.
  var adriftLife: Int?
}

final class Connection {
  let session: Int
  private let socket: Socket
  private(set) var underWay: [Attempt] = []
  /// When it was found out that nobody is there any more.
  private(set) var brokenSince: Int64?

  init(to address: String, in context: Context, session: Int) throws {
    self.session = session
    socket = try Socket(.dealer, in: context)
    try socket.set(.linger, 0)
    // It belongs to one life of the hub: what was sent to that one must not reach the next.
    try socket.set(.reconnectInterval, -1)
    try socket.connect(address)
  }

  var pollable: Socket { socket }

  /// Returns false when the hub is not there any more: then nothing was sent, and nothing will be.
  func send(_ attempt: Attempt) throws -> Bool {
    guard brokenSince == nil, try socket.send(RawSpan(), more: true) == .sent else {
      brokenSince = brokenSince ?? nanoseconds()
      return false
    }
    let text = Array(attempt.request.text(id: attempt.id, agent: attempt.agent).utf8)
    _ = try socket.send(text.span.bytes, more: false)
    underWay.append(attempt)
    return true
  }

  /// The next reply and its request, if one has come.
  func receive() throws -> (Attempt, Reply)? {
    var buffer = ByteBuffer(capacity: 4_096)
    guard case .frame(let more) = try socket.receive(into: &buffer) else { return nil }
    guard more, buffer.count == 0, case .frame(more: false) = try socket.receive(into: &buffer), !underWay.isEmpty
    else {
      throw Reply.Strange(description: "a reply that is not an empty frame and a body, or that nobody asked for")
    }
    let reply = try Reply(Connection.array(buffer))
    let attempt = underWay.removeFirst()
    guard reply.requestID == attempt.id else {
      throw Reply.Strange(description: "a reply to \(reply.requestID), when it was the turn of \(attempt.id)")
    }
    return (attempt, reply)
  }

  private static func array(_ buffer: borrowing ByteBuffer) -> [UInt8] { buffer.bytes.array() }
}
