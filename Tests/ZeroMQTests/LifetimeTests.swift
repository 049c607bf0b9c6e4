/// Contexts and sockets end when they are no longer needed, and not before.
import Bytes
import Testing
import ZeroMQ

@Suite(.timeLimit(.minutes(10)))
struct LifetimeTests {
  @Test("A context ends at once although a message could not be delivered")
  func undelivered() throws {
    let start = ContinuousClock.now
    do {
      let context = try Context()
      let dealer = try Socket(.dealer, in: context)
      try dealer.connect("tcp://127.0.0.1:1")
      try dealer.send([[1, 2, 3]])
    }
    #expect(ContinuousClock.now - start < .seconds(2))
  }

  @Test("A socket that lingers delivers what it has sent although it ends")
  func lingering() throws {
    let context = try Context()
    let router = try Socket(.router, in: context)
    try router.set(.receiveTimeout, 5_000)
    let endpoint = try router.bind("tcp://127.0.0.1:*")
    do {
      let dealer = try Socket(.dealer, in: context)
      try dealer.set(.linger, 5_000)
      try dealer.connect(endpoint)
      try dealer.send([[4]])
    }
    #expect(try router.receiveMessage().last == [4])
  }

  @Test("A socket keeps its context alive")
  func contextOutlived() throws {
    var context: Context? = try Context()
    let router = try Socket(.router, in: #require(context))
    context = nil
    #expect(try router.bind("tcp://127.0.0.1:*").hasPrefix("tcp://127.0.0.1:"))
  }

  @Test("A context has no more sockets than it is told to have")
  func socketLimit() throws {
    let context = try Context(maxSockets: 2)
    let sockets = try [Socket(.dealer, in: context), Socket(.dealer, in: context)]
    #expect(throws: ZeroMQError.self) { try Socket(.dealer, in: context) }
    withExtendedLifetime(sockets) {}
  }

  @Test("An option keeps the value that it was given", arguments: Socket.Option.allCases)
  func options(_ option: Socket.Option) throws {
    let socket = try Socket(.router, in: Context())
    let flags: [Socket.Option] = [.routerMandatory, .routerHandover, .immediate, .ipv6, .tcpKeepalive]
    // Time to live is kept in tenths of a second.
    let value: Int32 = flags.contains(option) ? 1 : 1_500
    try socket.set(option, value)
    if option == .routerMandatory || option == .routerHandover {
      #expect(throws: ZeroMQError.self) { try socket.value(of: option) }
    } else {
      #expect(try socket.value(of: option) == value)
    }
    #expect(throws: ZeroMQError.self) { try socket.set(option, -700) }
  }
}
