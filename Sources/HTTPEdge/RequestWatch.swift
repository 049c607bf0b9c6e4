/// Ends connections whose request does not come to its end, or whose response is not taken; and keeps the table of
/// connections. A byte now and then does not help: the times run from the beginning of each step.
internal import EdgeLimits
internal import NIOCore
internal import NIOHTTPTypes

final class RequestWatch: ChannelDuplexHandler, RemovableChannelHandler {
  typealias InboundIn = HTTPRequestPart
  typealias InboundOut = HTTPRequestPart
  typealias OutboundIn = HTTPResponsePart
  typealias OutboundOut = HTTPResponsePart

  /// For the first request, with TLS's handshake, and for what comes behind a head.
  private static let requestPatience = TimeAmount.seconds(10)
  private static let responsePatience = TimeAmount.seconds(30)
  /// Between two requests.
  private static let idlePatience = TimeAmount.seconds(30)
  /// No page wants a body.
  private static let bodyBytesMax = 64 << 10

  private let table: ConnectionTable
  private var timer: Scheduled<Void>?
  private var underWay = 0
  private var bodyBytes = 0

  init(_ table: ConnectionTable) { self.table = table }

  func handlerAdded(context: ChannelHandlerContext) {
    let channel = context.channel
    let isWelcome = table.enter(ObjectIdentifier(channel)) { channel.close(promise: nil) }
    guard isWelcome else { return channel.close(promise: nil) }
    let (table, id) = (table, ObjectIdentifier(channel))
    channel.closeFuture.whenComplete { _ in table.leave(id) }
    wait(RequestWatch.requestPatience, context)
  }

  func handlerRemoved(context: ChannelHandlerContext) { timer?.cancel() }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    switch unwrapInboundIn(data) {
    case .head:
      table.asks(ObjectIdentifier(context.channel))
      underWay += 1
      bodyBytes = 0
      wait(RequestWatch.requestPatience, context)
    case .body(let part):
      bodyBytes += part.readableBytes
      guard bodyBytes <= RequestWatch.bodyBytesMax else { return context.close(promise: nil) }
    case .end: wait(RequestWatch.responsePatience, context)
    }
    context.fireChannelRead(data)
  }

  func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
    if case .end = unwrapOutboundIn(data), underWay > 0 {
      table.isAnswered(ObjectIdentifier(context.channel))
      underWay -= 1
      if underWay == 0 { wait(RequestWatch.idlePatience, isIdle: true, context) }
    }
    context.write(data, promise: promise)
  }

  private func wait(_ time: TimeAmount, isIdle: Bool = false, _ context: ChannelHandlerContext) {
    timer?.cancel()
    let (table, channel) = (table, context.channel)
    timer = context.eventLoop.scheduleTask(in: time) {
      if !isIdle { table.isTooSlow() }
      channel.close(promise: nil)
    }
  }
}
