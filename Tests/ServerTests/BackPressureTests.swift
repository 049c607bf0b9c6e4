/// What waits between a client and the loop: a flood is held back where it comes from.
import Hub
import Testing
import ZeroMQ

@testable import Server

@Suite("Back pressure", .timeLimit(.minutes(10)))
struct BackPressureTests {
  /// Messages so large that the kernel's buffers hold few of them.
  private static let messageBytes = 16 << 10
  /// What libzmq keeps for each connection unless it is told otherwise.
  private static let messagesByDefault = 1_000

  @Test("A client that is not listened to is held back after some requests, none of which is lost or overtaken")
  func holdsBack() throws {
    let context = try Context()
    let listener = try Listener.socket(in: context, limits: HubLimits())
    try listener.set(.receiveTimeout, 20_000)
    let client = try Client(try Listener.bind(listener, host: "127.0.0.1", port: 0), context) {
      try $0.set(.sendHighWater, 1)
      // Long enough for whatever is on its way to arrive.
      try $0.set(.sendTimeout, 500)
    }
    var sent = 0
    while sent < 2 * BackPressureTests.messagesByDefault, try send(sent, client) { sent += 1 }
    #expect(sent < BackPressureTests.messagesByDefault)
    for number in 0..<sent {
      let frames = try Client.receiveFrames(of: listener)
      try #require(frames.count == 2 && frames[1][0] == UInt8(truncatingIfNeeded: number))
    }
    #expect(try send(sent, client), "it is listened to again")
  }

  private func send(_ number: Int, _ client: Client) throws -> Bool {
    var message = [UInt8](repeating: 0, count: BackPressureTests.messageBytes)
    message[0] = UInt8(truncatingIfNeeded: number)
    return try client.socket.send(message.span.bytes, more: false, waiting: true) == .sent
  }
}
