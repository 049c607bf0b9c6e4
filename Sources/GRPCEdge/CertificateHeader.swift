/// Tells each call which certificate its connection has shown, in a header that no client can send. The library has a
/// better place for it, which only its own listener can fill: see docs/decisions/0054-client-certificates.md.
internal import Access
internal import EdgeTLS
internal import GRPCCore
internal import NIOCore
internal import NIOHPACK
internal import NIOHTTP2

final class CertificateHeader: ChannelInboundHandler {
  typealias InboundIn = HTTP2Frame.FramePayload
  typealias InboundOut = HTTP2Frame.FramePayload

  private static let name = "mfh-client-certificate"

  private let pin: PublicKeyPin?

  private init(_ pin: PublicKeyPin?) { self.pin = pin }

  /// Puts itself before everything that looks at the stream's headers. Each stream needs it, with TLS or without: what a
  /// client writes there itself must go.
  static func add(to stream: any Channel) -> EventLoopFuture<Void> {
    stream.eventLoop.makeCompletedFuture {
      let pin = try stream.parent.flatMap { try ClientCertificate.pin(of: $0) }
      try stream.pipeline.syncOperations.addHandler(CertificateHeader(pin), position: .first)
    }
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    guard case .headers(var frame) = unwrapInboundIn(data) else { return context.fireChannelRead(data) }
    frame.headers.remove(name: CertificateHeader.name)
    if let pin { frame.headers.add(name: CertificateHeader.name, value: pin.description) }
    context.fireChannelRead(wrapInboundOut(.headers(frame)))
  }

  static func pin(_ metadata: Metadata) -> PublicKeyPin? {
    metadata[stringValues: name].first { _ in true }.flatMap { PublicKeyPin($0) }
  }
}
