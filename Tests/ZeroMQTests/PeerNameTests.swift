/// The names that a router gives to peers which bring none.
import Glibc
import Testing
import ZeroMQ

@Suite(.timeLimit(.minutes(10)))
struct PeerNameTests {
  @Test("They begin with a number that is another one for every context, whatever rand() would give")
  func beginAnywhere() throws {
    var names: Set<[UInt8]> = []
    for _ in 0..<3 {
      srand(1)
      let pair = try SocketPair(.dealer, in: Context())
      try pair.client.send([[1]])
      let name = try #require(pair.router.receiveMessage().first)
      #expect(name.count == 5 && name[0] == 0)
      names.insert(name)
    }
    #expect(names.count == 3)
  }
}
