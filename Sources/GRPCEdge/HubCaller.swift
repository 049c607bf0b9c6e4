/// Hands requests to the hub and waits for replies, for as long as the client does.
internal import GRPCCore
internal import Hub
internal import Server

struct HubCaller: Sendable {
  let gate: RequestGate
  let lifecycle: Lifecycle

  private enum Outcome: Sendable {
    case reply([UInt8])
    /// The deadline is over, or the client has gone.
    case cancelled
  }

  /// Asks the hub. Gives the reply and where in it the result is.
  ///
  /// - Parameter expected: how large a message the reply may make, where that can be much; there is room for it first.
  /// - Throws: the status of a reply that says no; `deadlineExceeded` or `cancelled`. A request that was not begun by
  ///   then is not done; of one that was, the outcome is unknown.
  func ask(
    _ request: [UInt8], from caller: Caller, expecting expected: Int = 0, deadline: Deadline
  ) async throws(RPCError) -> (reply: JSONDocument, result: Int) {
    let share = ReplyBudget.current
    if expected > 0 { try await share?.reserve(expected) }
    let outcome = OneShot<Outcome>()
    let call = GateCall(
      request, bearer: caller.bearer, peer: share?.peer ?? [], certificate: caller.certificate
    ) { outcome.give(.reply($0)) }
    switch gate.submit(call) {
    case .closed: throw RPCError(.shuttingDown, "the hub is shutting down, or has not begun to answer: try again")
    case .full: throw RPCError(.overloaded, "the queue of requests is full: try again later")
    case nil: break
    }
    let told = await withRPCCancellationHandler {
      await outcome.value()
    } onCancelRPC: {
      // A stop of the server counts as a cancellation too: what was accepted is answered all the same.
      guard lifecycle.phase == .serving || deadline.isOver else { return }
      call.abandon()
      outcome.give(.cancelled)
    }
    guard case .reply(let text) = told else { throw deadline.error }
    // The item is in the message twice.
    let bytes = text.count > ReplyBudget.smallBytes ? text.count * 2 : 0
    if expected > 0 { share?.settle(bytes) } else if bytes > 0 { try await share?.reserve(bytes) }
    guard let reply = try? JSONDocument(text) else { throw RPCError(.internal, "the hub's reply can not be read") }
    guard reply.flag("success", of: JSONDocument.root), let result = reply.member("result", of: JSONDocument.root)
    else { throw RPCError(reply) }
    return (reply, result)
  }
}

/// When the client stops waiting.
struct Deadline: Sendable {
  private let end: ContinuousClock.Instant?

  /// Timers go off a little early, or late.
  private static let tolerance = Duration.milliseconds(5)

  init(_ metadata: Metadata) {
    end = metadata[stringValues: "grpc-timeout"].first { _ in true }.flatMap(Deadline.timeout).map { .now + $0 }
  }

  /// Reads `grpc-timeout`: at most eight digits and a unit.
  static func timeout(_ text: String) -> Duration? {
    guard (2...9).contains(text.utf8.count), let value = Int64(text.dropLast()), value >= 0 else { return nil }
    return switch text.last {
    case "H": .seconds(value * 3_600)
    case "M": .seconds(value * 60)
    case "S": .seconds(value)
    case "m": .milliseconds(value)
    case "u": .microseconds(value)
    case "n": .nanoseconds(value)
    default: nil
    }
  }

  var isOver: Bool { end.map { ContinuousClock.now + Deadline.tolerance >= $0 } ?? false }

  /// Why a call that was cancelled was.
  var error: RPCError {
    isOver
      ? RPCError(code: .deadlineExceeded, message: "the deadline is over; the outcome of a write is unknown")
      : RPCError(code: .cancelled, message: "the call was cancelled; the outcome of a write is unknown")
  }
}
