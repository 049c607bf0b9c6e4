/// How long a client may take, over a channel whose clock the test sets.
import EdgeLimits
import Glibc
import HTTPTypes
import NIOCore
import NIOEmbedded
import NIOHTTPTypes
import Testing

@testable import GRPCEdge
@testable import HTTPEdge

@Suite struct PatienceTests {
  private let table = ConnectionTable(max: 10)

  private func open(_ make: @Sendable () -> any ChannelHandler) throws -> EmbeddedChannel {
    let channel = EmbeddedChannel()
    try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
    try channel.pipeline.syncOperations.addHandler(make())
    return channel
  }

  @Test(
    "A gRPC connection has ten seconds for its greeting, however many bytes of it come when", arguments: [0, 1, 32, 33])
  func greeting(bytes: Int) throws {
    let channel = try open { [table] in GreetingWatch(table) }
    for _ in 0..<bytes {
      try channel.writeInbound(ByteBuffer(bytes: [1]))
      channel.embeddedEventLoop.advanceTime(by: .milliseconds(250))
    }
    channel.embeddedEventLoop.advanceTime(by: .milliseconds(9_999) - .milliseconds(250) * bytes)
    #expect(channel.isActive)
    channel.embeddedEventLoop.advanceTime(by: .hours(1))
    #expect(channel.isActive == (bytes == 33))
    #expect(table.timedOut == (bytes == 33 ? 0 : 1))
    // What has come was passed on.
    for _ in 0..<bytes { #expect(try channel.readInbound(as: ByteBuffer.self)?.readableBytes == 1) }
  }

  private static func head(_ method: HTTPRequest.Method) -> HTTPRequestPart {
    .head(HTTPRequest(method: method, scheme: "http", authority: "h", path: "/livez"))
  }

  @Test("An HTTP connection has ten seconds for its first request, and is open for thirty between two")
  func http() throws {
    let channel = try open { [table] in RequestWatch(table) }
    #expect(table.open == 1)
    channel.embeddedEventLoop.advanceTime(by: .milliseconds(9_999))
    for _ in 0..<2 {
      try channel.writeInbound(Self.head(.get))
      try channel.writeInbound(HTTPRequestPart.end(nil))
      channel.embeddedEventLoop.advanceTime(by: .seconds(29))
      try channel.writeOutbound(HTTPResponsePart.head(HTTPResponse(status: .ok)))
      try channel.writeOutbound(HTTPResponsePart.end(nil))
      channel.embeddedEventLoop.advanceTime(by: .seconds(29))
      #expect(channel.isActive)
    }
    channel.embeddedEventLoop.advanceTime(by: .seconds(1))
    #expect(!channel.isActive && table.open == 0 && table.timedOut == 0)
  }

  @Test("A body that comes slowly, and one that is large, end the connection")
  func body() throws {
    let slow = try open { [table] in RequestWatch(table) }
    try slow.writeInbound(Self.head(.post))
    for _ in 0..<9 {
      slow.embeddedEventLoop.advanceTime(by: .seconds(1))
      try slow.writeInbound(HTTPRequestPart.body(ByteBuffer(bytes: [1])))
    }
    #expect(slow.isActive)
    slow.embeddedEventLoop.advanceTime(by: .seconds(1))
    #expect(!slow.isActive && table.timedOut == 1)
    let large = try open { [table] in RequestWatch(table) }
    try large.writeInbound(Self.head(.post))
    try large.writeInbound(HTTPRequestPart.body(ByteBuffer(repeating: 1, count: 64 << 10)))
    #expect(large.isActive)
    try large.writeInbound(HTTPRequestPart.body(ByteBuffer(bytes: [1])))
    #expect(!large.isActive)
  }

  @Test("A listener that can not accept a connection goes on")
  func acceptErrors() throws {
    let channel = try open { AcceptErrors() }
    channel.pipeline.fireErrorCaught(IOError(errnoCode: EMFILE, reason: "accept"))
    try channel.throwIfErrorCaught()
    channel.embeddedEventLoop.advanceTime(by: .milliseconds(100))
    #expect(channel.isActive)
  }

  @Test("A response that is not taken ends the connection after thirty seconds")
  func response() throws {
    let channel = try open { [table] in RequestWatch(table) }
    try channel.writeInbound(Self.head(.get))
    try channel.writeInbound(HTTPRequestPart.end(nil))
    channel.embeddedEventLoop.advanceTime(by: .seconds(30))
    #expect(!channel.isActive && table.timedOut == 1)
  }
}
