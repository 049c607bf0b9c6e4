/// Polling and watching: who is told what, and when.
import Bytes
import Testing
import Threads
import ZeroMQ

@Suite(.timeLimit(.minutes(10)))
struct WaitingTests {
  let context: Context

  init() throws { context = try Context() }

  @Test("A poll ends with its time when nothing happens")
  func pollTimeout() throws {
    let pair = try SocketPair(.dealer, in: context)
    var poller = Poller(sockets: [pair.router])
    let start = ContinuousClock.now
    #expect(try poller.wait(milliseconds: 20) == 0)
    #expect(ContinuousClock.now - start >= .milliseconds(15))
    let isReadable = poller.isReadable(0)
    #expect(!isReadable)
  }

  @Test("A poll tells which of its sockets and descriptors are readable")
  func pollReady() throws {
    let pair = try SocketPair(.dealer, in: context)
    let wakeUp = WakeUp()
    var poller = Poller(sockets: [pair.router, pair.client], descriptors: [wakeUp.descriptor])
    try pair.client.send([[1]])
    #expect(try poller.wait(milliseconds: 5_000) == 1)
    #expect((0..<3).map { poller.isReadable($0) } == [true, false, false])

    _ = try pair.router.receiveMessage()
    wakeUp.signal()
    #expect(try poller.wait(milliseconds: 5_000) == 1)
    #expect((0..<3).map { poller.isReadable($0) } == [false, false, true])

    wakeUp.drain()
    #expect(try poller.wait(milliseconds: 0) == 0)
  }

  @Test("Another thread ends a poll through a descriptor")
  func pollWoken() throws {
    let wakeUp = WakeUp()
    var poller = Poller(sockets: [], descriptors: [wakeUp.descriptor])
    let thread = NamedThread("test-waker") { wakeUp.signal() }
    #expect(try poller.wait(milliseconds: 5_000) == 1)
    thread.join()
  }

  @Test("A socket's descriptor becomes readable with it")
  func descriptor() throws {
    let pair = try SocketPair(.dealer, in: context)
    var poller = try Poller(sockets: [], descriptors: [pair.router.fileDescriptor()])
    #expect(try !pair.router.isReadable())
    try pair.client.send([[1]])
    let deadline = ContinuousClock.now + .seconds(5)
    while try !pair.router.isReadable(), ContinuousClock.now < deadline { try poller.wait(milliseconds: 100) }
    #expect(try pair.router.receiveMessage().last == [1])
  }

  @Test("A monitor counts the connections that come and go")
  func counting() throws {
    let router = try Socket(.router, in: context)
    let monitor = try SocketMonitor(router)
    try monitor.events.set(.receiveTimeout, 5_000)
    let endpoint = try router.bind("tcp://127.0.0.1:*")
    var count = ConnectionCount()
    func take(until isEnough: (ConnectionCount) -> Bool) throws {
      while !isEnough(count) { count.take(try #require(try monitor.next(waiting: true))) }
    }
    do {
      let clients = try (0..<3).map { _ in try Socket(.dealer, in: context) }
      for client in clients { try client.connect(endpoint) }
      try take { $0.accepted == 3 }
      #expect(count.open == 3)
      withExtendedLifetime(clients) {}
    }
    try take { $0.open == 0 }
    #expect(count.accepted == 3)
    #expect(try monitor.next() == nil)
  }

  @Test("A monitor tells that nobody answers at an address")
  func refused() throws {
    let dealer = try Socket(.dealer, in: context)
    let monitor = try SocketMonitor(dealer)
    try monitor.events.set(.receiveTimeout, 5_000)
    try dealer.connect("tcp://127.0.0.1:1")
    #expect(try monitor.next(waiting: true) == .connectRetried)
  }

  @Test("A monitor tells that a connection stands and is understood")
  func connected() throws {
    let router = try Socket(.router, in: context)
    let endpoint = try router.bind("tcp://127.0.0.1:*")
    let dealer = try Socket(.dealer, in: context)
    let monitor = try SocketMonitor(dealer)
    try monitor.events.set(.receiveTimeout, 5_000)
    try dealer.connect(endpoint)
    #expect(try monitor.next(waiting: true) == .connected)
    #expect(try monitor.next(waiting: true) == .handshakeSucceeded)
  }
}
