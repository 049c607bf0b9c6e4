/// Who may still wait when much waits already: every small case, and floods of the sizes that are in use.
import Hub
import TestSupport
import Testing

@testable import Server

@Suite("Bulkhead", .timeLimit(.minutes(10)))
struct BulkheadTests {
  /// Clients that send as long as they are let in, and how much of it waits.
  private final class Pool {
    let bulkhead: Bulkhead
    var clients = WaitingClients()
    private var connections: [Connection] = []

    init(_ requestsMax: Int, each connectionRequestsMax: Int? = nil) {
      bulkhead = Bulkhead(connectionRequestsMax: connectionRequestsMax ?? requestsMax, requestsMax: requestsMax)
    }

    /// The name of an envelope that came through connection number `client`.
    static func name(_ client: Int, envelope: UInt8 = 0) -> EnvelopeName {
      let frames = [UInt8(client >> 8), UInt8(client & 255), envelope]
      return EnvelopeName(frames.span.bytes, ends: [2, 3])
    }

    func hold(_ count: Int, as client: Int) {
      for _ in 0..<count { add(.decided(ticket: 1, ReplyHead(requestID: []), .failure(Bulkhead.notReading)), client) }
    }

    private func add(_ reply: WaitingReply, _ client: Int) {
      let name = Pool.name(client)
      clients.add(reply, to: clients[name] ?? Connection(name: name, envelope: [0, 0, 0]))
    }

    /// What the hub says to the next request of a client.
    func refusal(_ client: Int, envelope: UInt8 = 0) -> HubError? {
      let name = Pool.name(client, envelope: envelope)
      if let connection = clients[name] { return bulkhead.refusal(of: connection, clients) }
      return bulkhead.refusalOfWaiting(of: name.peer, clients)
    }

    /// Sends one. Returns whether it waits now.
    func send(_ client: Int) -> Bool {
      guard refusal(client) != nil else {
        hold(1, as: client)
        return true
      }
      if let connection = clients[Pool.name(client)], !bulkhead.isFull(connection, clients) {
        add(.refused([]), client)
      }
      return false
    }

    /// Answers what `client` has waited for longest, and the refusals behind it.
    func answer(_ client: Int) {
      guard let connection = clients[Pool.name(client)] else { return }
      clients.removeNext(connection)
      while connection.next?.isRefusal == true { clients.removeNext(connection) }
      clients.fileAgain(connection)
    }

    func held(_ client: Int) -> Int { clients.share(of: Pool.name(client).peer)?.requests ?? 0 }
  }

  /// Calls `body` with all ways in which `count` clients can hold `most` requests or less together.
  private func forEachSplit(of most: Int, _ count: Int, _ split: [Int] = [], _ body: ([Int]) throws -> Void) rethrows {
    guard split.count < count else { return try body(split) }
    for own in 0...(most - split.reduce(0, +)) { try forEachSplit(of: most, count, split + [own], body) }
  }

  @Test("However little room there is left: who holds nothing gets it, and nobody who holds as much as is left")
  func exhaustive() throws {
    for requestsMax in 1...12 {
      for count in 1...4 {
        try forEachSplit(of: requestsMax, count) { split in
          let pool = Pool(requestsMax)
          for (client, own) in split.enumerated() { pool.hold(own, as: client) }
          let free = requestsMax - split.reduce(0, +)
          try #require((pool.refusal(99) == nil) == (free > 0), "a newcomer beside \(split) of \(requestsMax)")
          for (client, own) in split.enumerated() {
            let refusal = pool.refusal(client)
            let isWelcome = own < free && (own == 0 || free > requestsMax / Bulkhead.lastPart)
            try #require((refusal == nil) == isWelcome, "\(client) of \(split) of \(requestsMax)")
            // Another envelope of the same connection is no way round it.
            try #require((pool.refusal(client, envelope: 1) == nil) == isWelcome, "\(client) of \(split)")
            try #require(refusal == nil || refusal?.retryAfterMilliseconds ?? 0 > 0)
          }
        }
      }
    }
  }

  @Test("Floods that come together get equal shares, and leave one more, whatever their refusals take")
  func together() throws {
    for requestsMax in 2...40 {
      for count in 1...6 {
        let pool = Pool(requestsMax)
        for _ in 0..<(4 * requestsMax) { for client in 0..<count { _ = pool.send(client) } }
        let shares = (0..<count).map { pool.held($0) }
        let free = requestsMax - pool.clients.requests
        try #require(shares.max() ?? 0 <= (shares.min() ?? 0) + 1, "\(shares) of \(requestsMax)")
        let isRoomy = requestsMax > count * 2
        try #require(free >= (shares.min() ?? 0) - 1, "\(shares) of \(requestsMax) leave \(free)")
        try #require(!isRoomy || pool.clients.refusals > 0)
        try #require((pool.refusal(99) == nil) == (free > 0))
      }
    }
  }

