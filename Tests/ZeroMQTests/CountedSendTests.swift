/// What is counted is what libzmq still holds.
import Bytes
import Glibc
import Testing
import ZeroMQ

@Suite(.timeLimit(.minutes(10)))
struct CountedSendTests {
  let context: Context

  init() throws { context = try Context() }

  /// Whether the counter comes down to `limit` within five seconds.
  private func settles(_ counter: SendCounter, to limit: Int = 0) -> Bool {
    for _ in 0..<5_000 {
      if counter.outstanding <= limit { return true }
      usleep(1_000)
    }
    return false
  }

  @Test("A large frame that was sent without a copy arrives whole, and counts until it has left")
  func delivered() throws {
    let pair = try SocketPair(.dealer, in: context)
    try pair.client.send([[1]])
    let name = try pair.router.receiveMessage()[0]
    let counter = SendCounter()
    for size in [0, 1, 100, 100_000, 8 << 20] {
      #expect(try pair.router.send(name.span.bytes, more: true) == .sent)
      #expect(try pair.router.send(owning: buffer(patterned(size)), countedIn: counter) == .sent)
      #expect(try pair.client.receiveMessage() == [patterned(size)], "\(size) bytes")
      #expect(settles(counter), "\(size) bytes")
    }
  }

  @Test("What a client does not read stays counted, and counts no more once its connection has ended")
  func unread() throws {
    let counter = SendCounter()
    let pair = try SocketPair(.dealer, in: context) { try $0.set(.receiveHighWater, 2) }
    try pair.client.send([[1]])
    let name = try pair.router.receiveMessage()[0]
    let size = 4 << 20
    for _ in 0..<20 {
      #expect(try pair.router.send(name.span.bytes, more: true) == .sent)
      #expect(try pair.router.send(patterned(size).span.bytes, countedIn: counter) == .sent)
    }
    // The kernel takes some megabytes, and the client's side two frames and one that is being read.
    usleep(300_000)
    #expect(counter.outstanding >= 10 * size)
    withExtendedLifetime(pair.client) {}
  }

  @Test("A frame that is refused counts no more")
  func refused() throws {
    let dealer = try Socket(.dealer, in: context)
    let counter = SendCounter()
    #expect(try dealer.send(owning: buffer(patterned(1_000)), countedIn: counter) == .wouldBlock)
    #expect(counter.outstanding == 0)
  }

  @Test("Closing the socket releases what was not sent")
  func closed() throws {
    let counter = SendCounter()
    do {
      let context = try Context()
      let dealer = try Socket(.dealer, in: context)
      try dealer.connect("tcp://127.0.0.1:1")
      #expect(try dealer.send(owning: buffer(patterned(1_000)), countedIn: counter) == .sent)
      #expect(counter.outstanding == 1_000)
    }
    #expect(settles(counter))
  }
}
