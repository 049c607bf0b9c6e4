/// What can not be sent or received now is a value; what can never work is an error that names the call.
import Bytes
import Glibc
import Synchronization
import Testing
import Threads
import ZeroMQ

@Suite(.timeLimit(.minutes(10)))
struct RefusalTests {
  let context: Context

  init() throws { context = try Context() }

  @Test("Receiving when nothing is there would block, and appends nothing")
  func nothingThere() throws {
    let pair = try SocketPair(.dealer, in: context)
    var buffer = buffer([7])
    #expect(try pair.router.receive(into: &buffer) == .wouldBlock)
    #expect(bytes(of: buffer) == [7])
  }

  @Test("Waiting for a frame ends with the receive timeout")
  func receiveTimeout() throws {
    let pair = try SocketPair(.dealer, in: context)
    try pair.router.set(.receiveTimeout, 20)
    var buffer = ByteBuffer()
    let start = ContinuousClock.now
    #expect(try pair.router.receive(into: &buffer, waiting: true) == .wouldBlock)
    #expect(ContinuousClock.now - start >= .milliseconds(15))
  }

  @Test("A mandatory router refuses a peer that it does not know")
  func unreachable() throws {
    let pair = try SocketPair(.dealer, in: context)
    let stranger = Array("stranger".utf8)
    #expect(try pair.router.send(stranger.span.bytes, more: true) == .unreachable)
  }

  @Test("A mandatory router does not lose what a slow client has no room for, but says so")
  func slowClient() throws {
    let pair = try SocketPair(.dealer, in: context) {
      try $0.set(.sendHighWater, 10)
      try $0.set(.receiveHighWater, 10)
    }
    try pair.client.send([[1]])
    let name = try pair.router.receiveMessage()[0]
    let body = patterned(1 << 20)
    var sent = 0
    while try pair.router.send(name.span.bytes, more: true) == .sent {
      #expect(try pair.router.send(body.span.bytes, more: false) == .sent)
      sent += 1
      try #require(sent < 10_000, "a client that does not read must run out of room")
    }
    #expect(sent >= 10)
    for _ in 0..<sent { #expect(try pair.client.receiveMessage() == [body]) }
  }

  @Test("An interrupting signal does not end a wait for a frame")
  func interrupted() throws {
    var action = sigaction()
    action.__sigaction_handler.sa_handler = { _ in }
    sigaction(SIGUSR2, &action, nil)
    let pair = try SocketPair(.dealer, in: context)
    let receiver = Receiver(thread: pthread_self())
    let hasSignalled = Flag()
    let (endpoint, context) = (pair.endpoint, context)
    let thread = NamedThread("test-signals") {
      for _ in 0..<20 {
        pthread_kill(receiver.thread, SIGUSR2)
        usleep(2_000)
      }
      hasSignalled.value.store(true, ordering: .releasing)
      guard let sender = try? Socket(.dealer, in: context) else { return }
      try? sender.set(.linger, 5_000)
      try? sender.connect(endpoint)
      _ = try? sender.send(([42] as [UInt8]).span.bytes, more: false, waiting: true)
    }
    let message = try pair.router.receiveMessage()
    let cameAfterSignals = hasSignalled.value.load(ordering: .acquiring)
    #expect(cameAfterSignals, "the frame came after all signals")
    #expect(message.last == [42])
    thread.join()
  }

  @Test("A frame larger than the limit ends its sender's connection and is not received")
  func frameLimit() throws {
    let router = try Socket(.router, in: context)
    try router.setMaxFrameBytes(1_000)
    try router.set(.receiveTimeout, 300)
    let endpoint = try router.bind("tcp://127.0.0.1:*")
    let client = try Socket(.dealer, in: context)
    try client.connect(endpoint)
    try client.send([patterned(1_001)])
    var buffer = ByteBuffer()
    #expect(try router.receive(into: &buffer, waiting: true) == .wouldBlock)
    #expect(buffer.count == 0)
  }

  @Test("An address that is taken is an error with call, endpoint and reason")
  func addressInUse() throws {
    let first = try Socket(.router, in: context)
    let endpoint = try first.bind("tcp://127.0.0.1:*")
    let second = try Socket(.router, in: context)
    let error = #expect(throws: ZeroMQError.self) { try second.bind(endpoint) }
    #expect(error?.number == EADDRINUSE)
    #expect(error?.description == "zmq_bind \(endpoint): Address already in use")
  }

  @Test("An endpoint that can not exist is an error", arguments: ["", "nonsense", "tcp://", "carrier-pigeon://coop"])
  func badEndpoint(_ endpoint: String) throws {
    let socket = try Socket(.dealer, in: context)
    #expect(throws: ZeroMQError.self) { try socket.connect(endpoint) }
  }
}

/// The thread that is to be disturbed.
struct Receiver: @unchecked Sendable {
  let thread: pthread_t
}

/// One bit that two threads share.
final class Flag: Sendable {
  let value = Atomic<Bool>(false)
}