  @Test("As the hub comes, one client alone, and each of four, has 4,096 in flight; more share what there is")
  func defaults() throws {
    for (count, each) in [(1, 4_096), (2, 4_096), (4, 4_096), (5, 3_413), (64, 300)] {
      let pool = Pool(20_480, each: 4_096)
      for _ in 0..<5_000 { for client in 0..<count { _ = pool.send(client) } }
      let shares = (0..<count).map { pool.held($0) }
      try #require(shares.allSatisfy { abs($0 - each) <= 1 }, "\(shares)")
    }
  }

  @Test(
    "Floods that come one after the other do not fill the hub either: a hundred who wait for little still find room")
  func oneByOne() throws {
    for count in [1, 16, 64, 128] {
      let pool = Pool(20_480, each: 4_096)
      for client in 0..<count { for _ in 0..<5_000 { _ = pool.send(client) } }
      for client in 1_000..<1_100 { try #require(pool.send(client), "beside \(count), after \(pool.clients.requests)") }
    }
  }

  @Test("However few may wait: as many floods as the last part has places, in any order, leave one to a newcomer")
  func refilling() throws {
    var random = SeededGenerator.fromEnvironment("bulkhead")
    for requestsMax in [32, 64, 256, 1_024, 20_480] {
      let pool = Pool(requestsMax, each: 4_096)
      let floods = Array(0..<min(16, requestsMax / Bulkhead.lastPart))
      for round in 0..<100 {
        for client in floods.shuffled(using: &random) { while pool.send(client) {} }
        try #require(pool.refusal(99) == nil, "round \(round), \(pool.clients.requests) of \(requestsMax)")
        // A commit answers what has waited longest: of some clients more than of others.
        for client in floods {
          for _ in 0..<Int.random(in: 0...pool.held(client), using: &random) { pool.answer(client) }
        }
      }
    }
  }

  @Test("Refusals take no room from requests, and those of one client none from another's")
  func refusals() throws {
    let pool = Pool(64, each: 1 << 20)
    pool.hold(1, as: 1)
    for _ in 0..<100_000 { _ = pool.send(0) }
    let flood = try #require(pool.clients.share(of: Pool.name(0).peer))
    #expect(flood.requests == 32 && flood.refusals == 32_768, "half each")
    let connection = try #require(pool.clients[Pool.name(1)])
    #expect(!pool.bulkhead.isFull(connection, pool.clients))
    #expect(pool.send(1))
  }

  @Test("Where few may wait, a hundred times as many are refused and none is dropped; one envelope has its own bound")
  func manyRefusals() throws {
    let pool = Pool(256, each: 4_096)
    for _ in 0..<1_600 { for client in 0..<16 { _ = pool.send(client) } }
    #expect(pool.clients.requests + pool.clients.refusals == 16 * 1_600)
    for _ in 0..<10_000 { _ = pool.send(0) }
    #expect(pool.clients[Pool.name(0)]?.outstanding == 8_192)
  }

  @Test("Bytes are shared like requests: who holds none is let in while there are some")
  func bytes() {
    var clients = WaitingClients()
    let bulkhead = Bulkhead(connectionRequestsMax: 4_096, requestsMax: 20_480)
    let large = [UInt8](repeating: 0, count: 8 << 20)
    for client in 0..<30 {
      let connection = Connection(name: Pool.name(client), envelope: [0, 0, 0])
      clients.add(.decided(ticket: 1, ReplyHead(requestID: []), .failure(Bulkhead.notReading)), to: connection)
      clients.add(.complete(large), to: connection)
    }
    // 16 MiB are left.
    #expect(bulkhead.refusalOfWaiting(of: Pool.name(0).peer, clients)?.message.contains("bytes") == true)
    #expect(bulkhead.refusalOfWaiting(of: Pool.name(99).peer, clients) == nil)
  }

  @Test("A client that has had its replies has a share no more")
  func leaving() throws {
    let pool = Pool(8)
    pool.hold(3, as: 0)
    let connection = try #require(pool.clients[Pool.name(0)])
    for _ in 0..<3 { pool.clients.removeNext(connection) }
    pool.clients.fileAgain(connection)
    #expect(pool.clients.isEmpty && pool.clients.requests == 0 && pool.clients.share(of: connection.name.peer) == nil)
    pool.hold(1, as: 0)
    #expect(pool.held(0) == 1)
  }
}
