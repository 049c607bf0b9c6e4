/// Counts the connections that are open, and lets no more than so many be.
internal import HummingbirdCore
internal import Synchronization

final class ConnectionCounter: AvailableConnectionsDelegate {
  private let count = Atomic<Int>(0)

  /// Those who watch are few; each costs a file.
  private static let openMax = 512

  var open: Int { count.load(ordering: .relaxed) }

  func connectionOpened() { count.add(1, ordering: .relaxed) }
  func connectionClosed() { count.subtract(1, ordering: .relaxed) }
  func isAcceptingNewConnections() -> Bool { open < ConnectionCounter.openMax }
}
