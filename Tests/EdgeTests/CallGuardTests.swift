/// When a call is refused before the library has seen all of it, what the client is told, and that nothing stays counted.
import EdgeLimits
import NIOCore
import NIOEmbedded
import NIOHPACK
import NIOHTTP2
import Testing

@testable import GRPCEdge

@Suite struct CallGuardTests {
  typealias Payload = HTTP2Frame.FramePayload

  private let table = ConnectionTable(max: 10)
  private let budget = RequestBudget(callsMax: 2, bytesMax: 100 << 10, connectionBytesMax: 60 << 10)
  private let connection = EmbeddedChannel()

  private func stream(of connection: EmbeddedChannel? = nil) throws -> EmbeddedChannel {
    let id = ObjectIdentifier(connection ?? self.connection)
    let channel = EmbeddedChannel()
    try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
    try channel.pipeline.syncOperations.addHandler(CallGuard(budget, table, connection: id))
    return channel
  }

  private static let head = Payload.headers(.init(headers: [":path": "/x/y"]))

  private static func data(_ count: Int, isLast: Bool = false) -> Payload {
    .data(.init(data: .byteBuffer(ByteBuffer(repeating: 1, count: count)), endStream: isLast))
  }

  /// What the client is told, and whether the stream is reset behind it.
  private func refusal(_ channel: EmbeddedChannel) throws -> HPACKHeaders? {
    guard case .headers(let headers)? = try channel.readOutbound(as: Payload.self) else { return nil }
    #expect(headers.endStream)
    guard case .rstStream(.noError)? = try channel.readOutbound(as: Payload.self) else { return nil }
    return headers.headers
  }

  @Test("A request that is complete in time is passed on as it came, and holds nothing when its stream has ended")
  func whole() throws {
    let channel = try stream()
    let parts = [Self.head, Self.data(10 << 10), Self.data(20 << 10, isLast: true)]
    for part in parts { try channel.writeInbound(part) }
    for _ in parts { #expect(try channel.readInbound(as: Payload.self) != nil) }
    #expect(budget.bytes == (30 << 10) - RequestBudget.freeBytes && budget.calls == 1)
    channel.embeddedEventLoop.advanceTime(by: .hours(1))
    #expect(channel.isActive)
    _ = try channel.finish()
    #expect(budget.bytes == 0 && budget.calls == 0 && budget.refused == 0)
  }

  @Test("What is too much for a connection is refused as overloaded, with a time to try again, and holds nothing more")
  func tooMuch() throws {
    let other = EmbeddedChannel()
    let (first, second, elsewhere) = (try stream(), try stream(), try stream(of: other))
    try first.writeInbound(Self.head)
    try first.writeInbound(Self.data(40 << 10))
    try second.writeInbound(Self.head)
    try second.writeInbound(Self.data(40 << 10))
    let told = try #require(try refusal(second))
    #expect(told["grpc-status"] == ["8"] && told["mfh-code"] == ["overloaded"] && told[":status"] == ["200"])
    #expect(told["mfh-retry-after-ms"] == ["50"] && told["grpc-retry-pushback-ms"] == ["50"])
    second.embeddedEventLoop.run()
    #expect(!second.isActive && first.isActive)
    #expect(budget.calls == 1 && budget.bytes == (40 << 10) - RequestBudget.freeBytes)
    try elsewhere.writeInbound(Self.head)
    try elsewhere.writeInbound(Self.data(40 << 10, isLast: true))
    #expect(elsewhere.isActive)
    _ = try? first.finish()
    _ = try? elsewhere.finish()
    _ = try? other.finish()
    #expect(budget.bytes == 0 && budget.calls == 0)
  }

  @Test("More calls than there may be are refused before the library hears of them")
  func tooMany() throws {
    let streams = try (0..<3).map { _ in try stream() }
    for stream in streams { try stream.writeInbound(Self.head) }
    #expect(try refusal(streams[2])?["mfh-code"] == ["overloaded"])
    #expect(try streams[2].readInbound(as: Payload.self) == nil)
    streams[2].embeddedEventLoop.run()
    #expect(budget.calls == 2 && budget.refused == 1)
  }

  @Test("A request that does not come to its end in a minute is refused")
  func slow() throws {
    let channel = try stream()
    try channel.writeInbound(Self.head)
    channel.embeddedEventLoop.advanceTime(by: .milliseconds(59_999))
    try channel.writeInbound(Self.data(1))
    #expect(channel.isActive)
    channel.embeddedEventLoop.advanceTime(by: .milliseconds(1))
    #expect(try refusal(channel)?["grpc-message"] == ["the request has not come within 60 s"])
    channel.embeddedEventLoop.run()
    #expect(!channel.isActive && budget.calls == 0)
  }

  @Test("Of a call that was answered already only the stream is reset")
  func answered() throws {
    let channel = try stream()
    try channel.writeInbound(Self.head)
    try channel.writeOutbound(Payload.headers(.init(headers: [":status": "200"], endStream: true)))
    _ = try channel.readOutbound(as: Payload.self)
    channel.embeddedEventLoop.advanceTime(by: .minutes(1))
    guard case .rstStream? = try channel.readOutbound(as: Payload.self) else {
      Issue.record("no reset")
      return
    }
    #expect(!channel.isActive)
  }
}
