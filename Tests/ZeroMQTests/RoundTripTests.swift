/// Messages arrive as they were sent, whatever their frames look like.
import Bytes
import Testing
import ZeroMQ

@Suite(.timeLimit(.minutes(10)))
struct RoundTripTests {
  let context: Context

  init() throws { context = try Context() }

  @Test("A request socket and a router exchange a request and its reply")
  func requestReply() throws {
    let pair = try SocketPair(.request, in: context)
    try pair.client.send([Array("ask".utf8)])
    let request = try pair.router.receiveMessage()
    #expect(request.count == 3)
    #expect(request[1] == [])
    #expect(request[2] == Array("ask".utf8))
    try pair.router.send([request[0], [], Array("answer".utf8)])
    #expect(try pair.client.receiveMessage() == [Array("answer".utf8)])
  }

  @Test("A dealer's requests are answered in their order, with many in flight")
  func dealerInFlight() throws {
    let pair = try SocketPair(.dealer, in: context)
    for number in 0..<500 { try pair.client.send([[], Array("\(number)".utf8)]) }
    for _ in 0..<500 { try pair.router.send(pair.router.receiveMessage()) }
    for number in 0..<500 { #expect(try pair.client.receiveMessage() == [[], Array("\(number)".utf8)]) }
  }

  @Test("Frames of every size around the sizes that libzmq treats differently arrive whole")
  func frameSizes() throws {
    let pair = try SocketPair(.dealer, in: context)
    for size in [0, 1, 32, 33, 34, 255, 256, 8_191, 8_192, 8_193, 65_535, 65_536, 65_537, 3_000_000] {
      try pair.client.send([patterned(size)])
      let message = try pair.router.receiveMessage()
      #expect(message.count == 2)
      #expect(message[1] == patterned(size), "\(size) bytes")
    }
  }

  @Test("A message of a thousand frames keeps all of them, in order, empty ones too")
  func thousandFrames() throws {
    let pair = try SocketPair(.dealer, in: context)
    let frames = (0..<1_000).map { patterned($0 % 3 == 0 ? 0 : $0) }
    try pair.client.send(frames)
    #expect(try Array(pair.router.receiveMessage().dropFirst()) == frames)
  }

  @Test("Frames are appended to what the buffer holds already")
  func appending() throws {
    let pair = try SocketPair(.dealer, in: context)
    try pair.client.send([[1, 2], [], [3]])
    var buffer = buffer([9])
    _ = try pair.router.receive(into: &buffer, waiting: true)
    buffer.truncate(to: 1)
    #expect(try pair.router.receive(into: &buffer) == .frame(more: true))
    #expect(try pair.router.receive(into: &buffer) == .frame(more: true))
    #expect(try pair.router.receive(into: &buffer) == .frame(more: false))
    #expect(bytes(of: buffer) == [9, 1, 2, 3])
  }

  @Test("A router knows a peer by the name that the peer gave itself")
  func routingID() throws {
    let pair = try SocketPair(.dealer, in: context) { try $0.setRoutingID("peer-7") }
    try pair.client.send([[5]])
    #expect(try pair.router.receiveMessage() == [Array("peer-7".utf8), [5]])
  }

  @Test("A pair of sockets within the process talk to each other")
  func inProcess() throws {
    let left = try Socket(.pair, in: context)
    let right = try Socket(.pair, in: context)
    for socket in [left, right] { try socket.set(.receiveTimeout, 5_000) }
    #expect(try left.bind("inproc://pair") == "inproc://pair")
    try right.connect("inproc://pair")
    try left.send([[1], [2]])
    #expect(try right.receiveMessage() == [[1], [2]])
  }
}
