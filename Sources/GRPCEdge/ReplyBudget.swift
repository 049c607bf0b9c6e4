/// Bounds the memory of replies that are on their way: HTTP/2 lets a client ask for much and take nothing.
internal import GRPCCore
internal import GRPCNIOTransportHTTP2Posix
internal import Hub
internal import Synchronization

final class ReplyBudget: Sendable {
  private struct State {
    var held = 0
    var byPeer: [String: Int] = [:]
  }

  private let state = Mutex(State())
  private let bytesMax: Int
  /// Of one connection: a client that takes nothing must not use up what others need.
  private let peerBytesMax: Int

  /// Smaller replies are not counted: an error, a count, a health check.
  static let smallBytes = 16 << 10
  private static let patience = Duration.seconds(2)
  private static let pause = Duration.milliseconds(10)

  init(bytesMax: Int, peerBytesMax: Int) {
    self.bytesMax = bytesMax
    self.peerBytesMax = peerBytesMax
  }

  /// The part of the call that this task works for; nil outside of calls.
  @TaskLocal static var current: Share?

  private func take(_ bytes: Int, _ peer: String) -> Bool {
    state.withLock { state in
      let own = state.byPeer[peer] ?? 0
      guard own == 0 || own + bytes <= peerBytesMax, state.held == 0 || state.held + bytes <= bytesMax else {
        return false
      }
      state.held += bytes
      state.byPeer[peer] = own + bytes
      return true
    }
  }

  private func giveBack(_ bytes: Int, _ peer: String) {
    guard bytes > 0 else { return }
    state.withLock { state in
      state.held -= bytes
      let own = (state.byPeer[peer] ?? 0) - bytes
      state.byPeer[peer] = own == 0 ? nil : own
    }
  }

  /// What one call holds, given back when its stream has ended.
  final class Share: Sendable {
    private let budget: ReplyBudget
    private let name: String
    /// Of a stream two messages: the next one is made while the one before may still be there.
    private let held = Mutex((before: 0, newest: 0))

    fileprivate init(_ budget: ReplyBudget, _ peer: String) {
      self.budget = budget
      name = peer
    }

    /// A name for the connection.
    var peer: [UInt8] { Array(name.utf8) }

    /// Waits until there is room for a message of so many bytes.
    func reserve(_ bytes: Int) async throws(RPCError) {
      let over = held.withLock { held in
        defer { held = (held.newest, 0) }
        return held.before
      }
      budget.giveBack(over, name)
      let end = ContinuousClock.now + ReplyBudget.patience
      while !budget.take(bytes, name) {
        guard ContinuousClock.now < end else {
          throw RPCError(
            .overloaded, "replies that were not taken yet fill the memory that there is for them: read them first")
        }
        do { try await Task.sleep(for: ReplyBudget.pause) } catch {
          throw RPCError(code: .cancelled, message: "the call was cancelled")
        }
      }
      held.withLock { $0.newest = bytes }
    }

    /// Waits until there would be room, and holds none.
    func waitForRoom(_ bytes: Int) async throws(RPCError) {
      try await reserve(bytes)
      settle(0)
    }

    /// What was reserved is less after all.
    func settle(_ bytes: Int) {
      let over = held.withLock { held in
        defer { held.newest = min(held.newest, bytes) }
        return max(0, held.newest - bytes)
      }
      budget.giveBack(over, name)
    }

    fileprivate func end() {
      let all = held.withLock { held in
        defer { held = (0, 0) }
        return held.before + held.newest
      }
      budget.giveBack(all, name)
    }
  }

  /// Runs one call with a share of its own.
  fileprivate func share(_ peer: String, _ call: () async -> Void) async {
    let share = Share(self, peer)
    await ReplyBudget.$current.withValue(share) { await call() }
    share.end()
  }
}

/// The transport, with a share of the budget around every call: it is given back when the stream has ended, not already
/// when the method has.
struct BoundedTransport: ServerTransport {
  typealias Base = HTTP2ServerTransport.Custom<TCPListenerFactory>
  typealias Bytes = Base.Bytes

  let base: Base
  let budget: ReplyBudget

  func configure(context: GRPCServerContext) { base.configure(context: context) }

  func listen(
    streamHandler: @escaping @Sendable (RPCStream<Inbound, Outbound>, ServerContext) async -> Void
  ) async throws {
    try await base.listen { [budget] stream, context in
      await budget.share(context.remotePeer) { await streamHandler(stream, context) }
    }
  }

  func beginGracefulShutdown() { base.beginGracefulShutdown() }
}
