/// Stands before the library on every stream: counts what the request takes, and refuses it when it takes too much or too
/// long. The library bounds single messages only, and waits for the rest of them for ever.
internal import EdgeLimits
internal import GRPCCore
internal import Hub
internal import NIOCore
internal import NIOHPACK
internal import NIOHTTP2

final class CallGuard: ChannelDuplexHandler {
  typealias InboundIn = HTTP2Frame.FramePayload
  typealias InboundOut = HTTP2Frame.FramePayload
  typealias OutboundIn = HTTP2Frame.FramePayload
  typealias OutboundOut = HTTP2Frame.FramePayload

  private enum State {
    case waiting
    /// The request is on its way.
    case open
    case complete
    case refused
  }

  /// A request of the largest size takes so long at 70 kB/s.
  private static let patience = TimeAmount.seconds(60)
  private static let retryAfterMilliseconds = 50

  private let budget: RequestBudget
  private let table: ConnectionTable
  private let connection: ObjectIdentifier
  private var state = State.waiting
  private var isCounted = false
  private var isAnswered = false
  private var bytes = 0
  private var held = 0
  private var timer: Scheduled<Void>?

  init(_ budget: RequestBudget, _ table: ConnectionTable, connection: ObjectIdentifier) {
    self.budget = budget
    self.table = table
    self.connection = connection
  }

  func handlerAdded(context: ChannelHandlerContext) {
    table.asks(connection)
    let own = NIOLoopBound((self, context), eventLoop: context.eventLoop)
    timer = context.eventLoop.scheduleTask(in: CallGuard.patience) {
      let (guardian, context) = own.value
      guardian.budget.isTooSlow()
      guardian.refuse(.slow, context)
    }
  }

  func handlerRemoved(context: ChannelHandlerContext) {
    timer?.cancel()
    table.isAnswered(connection)
    if isCounted { budget.end(holding: held, of: connection) }
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    guard state != .refused else { return }
    let isLast: Bool
    switch unwrapInboundIn(data) {
    case .headers(let headers):
      isLast = headers.endStream
      if state == .waiting {
        if let refusal = budget.begin() { return refuse(refusal, context) }
        isCounted = true
        state = .open
      }
    case .data(let data):
      isLast = data.endStream
      if let refusal = take(data.data.readableBytes) { return refuse(refusal, context) }
    default: isLast = false
    }
    if isLast {
      state = .complete
      timer?.cancel()
    }
    context.fireChannelRead(data)
  }

  private func take(_ count: Int) -> RequestBudget.Refusal? {
    bytes += count
    let more = max(0, bytes - RequestBudget.freeBytes) - held
    guard more > 0 else { return nil }
    if let refusal = budget.take(more, of: connection) { return refusal }
    held += more
    return nil
  }

  func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
    if case .headers = unwrapOutboundIn(data) { isAnswered = true }
    // The library answers what it has been told, and that has been answered.
    if state == .refused { return promise?.fail(ChannelError.ioOnClosedChannel) ?? () }
    context.write(data, promise: promise)
  }

  /// Says so, as the hub would, and ends the stream whether the client goes on or not.
  private func refuse(_ refusal: RequestBudget.Refusal, _ context: ChannelHandlerContext) {
    guard state != .refused else { return }
    state = .refused
    timer?.cancel()
    if held > 0 {
      budget.giveBack(held, of: connection)
      held = 0
    }
    if !isAnswered {
      let answer = HTTP2Frame.FramePayload.Headers(headers: CallGuard.answer(refusal), endStream: true)
      context.write(wrapOutboundOut(.headers(answer)), promise: nil)
    }
    context.writeAndFlush(wrapOutboundOut(.rstStream(.noError)), promise: nil)
    context.close(promise: nil)
  }

  private static func answer(_ refusal: RequestBudget.Refusal) -> HPACKHeaders {
    [
      ":status": "200", "content-type": "application/grpc", "grpc-status": "\(ErrorCode.overloaded.status.rawValue)",
      "grpc-message": message(refusal), RPCError.codeTrailer: ErrorCode.overloaded.rawValue,
      "mfh-retry-after-ms": "\(retryAfterMilliseconds)", "grpc-retry-pushback-ms": "\(retryAfterMilliseconds)",
    ]
  }

  private static func message(_ refusal: RequestBudget.Refusal) -> String {
    switch refusal {
    case .calls: "as many calls are under way as there may be: try again later"
    case .bytes: "requests that are not complete fill the memory that there is for them: try again later"
    case .bytesOfConnection: "this connection has too much in requests that are not complete: finish some of them first"
    case .slow: "the request has not come within \(patience.nanoseconds / 1_000_000_000) s"
    }
  }
}
