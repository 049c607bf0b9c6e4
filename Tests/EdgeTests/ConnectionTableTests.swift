/// Which connection gives way: by name, and against a table that is written down without haste.
import EdgeLimits
import Synchronization
import TestSupport
import Testing

/// Something with an identity, as a channel has one.
private final class Peer: Sendable {
  let isClosed = Atomic<Bool>(false)
  var id: ObjectIdentifier { ObjectIdentifier(self) }
  var wasClosed: Bool { isClosed.load(ordering: .relaxed) }

  func enter(_ table: ConnectionTable) -> Bool {
    table.enter(id) { [self] in
      precondition(!isClosed.exchange(true, ordering: .relaxed), "closed twice")
    }
  }
}

@Suite struct ConnectionTableTests {
  private func full(_ count: Int) -> (ConnectionTable, [Peer]) {
    let table = ConnectionTable(max: count)
    let peers = (0..<count).map { _ in Peer() }
    for peer in peers { #expect(peer.enter(table)) }
    return (table, peers)
  }

  @Test("Of connections that have asked for nothing the oldest gives way to a newcomer")
  func oldestFirst() {
    let (table, peers) = full(3)
    table.asks(peers[0].id)
    table.isAnswered(peers[0].id)
    let newcomers = [Peer(), Peer()]
    #expect(newcomers.allSatisfy { $0.enter(table) })
    #expect(peers.map(\.wasClosed) == [false, true, true])
    #expect(table.open == 3 && table.gaveWay == 2)
  }

  @Test("When all have asked, the one that has been idle longest gives way")
  func idleLongest() {
    let (table, peers) = full(3)
    for index in [2, 0, 1] { table.asks(peers[index].id) }
    for index in [1, 2, 0] { table.isAnswered(peers[index].id) }
    #expect(Peer().enter(table))
    #expect(peers.map(\.wasClosed) == [false, true, false])
  }

  @Test("Whoever has a request under way stays, and the newcomer goes")
  func busy() {
    let (table, peers) = full(2)
    for peer in peers { table.asks(peer.id) }
    table.asks(peers[0].id)
    table.isAnswered(peers[0].id)
    #expect(!Peer().enter(table))
    #expect(!peers.contains(where: \.wasClosed) && table.gaveWay == 1)
    table.leave(peers[1].id)
    #expect(Peer().enter(table) && table.open == 2)
  }

  /// What the table does, looked up in a list.
  private struct Model {
    var peers: [(peer: Peer, hasAsked: Bool, requests: Int, since: Int)] = []

    /// Who has to go.
    func next() -> Int? {
      let idle = peers.indices.filter { peers[$0].requests == 0 }
      let fresh = idle.filter { !peers[$0].hasAsked }
      return (fresh.isEmpty ? idle : fresh).min { peers[$0].since < peers[$1].since }
    }
  }

  @Test("Whatever connections do, the table agrees with a list that is searched from end to end")
  func againstModel() {
    var random = SeededGenerator.fromEnvironment("ConnectionTableTests")
    let (table, max) = (ConnectionTable(max: 12), 12)
    var model = Model()
    for turn in 0..<20_000 {
      let some = model.peers.indices.randomElement(using: &random)
      switch (Int.random(in: 0..<10, using: &random), some) {
      case (0...3, _):
        let peer = Peer()
        let leaver = model.peers.count == max ? model.next() : nil
        let isWelcome = model.peers.count < max || leaver != nil
        #expect(peer.enter(table) == isWelcome)
        if let leaver {
          #expect(model.peers[leaver].peer.wasClosed)
          model.peers.remove(at: leaver)
        }
        if isWelcome { model.peers.append((peer, false, 0, turn)) }
      case (4...6, let some?):
        table.asks(model.peers[some].peer.id)
        model.peers[some].requests += 1
        model.peers[some].hasAsked = true
      case (7...8, let some?) where model.peers[some].requests > 0:
        table.isAnswered(model.peers[some].peer.id)
        model.peers[some].requests -= 1
        model.peers[some].since = turn
      case (9, let some?):
        table.leave(model.peers[some].peer.id)
        model.peers.remove(at: some)
      default: break
      }
      #expect(table.open == model.peers.count)
      #expect(!model.peers.contains { $0.peer.wasClosed })
    }
    #expect(table.gaveWay > 100)
  }
}
