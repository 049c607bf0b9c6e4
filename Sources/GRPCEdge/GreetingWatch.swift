/// Ends connections that do not come to a whole greeting: TLS's handshake, HTTP/2's preface and the head of its first frame.
internal import EdgeLimits
internal import NIOCore

final class GreetingWatch: ChannelInboundHandler, RemovableChannelHandler {
  typealias InboundIn = NIOCore.ByteBuffer
  typealias InboundOut = NIOCore.ByteBuffer

  private static let patience = TimeAmount.seconds(10)
  /// `PRI * HTTP/2.0…SM…` and the head of a frame; whether it is one is for the library to say.
  private static let greetingBytes = 24 + 9

  private let table: ConnectionTable
  private var bytes = 0
  private var timer: Scheduled<Void>?

  init(_ table: ConnectionTable) { self.table = table }

  func handlerAdded(context: ChannelHandlerContext) {
    let channel = context.channel
    timer = context.eventLoop.scheduleTask(in: GreetingWatch.patience) { [table] in
      table.isTooSlow()
      channel.close(promise: nil)
    }
  }

  func handlerRemoved(context: ChannelHandlerContext) { timer?.cancel() }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    bytes += unwrapInboundIn(data).readableBytes
    context.fireChannelRead(data)
    if bytes >= GreetingWatch.greetingBytes { context.pipeline.syncOperations.removeHandler(self, promise: nil) }
  }
}
