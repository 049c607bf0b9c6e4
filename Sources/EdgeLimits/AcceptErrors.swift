/// When a connection can not be accepted, because the process has too many files open or the peer has gone already, the
/// listener goes on. The libraries would take any error for its end.
package import NIOCore

package final class AcceptErrors: ChannelInboundHandler, Sendable {
  package typealias InboundIn = Any
  package typealias InboundOut = Any

  /// The connection stays in the queue: without a pause the thread would do nothing but try.
  private static let pause = TimeAmount.milliseconds(100)

  package init() {}

  package func errorCaught(context: ChannelHandlerContext, error: any Error) {
    // What the listener does not survive closes it, without this.
    let channel = context.channel
    _ = channel.setOption(.autoRead, value: false)
    channel.eventLoop.scheduleTask(in: AcceptErrors.pause) { _ = channel.setOption(.autoRead, value: true) }
  }
}
