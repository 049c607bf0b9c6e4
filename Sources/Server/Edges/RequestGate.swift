/// The one way from other threads to the request loop: a bounded queue that wakes it. Transports that are not the
/// loop's own hand their requests in here, each translated into the JSON that the protocol has anyway.
///
/// See docs/decisions/0042-one-gate.md.
package import Access
internal import Synchronization
internal import Threads

/// One request from another transport.
package final class GateCall: Sendable {
  let body: [UInt8]
  let bearer: [UInt8]
  let peer: [UInt8]
  let certificate: PublicKeyPin?
  private let abandoned = Atomic<Bool>(false)
  private let tell: @Sendable ([UInt8]) -> Void

  /// - Parameters:
  ///   - body: a request as in CONTRACT section 2.
  ///   - bearer: the API key that came beside it; empty for none. Whom it stands for is decided where requests are
  ///     processed.
  ///   - peer: a name for the connection.
  ///   - certificate: the key of the certificate that the client has shown; nil when none was asked for.
  ///   - tell: is given the reply, once, on the loop's thread, unless the call was abandoned; must not wait.
  package init(
    _ body: [UInt8], bearer: [UInt8] = [], peer: [UInt8] = [], certificate: PublicKeyPin? = nil,
    tell: @escaping @Sendable ([UInt8]) -> Void
  ) {
    self.body = body
    self.bearer = bearer
    self.peer = peer
    self.certificate = certificate
    self.tell = tell
  }

  /// Nobody waits for the reply any more. What has not been begun is not done.
  package func abandon() { abandoned.store(true, ordering: .relaxed) }
  var isAbandoned: Bool { abandoned.load(ordering: .relaxed) }

  func answer(_ reply: [UInt8]) { tell(reply) }
}

package final class RequestGate: Sendable {
  package enum Refusal: Sendable, Equatable {
    /// The hub has not begun to answer, or does so no more.
    case closed
    case full
  }

  package typealias Observer = @Sendable (HubFigures) -> Void

  private enum Phase { case shut, open, closed }

  private struct Waiting {
    var phase = Phase.shut
    var calls: [GateCall] = []
    var bytes = 0
    var observers: [Observer] = []
    var isEmpty: Bool { calls.isEmpty && observers.isEmpty }
  }

  // Not a Mutex: what that does is in the standard library, where the thread sanitizer does not see it.
  private let waiting = Monitor(Waiting())
  /// All that the loop looks at as long as there is nothing. Set and cleared under the lock.
  private let hasWork = Atomic<Bool>(false)
  private let wakeUp: WakeUp
  private let callsMax: Int

  private static let bytesMax = 64 << 20
  private static let observersMax = 64

  /// - Parameter callsMax: calls that may wait to be taken; more are refused.
  init(waking wakeUp: WakeUp, callsMax: Int) {
    self.wakeUp = wakeUp
    self.callsMax = callsMax
  }

  // MARK: From any thread

  /// Hands in a call. Nil: it will be answered.
  package func submit(_ call: GateCall) -> Refusal? {
    add { waiting in
      guard waiting.calls.count < callsMax, waiting.bytes < RequestGate.bytesMax else { return .full }
      waiting.calls.append(call)
      waiting.bytes += call.body.count
      return nil
    }
  }

  /// Has `observer` given the hub's figures, on the loop's thread; it must not wait.
  package func observe(_ observer: @escaping Observer) -> Refusal? {
    add { waiting in
      guard waiting.observers.count < RequestGate.observersMax else { return .full }
      waiting.observers.append(observer)
      return nil
    }
  }

  private func add(_ add: (inout Waiting) -> Refusal?) -> Refusal? {
    let (refusal, isFirst) = waiting.with { waiting -> (Refusal?, Bool) in
      guard waiting.phase == .open else { return (.closed, false) }
      let wasEmpty = waiting.isEmpty
      if let refusal = add(&waiting) { return (refusal, false) }
      hasWork.store(true, ordering: .releasing)
      return (nil, wasEmpty)
    }
    // One that comes behind others need not wake the loop again.
    if isFirst { wakeUp.signal() }
    return refusal
  }

  // MARK: From the loop's thread

  package func open() { waiting.with { if $0.phase == .shut { $0.phase = .open } } }

  /// From now on everything is refused. What was handed in before can still be taken.
  package func close() { waiting.with { $0.phase = .closed } }

  var isEmpty: Bool { !hasWork.load(ordering: .acquiring) }

  /// Calls that wait to be taken.
  var depth: Int { waiting.with { $0.calls.count } }

  func takeCalls() -> [GateCall] {
    take { waiting in
      defer { waiting.bytes = 0 }
      return RequestGate.emptied(&waiting.calls)
    }
  }

  func takeObservers() -> [Observer] { take { RequestGate.emptied(&$0.observers) } }

  private func take<Element>(_ take: (inout Waiting) -> [Element]) -> [Element] {
    waiting.with { waiting in
      let taken = take(&waiting)
      if waiting.isEmpty { hasWork.store(false, ordering: .releasing) }
      return taken
    }
  }

  private static func emptied<Element>(_ list: inout [Element]) -> [Element] {
    let taken = list
    list = []
    return taken
  }
}
